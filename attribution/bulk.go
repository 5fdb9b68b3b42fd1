package attribution

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"math"
	"strings"
	"time"

	"usher/catalog"
	"usher/dataset"
	"usher/eventlog"
	"usher/store"
)

// bulk counts the rows of an import: into the totals if it added to the data, and
// into a report if the import was told to publish one.
func (f *follower) bulk(ctx context.Context, r eventlog.Record, p *dataset.PartCommitted) error {
	job, err := f.importOf(ctx, p.Blob)
	if err != nil {
		return err
	}
	publish := job != nil && job.PublishMetrics && f.record.Output != ""
	if p.Replace && !publish {
		return nil
	}
	part, err := f.part(ctx, p.Blob)
	if errors.Is(err, fs.ErrNotExist) { // replaced meanwhile
		f.opt.Log.Warn("an import was replaced before it was counted", "attribution", f.arn, "part", p.Blob)
		return nil
	}
	if err != nil {
		return err
	}
	totals := f.state.Totals
	if p.Replace {
		totals = nil
	}
	ofImport := map[cell]float64{}
	f.countRows(r.Offset, part, totals, ofImport)
	if publish {
		f.file(job.Mode, r.Time, ofImport)
	}
	return nil
}

// importOf gives the import that made a part; nil if its record is not there.
// Parts are named parts/<group>/<import>-<attempt>.parquet.
func (f *follower) importOf(ctx context.Context, part string) (found *catalog.ImportJob, err error) {
	name := part[strings.LastIndex(part, "/")+1:]
	id, _, _ := strings.Cut(name, "-")
	err = f.opt.DB.View(ctx, func(tx *store.Tx) error {
		jobs, _, err := catalog.List[catalog.ImportJob](tx, catalog.Query{Group: f.record.Group})
		for _, j := range jobs {
			if j.ID == id {
				found = j
			}
		}
		return err
	})
	return found, err
}

// rows are a part with what metrics and sources need of its further columns: a
// few bytes a row, where all their cells would be hundreds.
type rows struct {
	*dataset.Part
	texts   *dataset.Dict
	given   []dataset.Index   // by row: EVENT_ATTRIBUTION_SOURCE, in texts; nil without the column
	origin  []dataset.Index   // by row: who gave the answer of RECOMMENDATION_ID, likewise
	numbers map[int][]float64 // by field and row: the columns that metrics sum; NaN is null
}

// part reads a part.
func (f *follower) part(ctx context.Context, name string) (*rows, error) {
	r, err := f.opt.Blobs.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	schema := f.group.Schema(dataset.Interactions)
	if schema == nil {
		return nil, errors.New("count an import: the log has no schema of Interactions")
	}
	c := &rows{texts: dataset.NewDict(), numbers: map[int][]float64{}}
	source, recommendation := schema.Column("EVENT_ATTRIBUTION_SOURCE"), schema.Column("RECOMMENDATION_ID")
	summed := f.summed(schema)
	c.Part, err = dataset.VisitPart(r, r.Size(), schema, func(_, field int, v dataset.Value) {
		switch {
		case field == source:
			c.given = append(c.given, c.texts.Intern(v.Str))
		case field == recommendation:
			c.origin = append(c.origin, c.texts.Intern(f.origin(v.Str)))
		case summed[field]:
			x, ok := number(v)
			if !ok {
				x = math.NaN()
			}
			c.numbers[field] = append(c.numbers[field], x)
		}
	})
	return c, err
}

// summed tells which of the further columns metrics sum.
func (f *follower) summed(s *dataset.Schema) map[int]bool {
	out := map[int]bool{}
	for _, m := range f.meters {
		if m.Expression.Dataset == dataset.Interactions {
			out[s.Column(m.Column)] = true
		}
	}
	return out
}

// countRows counts the rows of a part.
func (f *follower) countRows(at eventlog.Offset, p *rows, to ...map[cell]float64) {
	if p.Types == nil {
		return // no metric is of events without a type
	}
	schema := f.group.Schema(dataset.Interactions)
	var row int
	e := &event{column: func(name string) (float64, bool) { return p.number(schema, row, name) }}
	for row = range p.Types {
		e.kind, e.item, e.time = p.EventTypes[p.Types[row]], p.ItemIDs[p.Items[row]], p.Times[row]
		e.source = f.toldApart(cmp.Or(p.text(p.given, row), p.text(p.origin, row)))
		f.count(at, e, to...)
	}
}

// number gives the number of a row in a column.
func (p *rows) number(s *dataset.Schema, row int, column string) (float64, bool) {
	var x float64
	switch {
	case strings.EqualFold(column, "TIMESTAMP"):
		return float64(p.Times[row]), true
	case strings.EqualFold(column, "EVENT_VALUE"):
		if p.Values == nil {
			return 0, false
		}
		x = float64(p.Values[row])
	default:
		list := p.numbers[s.Column(column)]
		if row >= len(list) { // the part was written before the schema had the column
			return 0, false
		}
		x = list[row]
	}
	return x, !math.IsNaN(x)
}

// text gives the text of a row in a column; "" where there is none.
func (p *rows) text(column []dataset.Index, row int) string {
	if row >= len(column) {
		return ""
	}
	return p.texts.ID(column[row])
}

// file puts a report into the outbox.
func (f *follower) file(method string, at time.Time, counts map[cell]float64) {
	f.state.Stamp = max(f.state.Stamp+1, at.Unix())
	f.state.Outbox = append(f.state.Outbox, newReport(method, f.state.Stamp, counts, f.meters))
}
