package batch

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"usher/blob"
	"usher/catalog"
	"usher/dataset"
	"usher/ingest"
	"usher/internal/worldtest"
	"usher/job"
	"usher/serving"
	"usher/store"
)

const (
	interactionsText = `{"type":"record","name":"Interactions","fields":[
		{"name":"TIMESTAMP","type":"long"},{"name":"USER_ID","type":"string"},{"name":"ITEM_ID","type":"string"},
		{"name":"EVENT_TYPE","type":"string"},{"name":"EVENT_VALUE","type":["null","float"]},{"name":"IMPRESSION","type":["null","string"]},
		{"name":"RECOMMENDATION_ID","type":["null","string"]},{"name":"DEVICE","type":["null","string"],"categorical":true}],"version":"1.0"}`
	itemsText = `{"type":"record","name":"Items","fields":[
		{"name":"ITEM_ID","type":"string"},{"name":"GENRES","type":["null","string"],"categorical":true},{"name":"TEXT","type":["null","string"],"textual":true},
		{"name":"N","type":["null","int"]},{"name":"L","type":["null","long"]},{"name":"F","type":["null","float"]},{"name":"D","type":["null","double"]},{"name":"B","type":["null","boolean"]}]}`
	usersText = `{"type":"record","name":"Users","fields":[{"name":"USER_ID","type":"string"},{"name":"AGE","type":["null","int"]}],"version":"1.0"}`
)

// world is two groups with three datasets each, "a" and "b", and all that
// imports and exports need.
type world struct {
	*worldtest.World
	in      *ingest.Ingest
	batch   *Batch
	serving *serving.Serving // only after serve
	workers map[job.Kind]job.Worker
	group   map[string]*worldtest.Group
	jobs    int
}

func newWorld(t testing.TB, fileRows int64) *world {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	w := &world{World: worldtest.New(t, func() time.Time { return start }), group: map[string]*worldtest.Group{}}
	quiet := slog.New(slog.DiscardHandler)
	w.in = ingest.New(ingest.Options{DB: w.DB, Logs: w.Logs, History: w.History, Blobs: w.Blobs, Buckets: w.Buckets, Workers: 2, Log: quiet})
	w.Closing(w.in.Close)
	w.batch = New(Options{DB: w.DB, Logs: w.Logs.Log, Blobs: w.Blobs, Buckets: w.Buckets, Log: quiet, fileRows: fileRows})
	w.workers = map[job.Kind]job.Worker{ingest.ImportJob: w.in.Importer(), ingest.EraseJob: w.in.Eraser(), ExportJob: w.batch.Exporter()}
	for _, name := range []string{"a", "b"} {
		w.group[name] = w.NewGroup(name)
		w.Create(&catalog.EventTracker{Meta: catalog.Meta{ARN: "tracker/" + name, Group: name, Parent: name, Status: catalog.Active}, TrackingID: name})
		for kind, text := range map[dataset.Type]string{dataset.Interactions: interactionsText, dataset.Items: itemsText, dataset.Users: usersText} {
			w.add(name, kind, text)
		}
	}
	return w
}

// add makes a dataset of a group.
func (w *world) add(group string, kind dataset.Type, text string) {
	w.Helper()
	d := &catalog.Dataset{Meta: catalog.Meta{ARN: group + "/" + string(kind)}, Type: string(kind)}
	if kind == dataset.ActionInteractions {
		d.TrackingID = "acted-" + group
	}
	w.group[group].AddDataset(d, text)
}

// imported runs an import to its end.
func (w *world) imported(group string, kind dataset.Type, location, mode string) {
	w.Helper()
	w.jobs++
	j := &catalog.ImportJob{Meta: catalog.Meta{ARN: fmt.Sprint("import/", w.jobs), Group: group, Parent: group + "/" + string(kind), Status: catalog.Pending}, Location: location, Mode: mode}
	w.Update(func(tx *store.Tx) error {
		if err := catalog.Create(tx, j); err != nil {
			return err
		}
		return ingest.Enqueue(tx, j.ARN)
	})
	if r := w.run(j.ARN); r.Status != catalog.Active {
		w.Fatalf("import of %s: %s %s", location, r.Status, r.FailureReason)
	}
}

// export begins an export to s3://out/<group> and gives its ARN, which is its name.
func (w *world) export(group string, kind dataset.Type, mode string) string {
	w.Helper()
	w.jobs++
	name := fmt.Sprint("export", w.jobs)
	j := &catalog.ExportJob{Meta: catalog.Meta{ARN: name, Name: name, Group: group, Parent: group + "/" + string(kind), Status: catalog.Pending}, Mode: mode, Output: "s3://out/" + group}
	w.Update(func(tx *store.Tx) error {
		if err := catalog.Create(tx, j); err != nil {
			return err
		}
		return EnqueueExport(tx, j.ARN)
	})
	return name
}

// exported runs an export to its end and gives the lines of its files, sorted,
// without headers.
func (w *world) exported(group string, kind dataset.Type, mode string) []string {
	w.Helper()
	name := w.export(group, kind, mode)
	if r := w.run(name); r.Status != catalog.Active {
		w.Fatalf("export: %s %s", r.Status, r.FailureReason)
	}
	var lines []string
	for _, text := range w.Files("out/" + group + "/" + name + "/") {
		rows := strings.SplitAfter(text, "\n")
		lines = append(lines, rows[1:len(rows)-1]...)
	}
	slices.Sort(lines)
	return lines
}

// run lets the queue work until a job's record is settled.
func (w *world) run(arn string) *catalog.Meta {
	w.Helper()
	return w.Settle(w.workers, arn).Common()
}

// words is a group as history has it, in words that do not depend on numbers
// or on the order of what happened in one second.
func (w *world) words(group string) string {
	w.Helper()
	s := w.group[group].Snapshot()
	var lines []string
	for u, id := range s.UserIDs {
		for _, e := range s.History(dataset.Index(u)) {
			lines = append(lines, fmt.Sprintf("event %q %q %d %s %v", id, s.ItemIDs[e.Item], e.Time, s.EventTypes[e.Type], e.Value))
		}
		if r := s.UserTable.Row(dataset.Index(u)); r != nil {
			lines = append(lines, fmt.Sprintf("user %q %+v", id, r))
		}
	}
	for i, id := range s.ItemIDs {
		if r := s.ItemTable.Row(dataset.Index(i)); r != nil {
			lines = append(lines, fmt.Sprintf("item %q %+v", id, r))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// noBucket is a store in which no object can be made.
type noBucket struct{ blob.Store }

func (noBucket) Create(context.Context, string) (blob.Writer, error) {
	return nil, fmt.Errorf("create: %w", fs.ErrNotExist)
}

// flipped is a store whose objects have wrong bits where their columns begin.
type flipped struct{ blob.Store }

func (f *flipped) Open(ctx context.Context, name string) (blob.Reader, error) {
	r, err := f.Store.Open(ctx, name)
	return &flippedReader{r}, err
}

type flippedReader struct{ blob.Reader }

func (r *flippedReader) ReadAt(p []byte, off int64) (int, error) {
	n, err := r.Reader.ReadAt(p, off)
	for i := range p[:n] {
		if at := off + int64(i); at >= 4 && at < 100 {
			p[i] ^= 1
		}
	}
	return n, err
}
