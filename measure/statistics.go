package measure

import "usher/dataset"

// Statistics describe the data of a dataset group as of one offset of its log.
type Statistics struct {
	DatasetGroupARN string              `json:"datasetGroupArn"`
	Offset          uint64              `json:"offset"` // of the log
	Datasets        []DatasetStatistics `json:"datasets"`
}

// DatasetStatistics describe one dataset.
type DatasetStatistics struct {
	Type       dataset.Type       `json:"datasetType"`
	Rows       int64              `json:"rows"`       // interactions that repeat another in all columns count once
	Incomplete int64              `json:"incomplete"` // rows that lack a value
	Columns    []ColumnStatistics `json:"columns"`

	Interactions *InteractionStatistics `json:"interactions,omitempty"` // of interactions
	Idle         *int64                 `json:"idle,omitempty"`         // of items and users: those without interactions
}

// InteractionStatistics are what only interactions have. Anonymous visitors do not
// count as users until their session is joined to one.
type InteractionStatistics struct {
	Users      int64 `json:"users"`      // that have events
	Repeated   int64 `json:"repeated"`   // of them, those with two events or more
	Items      int64 `json:"items"`      // that have events
	Anonymous  int64 `json:"anonymous"`  // events of visitors who are not known as users
	EventTypes int64 `json:"eventTypes"` // different ones
}

// ColumnStatistics describe one column.
type ColumnStatistics struct {
	Name        string            `json:"name"`
	Kind        dataset.Kind      `json:"type"`
	Categorical bool              `json:"categorical,omitempty"`
	Textual     bool              `json:"textual,omitempty"`
	Values      int64             `json:"values"`        // cells that have one
	Missing     int64             `json:"missing"`       // cells that have none
	Complete    float64           `json:"complete"`      // share of cells that have a value
	Unique      int64             `json:"unique"`        // different values; of a categorical column, categories
	UniqueError float64           `json:"uniqueError"`   // relative standard error of unique; 0: it is exact
	Top         []ValueCount      `json:"top,omitempty"` // the most frequent values, exact; absent where there are very many
	Numbers     *NumberStatistics `json:"numbers,omitempty"`
}

// ValueCount is how often a value stands in a column.
type ValueCount struct {
	Value string `json:"value"`
	Count int64  `json:"count"`
}

// NumberStatistics describe the numbers of a column. Least, most, mean and
// deviation are exact, up to the rounding of float64. So are quantiles, by nearest
// rank, and what is made of them, of a column with at most 65,536 different numbers; of
// others they are within QuantileError of the number itself, or, of times, within half a
// day.
type NumberStatistics struct {
	Least         float64            `json:"least"`
	Most          float64            `json:"most"`
	Mean          float64            `json:"mean"`
	Deviation     float64            `json:"deviation"` // of the sample
	Quantiles     map[string]float64 `json:"quantiles"` // p1, p5, p25, p50, p75, p95, p99
	QuantileError float64            `json:"quantileError"`
	Outliers      int64              `json:"outliers"` // more than three times the middle half's width outside of it (Tukey's "far out")
	Histogram     []Bin              `json:"histogram"`
}

// Bin is a stretch of a histogram, without its upper end but for the last.
type Bin struct {
	From  float64 `json:"from"`
	To    float64 `json:"to"`
	Count int64   `json:"count"`
}
