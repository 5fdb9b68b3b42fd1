package catalog

import "encoding/json"

// MetricAttribution says what is counted of a group's events, by where the
// recommendations came from that led to them. Parent is the group.
type MetricAttribution struct {
	Meta
	Metrics      []Metric
	Output       string // s3://bucket/folder/; "" for no reports
	OutputKMSKey string
	RoleARN      string
}

// Metric is one number that is counted.
type Metric struct {
	Name       string
	EventType  string
	Expression string // SAMPLECOUNT(), SUM(Items.COLUMN) or SUM(Interactions.COLUMN)
	Since      uint64 // the log's records behind this are counted
}

// Kind implements Record.
func (*MetricAttribution) Kind() Kind { return KindMetricAttribution }

// KindAttributionCounts is the kind of what was counted; nobody is told of it.
const KindAttributionCounts Kind = "metric-attribution-counts"

// AttributionCounts is what was counted for a metric attribution, which is its
// Parent: read and written by package attribution alone. It goes with the metric
// attribution.
type AttributionCounts struct {
	Meta
	State json.RawMessage
}

// Kind implements Record.
func (*AttributionCounts) Kind() Kind { return KindAttributionCounts }

// CountsARN gives the ARN of what was counted for a metric attribution.
func CountsARN(attribution string) string { return attribution + "/counts" }
