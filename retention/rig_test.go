package retention

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"usher/blob"
	"usher/catalog"
	"usher/dataset"
	"usher/eventlog"
	"usher/history"
	"usher/internal/storetest"
	"usher/job"
	"usher/store"
)

const (
	interactionsText = `{"type":"record","name":"Interactions","fields":[
		{"name":"USER_ID","type":"string"},{"name":"ITEM_ID","type":"string"},{"name":"TIMESTAMP","type":"long"},
		{"name":"EVENT_TYPE","type":"string"},{"name":"DEVICE","type":["null","string"],"categorical":true}],"version":"1.0"}`
	usersText = `{"type":"record","name":"Users","fields":[
		{"name":"USER_ID","type":"string"},{"name":"CITY","type":["null","string"],"categorical":true}],"version":"1.0"}`
)

// world is a group and all that a Keeper needs.
type world struct {
	t      *testing.T
	dir    string
	url    string // of the database; "": in the folder
	db     *store.DB
	logs   *eventlog.Logs
	hist   *history.History
	blobs  blob.Store
	bucket blob.Store
	keeper *Keeper
	group  *catalog.DatasetGroup
	id     string
	parts  int
}

// hot is how many records stay in the database of a world.
const hot = 50

func newWorld(t *testing.T) *world {
	w := &world{t: t, dir: t.TempDir(), url: storetest.Database(t)}
	w.open()
	t.Cleanup(func() { w.close() })
	w.group = &catalog.DatasetGroup{Meta: catalog.Meta{ARN: "group", Status: catalog.Active}}
	w.update(func(tx *store.Tx) error { return catalog.Create(tx, w.group) })
	w.id = w.group.ID
	w.append(dataset.Change{Schema: &dataset.SchemaSet{Type: dataset.Interactions, Text: interactionsText}},
		dataset.Change{Schema: &dataset.SchemaSet{Type: dataset.Users, Text: usersText}})
	return w
}

// open opens the folder as a server does.
func (w *world) open() {
	w.t.Helper()
	var err error
	if w.db, err = store.Open(w.t.Context(), store.Options{Dir: w.dir + "/data", Database: w.url}); err != nil {
		w.t.Fatal(err)
	}
	if w.blobs, err = blob.OpenDir(w.dir + "/blobs"); err != nil {
		w.t.Fatal(err)
	}
	if w.bucket, err = blob.OpenDir(w.dir + "/buckets"); err != nil {
		w.t.Fatal(err)
	}
	w.logs = eventlog.NewWith(w.db, eventlog.Options{Archive: Archive(w.blobs), Grown: Enqueue, Every: hot})
	w.openHistory()
	w.keeper = New(Options{DB: w.db, Logs: w.logs, History: w.hist, Blobs: w.blobs, Buckets: w.bucket, Hot: hot, Log: slog.New(slog.DiscardHandler)})
}

func (w *world) openHistory() {
	w.hist = history.New(history.Options{Logs: w.logs.Log, Blobs: w.blobs, Work: hot, Grown: w.grown})
}

func (w *world) grown(id string) {
	if err := w.db.Update(context.Background(), func(tx *store.Tx) error { return Enqueue(tx, id) }); err != nil {
		w.t.Error(err)
	}
}

func (w *world) close() {
	for _, close := range []func() error{w.hist.Close, w.logs.Close, w.db.Close} {
		if err := close(); err != nil {
			w.t.Error(err)
		}
	}
}

func (w *world) update(fn func(tx *store.Tx) error) {
	w.t.Helper()
	if err := w.db.Update(context.Background(), fn); err != nil {
		w.t.Fatal(err)
	}
}

// append writes changes into the log.
func (w *world) append(changes ...dataset.Change) {
	w.t.Helper()
	var recs []eventlog.Record
	for _, c := range changes {
		b, err := c.Append(nil)
		if err != nil {
			w.t.Fatal(err)
		}
		recs = append(recs, eventlog.Record{Data: b})
	}
	if _, err := w.logs.Log(w.id).Append(w.t.Context(), recs...); err != nil {
		w.t.Fatal(err)
	}
}

func event(user, session, item string, at int) dataset.Change {
	return dataset.Change{Interaction: &dataset.Interaction{User: user, Session: session, Item: item, Type: "view", Time: int64(at)}}
}

// part makes the change that commits a part of these rows of CSV.
func (w *world) part(kind dataset.Type, text string, replace bool, csv string) dataset.Change {
	w.t.Helper()
	s, err := dataset.ParseSchema(text, "")
	if err != nil {
		w.t.Fatal(err)
	}
	w.parts++
	name := fmt.Sprintf("parts/%s/%d.parquet", w.id, w.parts)
	out, err := w.blobs.Create(w.t.Context(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	defer out.Abort()
	n, err := dataset.Import(w.t.Context(), []dataset.File{{Name: "f.csv", R: strings.NewReader(csv), Size: int64(len(csv))}}, s, out, dataset.ImportOptions{Workers: 1})
	if err == nil {
		err = out.Commit()
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return dataset.Change{Part: &dataset.PartCommitted{Type: kind, Blob: name, Replace: replace, Rows: n}}
}

func (w *world) state() *history.Group {
	w.t.Helper()
	g, err := w.hist.Group(w.t.Context(), w.id)
	if err != nil {
		w.t.Fatal(err)
	}
	return g
}

// words is the group as it is now: user: item@time …, and the rows of users.
func (w *world) words() string {
	w.t.Helper()
	s, err := w.state().Snapshot(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	var b strings.Builder
	for u, id := range s.UserIDs {
		fmt.Fprintf(&b, "%s:", id)
		for _, e := range s.History(dataset.Index(u)) {
			fmt.Fprintf(&b, " %s@%d", s.ItemIDs[e.Item], e.Time)
		}
		if r := s.UserTable.Row(dataset.Index(u)); r != nil {
			fmt.Fprintf(&b, " from %q", r[1].Str)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// again forgets what is in memory and reads it from disk.
func (w *world) again() string {
	w.t.Helper()
	if err := w.hist.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.openHistory()
	w.keeper.opt.History = w.hist
	return w.words()
}

// told is a worker that says when a run has ended.
type told struct {
	job.Worker
	ended chan error
}

func (w told) Run(ctx context.Context, t *job.Task) error {
	err := w.Worker.Run(ctx, t)
	w.ended <- err
	return err
}

// settle lets the keeper work until no job is open.
func (w *world) settle() {
	w.t.Helper()
	worker := told{w.keeper, make(chan error, 100)}
	q, err := job.Open(w.t.Context(), job.Options{DB: w.db, Log: slog.New(slog.DiscardHandler), Workers: map[job.Kind]job.Worker{Job: worker}})
	if err != nil {
		w.t.Fatal(err)
	}
	for w.count("select count(*) from job where state in ('queued', 'running')") > 0 {
		if err := <-worker.ended; err != nil {
			w.t.Fatal(err)
		}
	}
	if err := q.Close(); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) count(query string) (n int) {
	w.t.Helper()
	err := w.db.View(w.t.Context(), func(tx *store.Tx) error { return tx.QueryRow(query).Scan(&n) })
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// stored gives the names of the group's blobs below a folder.
func (w *world) stored(folder string) (names []string) {
	w.t.Helper()
	for info, err := range w.blobs.List(w.t.Context(), folder+"/"+w.id+"/") {
		if err != nil {
			w.t.Fatal(err)
		}
		names = append(names, info.Name)
	}
	return names
}
