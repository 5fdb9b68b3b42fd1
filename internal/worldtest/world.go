// Package worldtest is the ground that tests of rooms stand on: a database, the logs
// of dataset groups, a history that follows them, and folders of blobs and buckets.
//
// New opens all that, and closes it when the test has ended; what a test builds on it
// is given to Closing and closed before. A Group is a dataset group there: its
// records, its log and its state. What fails ends the test. The rig of a room embeds
// a World or a Group and adds what is the room's own; one that opens its parts
// otherwise fills a World in by itself.
//
// A room that this package imports cannot be tested on it from within: job, history
// and what is below have rigs of their own.
package worldtest

import (
	"strings"
	"testing"
	"time"

	"usher/blob"
	"usher/blob/blobtest"
	"usher/catalog"
	"usher/eventlog"
	"usher/history"
	"usher/internal/storetest"
	"usher/store"
)

// World is what rooms need of a server.
type World struct {
	testing.TB
	DB      *store.DB
	Logs    *eventlog.Logs
	History *history.History
	Blobs   *blob.Dir
	Buckets *blob.Dir
}

// New opens a world without groups. now is the database's clock; nil is the system's.
func New(t testing.TB, now func() time.Time) *World {
	t.Helper()
	w := &World{TB: t}
	var err error
	if w.DB, err = store.Open(t.Context(), store.Options{Database: storetest.Database(t), Now: now}); err != nil {
		t.Fatal(err)
	}
	w.Closing(w.DB.Close)
	w.Logs = eventlog.New(w.DB)
	w.Closing(w.Logs.Close)
	w.Blobs, w.Buckets = w.folder(t.TempDir()), w.folder(t.TempDir())
	w.History = history.New(history.Options{Logs: w.Logs.Log, Blobs: w.Blobs})
	w.Closing(func() error { return w.History.Close() }) // which tests replace
	return w
}

func (w *World) folder(dir string) *blob.Dir {
	w.Helper()
	d, err := blob.OpenDir(dir)
	if err != nil {
		w.Fatal(err)
	}
	return d
}

// Closing calls close when the test has ended, before what was given earlier.
func (w *World) Closing(close func() error) {
	w.Cleanup(func() {
		if err := close(); err != nil {
			w.Error(err)
		}
	})
}

// Update changes the database.
func (w *World) Update(fn func(tx *store.Tx) error) {
	w.Helper()
	if err := w.DB.Update(w.Context(), fn); err != nil {
		w.Fatal(err)
	}
}

// View reads the database.
func (w *World) View(fn func(tx *store.Tx) error) {
	w.Helper()
	if err := w.DB.View(w.Context(), fn); err != nil {
		w.Fatal(err)
	}
}

// Create puts records into the catalog.
func (w *World) Create(records ...catalog.Record) {
	w.Helper()
	for _, r := range records {
		w.Update(func(tx *store.Tx) error { return catalog.Create(tx, r) })
	}
}

// Put makes an object of a bucket.
func (w *World) Put(name, text string) {
	w.Helper()
	blobtest.Put(w, w.Buckets, name, []byte(text))
}

// Files gives the objects of buckets below a prefix, by what follows it.
func (w *World) Files(prefix string) map[string]string {
	w.Helper()
	out := map[string]string{}
	for _, name := range blobtest.Names(w, w.Buckets, prefix) {
		out[strings.TrimPrefix(name, prefix)] = string(blobtest.Get(w, w.Buckets, name))
	}
	return out
}
