package batch

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"usher/blob"
	"usher/catalog"
	"usher/dataset"
	"usher/eventlog"
	"usher/history"
	"usher/ingest"
	"usher/internal/storetest"
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
	testing.TB
	db      *store.DB
	logs    *eventlog.Logs
	hist    *history.History
	blobs   *blob.Dir
	buckets *blob.Dir
	in      *ingest.Ingest
	batch   *Batch
	serving *serving.Serving // only after serve
	workers map[job.Kind]job.Worker
	group   map[string]*catalog.DatasetGroup
	jobs    int
}

func newWorld(t testing.TB, fileRows int64) *world {
	w := &world{TB: t, group: map[string]*catalog.DatasetGroup{}}
	var err error
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if w.db, err = store.Open(t.Context(), store.Options{Database: storetest.Database(t), Now: func() time.Time { return start }}); err != nil {
		t.Fatal(err)
	}
	if w.blobs, err = blob.OpenDir(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	if w.buckets, err = blob.OpenDir(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	w.logs = eventlog.New(w.db)
	w.hist = history.New(history.Options{Logs: w.logs.Log, Blobs: w.blobs})
	w.in = ingest.New(ingest.Options{DB: w.db, Logs: w.logs, History: w.hist, Blobs: w.blobs, Buckets: w.buckets, Workers: 2, Log: quiet})
	w.batch = New(Options{DB: w.db, Logs: w.logs.Log, Blobs: w.blobs, Buckets: w.buckets, Log: quiet, fileRows: fileRows})
	w.workers = map[job.Kind]job.Worker{ingest.ImportJob: w.in.Importer(), ingest.EraseJob: w.in.Eraser(), ExportJob: w.batch.Exporter()}
	t.Cleanup(func() {
		for _, close := range []func() error{w.in.Close, w.hist.Close, w.logs.Close, w.db.Close} {
			if err := close(); err != nil {
				t.Error(err)
			}
		}
	})
	for _, name := range []string{"a", "b"} {
		g := &catalog.DatasetGroup{Meta: catalog.Meta{ARN: name, Status: catalog.Active}}
		w.update(func(tx *store.Tx) error { return catalog.Create(tx, g) })
		w.group[name] = g
		w.update(func(tx *store.Tx) error {
			return catalog.Create(tx, &catalog.EventTracker{Meta: catalog.Meta{ARN: "tracker/" + name, Group: name, Parent: name, Status: catalog.Active}, TrackingID: name})
		})
		for kind, text := range map[dataset.Type]string{dataset.Interactions: interactionsText, dataset.Items: itemsText, dataset.Users: usersText} {
			schema := &catalog.Schema{Meta: catalog.Meta{ARN: name + "/schema/" + string(kind)}, Text: text}
			d := &catalog.Dataset{Meta: catalog.Meta{ARN: name + "/" + string(kind), Group: name, Parent: schema.ARN, Status: catalog.Active}, Type: string(kind)}
			w.update(func(tx *store.Tx) error { return catalog.Create(tx, schema) })
			w.update(func(tx *store.Tx) error { return catalog.Create(tx, d) })
			w.update(func(tx *store.Tx) error { return w.in.SetSchema(tx, g.ID, dataset.SchemaSet{Type: kind, Text: text}) })
		}
	}
	return w
}

func (w *world) update(fn func(tx *store.Tx) error) {
	w.Helper()
	if err := w.db.Update(context.Background(), fn); err != nil {
		w.Fatal(err)
	}
}

func (w *world) put(name, text string) {
	w.Helper()
	o, err := w.buckets.Create(w.Context(), name)
	if err != nil {
		w.Fatal(err)
	}
	defer o.Abort()
	if _, err := io.WriteString(o, text); err != nil {
		w.Fatal(err)
	}
	if err := o.Commit(); err != nil {
		w.Fatal(err)
	}
}

// files gives the objects below a prefix.
func (w *world) files(prefix string) map[string]string {
	w.Helper()
	out := map[string]string{}
	for info, err := range w.buckets.List(w.Context(), prefix) {
		if err != nil {
			w.Fatal(err)
		}
		r, err := w.buckets.Open(w.Context(), info.Name)
		if err != nil {
			w.Fatal(err)
		}
		b := make([]byte, r.Size())
		if _, err := r.ReadAt(b, 0); err != nil && err != io.EOF {
			w.Fatal(err)
		}
		_ = r.Close()
		out[strings.TrimPrefix(info.Name, prefix)] = string(b)
	}
	return out
}

// imported runs an import to its end.
func (w *world) imported(group string, kind dataset.Type, location, mode string) {
	w.Helper()
	w.jobs++
	j := &catalog.ImportJob{Meta: catalog.Meta{ARN: fmt.Sprint("import/", w.jobs), Group: group, Parent: group + "/" + string(kind), Status: catalog.Pending}, Location: location, Mode: mode}
	w.update(func(tx *store.Tx) error {
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
	w.update(func(tx *store.Tx) error {
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
	for _, text := range w.files("out/" + group + "/" + name + "/") {
		rows := strings.SplitAfter(text, "\n")
		lines = append(lines, rows[1:len(rows)-1]...)
	}
	slices.Sort(lines)
	return lines
}

// run lets the queue work until a job's record is settled.
func (w *world) run(arn string) *catalog.Meta {
	w.Helper()
	over := make(chan struct{}, 16)
	defer w.db.Subscribe(catalog.Topic, func(string) { over <- struct{}{} })()
	q, err := job.Open(w.Context(), job.Options{DB: w.db, Log: slog.New(slog.DiscardHandler), Backoff: func(int) time.Duration { return 0 }, Workers: w.workers})
	if err != nil {
		w.Fatal(err)
	}
	defer q.Close()
	for {
		var r catalog.Record
		err := w.db.View(w.Context(), func(tx *store.Tx) (err error) { r, err = catalog.Find(tx, arn); return err })
		if err != nil {
			w.Fatal(err)
		}
		if m := r.Common(); !m.Status.Transitional() {
			return m
		}
		<-over
	}
}

// snapshot is a group as history has it, in words that do not depend on numbers
// or on the order of what happened in one second.
func (w *world) snapshot(group string) string {
	w.Helper()
	g, err := w.hist.Group(w.Context(), w.group[group].ID)
	if err != nil {
		w.Fatal(err)
	}
	s, err := g.Snapshot(w.Context())
	if err != nil {
		w.Fatal(err)
	}
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
