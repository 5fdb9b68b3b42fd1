package retention

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"usher/blob"
	"usher/blob/blobtest"
	"usher/dataset"
	"usher/eventlog"
	"usher/history"
	"usher/internal/storetest"
	"usher/internal/worldtest"
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

// world is a group and all that a Keeper needs, in a folder that can be opened again.
type world struct {
	*worldtest.Group
	dir    string
	url    string // of the database; "": in the folder
	keeper *Keeper
}

// hot is how many records stay in the database of a world.
const hot = 50

func newWorld(t *testing.T) *world {
	w := &world{Group: &worldtest.Group{World: &worldtest.World{TB: t}}, dir: t.TempDir(), url: storetest.Database(t)}
	w.open()
	t.Cleanup(w.close)
	w.Group = w.NewGroup("group")
	w.Append(dataset.Change{Schema: &dataset.SchemaSet{Type: dataset.Interactions, Text: interactionsText}},
		dataset.Change{Schema: &dataset.SchemaSet{Type: dataset.Users, Text: usersText}})
	return w
}

// open opens the folder as a server does.
func (w *world) open() {
	w.Helper()
	var err error
	if w.DB, err = store.Open(w.Context(), store.Options{Dir: w.dir + "/data", Database: w.url}); err != nil {
		w.Fatal(err)
	}
	if w.Blobs, err = blob.OpenDir(w.dir + "/blobs"); err != nil {
		w.Fatal(err)
	}
	if w.Buckets, err = blob.OpenDir(w.dir + "/buckets"); err != nil {
		w.Fatal(err)
	}
	w.Logs = eventlog.NewWith(w.DB, eventlog.Options{Archive: Archive(w.Blobs), Grown: Enqueue, Every: hot})
	w.openHistory()
	w.keeper = New(Options{DB: w.DB, Logs: w.Logs, History: w.History, Blobs: w.Blobs, Buckets: w.Buckets, Hot: hot, Log: slog.New(slog.DiscardHandler)})
}

func (w *world) openHistory() {
	w.History = history.New(history.Options{Logs: w.Logs.Log, Blobs: w.Blobs, Work: hot, Grown: w.grown})
}

func (w *world) grown(id string) {
	if err := w.DB.Update(context.Background(), func(tx *store.Tx) error { return Enqueue(tx, id) }); err != nil {
		w.Error(err)
	}
}

func (w *world) close() {
	for _, close := range []func() error{w.History.Close, w.Logs.Close, w.DB.Close} {
		if err := close(); err != nil {
			w.Error(err)
		}
	}
}

func event(user, session, item string, at int) dataset.Change {
	return dataset.Change{Interaction: &dataset.Interaction{User: user, Session: session, Item: item, Type: "view", Time: int64(at)}}
}

// part makes the change that commits a part of these rows of CSV.
func (w *world) part(schema string, replace bool, csv string) dataset.Change {
	w.Helper()
	s, err := dataset.ParseSchema(schema, "")
	if err != nil {
		w.Fatal(err)
	}
	return w.Part(s, replace, csv)
}

// words is the group as it is now: user: item@time …, and the rows of users.
func (w *world) words() string {
	w.Helper()
	s := w.Snapshot()
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
	w.Helper()
	if err := w.History.Close(); err != nil {
		w.Fatal(err)
	}
	w.openHistory()
	w.keeper.opt.History = w.History
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
	w.Helper()
	if err := w.Drain(map[job.Kind]job.Worker{Job: w.keeper}); err != nil {
		w.Fatal(err)
	}
}

func (w *world) count(query string) (n int) {
	w.Helper()
	w.View(func(tx *store.Tx) error { return tx.QueryRow(query).Scan(&n) })
	return n
}

// stored gives the names of the group's blobs below a folder.
func (w *world) stored(folder string) []string {
	w.Helper()
	return blobtest.Names(w, w.Blobs, folder+"/"+w.Record.ID+"/")
}
