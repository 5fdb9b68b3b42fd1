package attribution

import (
	"cmp"
	"fmt"
	"strings"

	"usher/catalog"
	"usher/dataset"
	"usher/eventlog"
)

// Undefined is the source of an event that does not tell where it came from.
const Undefined = "SOURCE_NAME_UNDEFINED"

// meter is a metric that is counted.
type meter struct {
	catalog.Metric
	Expression
}

// meters reads the metrics of a record.
func meters(r *catalog.MetricAttribution) ([]meter, error) {
	out := make([]meter, len(r.Metrics))
	for i, m := range r.Metrics {
		e, err := ParseExpression(m.Expression)
		if err != nil {
			return nil, fmt.Errorf("metric %q of %s: %w", m.Name, r.ARN, err)
		}
		out[i] = meter{m, e}
	}
	return out, nil
}

// event is what metrics look at, of a live event or of a row of an import.
type event struct {
	kind   string
	item   string
	source string
	time   int64
	column func(name string) (float64, bool) // of Interactions
}

// count puts an event into the cells of the metrics that it is for.
func (f *follower) count(at eventlog.Offset, e *event, to ...map[cell]float64) {
	for i := range f.meters {
		m := &f.meters[i]
		if uint64(at) <= m.Since || !strings.EqualFold(m.EventType, e.kind) {
			continue
		}
		n, ok := f.value(m, e)
		if !ok {
			continue
		}
		c := cell{m.Name, strings.ToUpper(m.EventType), e.source, 0}
		for k, counts := range to {
			if c.Window = 0; k > 0 { // the first has totals
				c.Window = e.time - mod(e.time, int64(window.Seconds()))
			}
			if counts != nil {
				counts[c] += n
			}
		}
	}
}

// mod is the remainder that is never negative.
func mod(a, b int64) int64 { return (a%b + b) % b }

// value gives what a metric counts of an event; false where the column is null.
func (f *follower) value(m *meter, e *event) (float64, bool) {
	switch m.Expression.Dataset {
	case "":
		return 1, true
	case dataset.Interactions:
		return e.column(m.Column)
	}
	schema := f.group.Schema(dataset.Items)
	item := f.group.Item(e.item)
	if schema == nil || item == dataset.NoIndex {
		return 0, false
	}
	return numberIn(f.group.Row(dataset.Items, item), schema.Column(m.Column))
}

// live counts a live event, unless it was counted before.
func (f *follower) live(at eventlog.Offset, x *dataset.Interaction) {
	if f.seen.Repeated(x.Identity()) {
		return
	}
	e := &event{kind: x.Type, item: x.Item, time: x.Time, source: f.source(x.Source, x.RecommendationID)}
	e.column = func(name string) (float64, bool) {
		if strings.EqualFold(name, "EVENT_VALUE") {
			if x.Value == nil {
				return 0, false
			}
			return *x.Value, true
		}
		schema := f.group.Schema(dataset.Interactions)
		if schema == nil {
			return 0, false
		}
		return numberIn(x.Properties, schema.Column(name))
	}
	f.count(at, e, f.state.Totals, f.state.Pending)
}

// source gives where an event came from.
func (f *follower) source(given, recommendation string) string {
	return f.toldApart(cmp.Or(given, f.origin(recommendation)))
}

// toldApart gives a source under the name by which it is counted: its own, if it is one
// of those that are told apart.
func (f *follower) toldApart(s string) string {
	s = cmp.Or(s, Undefined)
	if s == Undefined || f.sources[s] {
		return s
	}
	if f.opt.Sources > 0 && len(f.sources) >= f.opt.Sources {
		return Undefined
	}
	f.sources[s] = true
	return s
}

// origin gives the ARN of who gave an answer, "" when it is not known (any more).
func (f *follower) origin(recommendation string) string {
	o, ok := catalog.OriginIn(recommendation)
	if !ok {
		return ""
	}
	if arn, ok := f.origins[o]; ok {
		return arn
	}
	f.readOrigins()
	if _, ok := f.origins[o]; !ok {
		f.origins[o] = "" // so that strange ids are looked up once
	}
	return f.origins[o]
}
