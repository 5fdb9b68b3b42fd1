package recipe

import (
	"fmt"
	"math"
	"strings"

	"usher/dataset"
)

// Sensitivity says how much relevance answers may lose for an objective, spelled as
// in AWS's objectiveSensitivity.
type Sensitivity string

// The sensitivities.
const (
	Off    Sensitivity = "OFF"
	Low    Sensitivity = "LOW"
	Medium Sensitivity = "MEDIUM"
	High   Sensitivity = "HIGH"
)

// Cost is the part of the relevance that a sensitivity may take: of the NDCG@25 on
// the validation part. false: there is no such sensitivity.
func (s Sensitivity) Cost() (float64, bool) {
	cost, ok := map[Sensitivity]float64{Off: 0, Low: .05, Medium: .15, High: .4}[s]
	return cost, ok
}

// Objective is what answers are to bring besides relevance: high values of a number
// that items have, for example a price.
type Objective struct {
	Attribute   string      `json:"attribute"` // a column of items, whatever the case of its letters
	Sensitivity Sensitivity `json:"sensitivity"`
}

// ParseObjective reads COLUMN:SENSITIVITY.
func ParseObjective(text string) (*Objective, error) {
	column, level, ok := strings.Cut(text, ":")
	o := &Objective{Attribute: column, Sensitivity: Sensitivity(strings.ToUpper(level))}
	if _, known := o.Sensitivity.Cost(); !ok || column == "" || !known {
		return nil, fmt.Errorf("objective %q is not COLUMN:LOW, COLUMN:MEDIUM, COLUMN:HIGH or COLUMN:OFF", text)
	}
	return o, nil
}

// Value gives the attribute of a record with the columns of s; false when it has none.
func (o Objective) Value(s *dataset.Schema, row dataset.Row) (float64, bool) {
	if s == nil || row == nil {
		return 0, false
	}
	at := s.Column(o.Attribute)
	if at < 0 || at >= len(row) || !Rewards(s.Fields[at].Kind) || row[at].Kind == "" || math.IsNaN(row[at].Num) || math.IsInf(row[at].Num, 0) {
		return 0, false
	}
	return row[at].Num, true
}

// Of gives the attribute of an item by its record in t; false when it has none.
func (o Objective) Of(t *dataset.Table, i dataset.Index) (float64, bool) {
	if t == nil {
		return 0, false
	}
	return o.Value(t.Schema, t.Row(i))
}

// WithObjective names the recipes that can have an objective.
func WithObjective() (names []string) {
	for _, s := range table {
		if s.Objective {
			names = append(names, s.Name)
		}
	}
	return names
}

// Rewards says whether values of a kind can be an objective: numbers can.
func Rewards(k dataset.Kind) bool {
	return k == dataset.Int || k == dataset.Long || k == dataset.Float || k == dataset.Double
}
