package attribution

import (
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
	rows := map[cell]float64{}
	f.rows(r.Offset, part, totals, rows)
	if publish {
		f.file(job.Mode, r.Time, rows)
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

// part reads a part, with the columns that metrics look at.
func (f *follower) part(ctx context.Context, name string) (*dataset.Part, error) {
	r, err := f.opt.Blobs.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	schema := f.group.Schema(dataset.Interactions)
	if schema == nil {
		return nil, errors.New("count an import: the log has no schema of Interactions")
	}
	read := dataset.ReadEvents
	if f.needsCells(schema) {
		read = dataset.ReadPart
	}
	return read(r, r.Size(), schema)
}

// needsCells says whether columns count that have no place of their own in a part.
func (f *follower) needsCells(s *dataset.Schema) bool {
	if s.Column("EVENT_ATTRIBUTION_SOURCE") >= 0 || s.Column("RECOMMENDATION_ID") >= 0 {
		return true
	}
	for _, m := range f.meters {
		if m.Expression.Dataset == dataset.Interactions && !strings.EqualFold(m.Column, "EVENT_VALUE") && !strings.EqualFold(m.Column, "TIMESTAMP") {
			return true
		}
	}
	return false
}

// rows counts the rows of a part.
func (f *follower) rows(at eventlog.Offset, p *dataset.Part, to ...map[cell]float64) {
	schema := f.group.Schema(dataset.Interactions)
	source, recommendation := schema.Column("EVENT_ATTRIBUTION_SOURCE"), schema.Column("RECOMMENDATION_ID")
	if p.Types == nil {
		return // no metric is of events without a type
	}
	var row int
	e := &event{column: func(name string) (float64, bool) {
		switch {
		case strings.EqualFold(name, "TIMESTAMP"):
			return float64(p.Times[row]), true
		case strings.EqualFold(name, "EVENT_VALUE"):
			if p.Values == nil || math.IsNaN(float64(p.Values[row])) {
				return 0, false
			}
			return float64(p.Values[row]), true
		case p.Cells == nil:
			return 0, false
		}
		return number(p.Cells[row], schema.Column(name))
	}}
	for row = range p.Types {
		var given, id string
		if p.Cells != nil {
			given, id = text(p.Cells[row], source), text(p.Cells[row], recommendation)
		}
		e.kind, e.item, e.time = p.EventTypes[p.Types[row]], p.ItemIDs[p.Items[row]], p.Times[row]
		e.source = f.source(given, id)
		f.count(at, e, to...)
	}
}

// text gives the text in a cell, "" where there is none.
func text(row dataset.Row, column int) string {
	if column < 0 || column >= len(row) {
		return ""
	}
	return row[column].Str
}

// file puts a report into the outbox.
func (f *follower) file(method string, at time.Time, counts map[cell]float64) {
	f.state.Stamp = max(f.state.Stamp+1, at.Unix())
	f.state.Outbox = append(f.state.Outbox, newReport(method, f.state.Stamp, counts, f.meters))
}
