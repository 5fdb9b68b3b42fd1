package ingest

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"usher/blob/blobtest"
	"usher/catalog"
	"usher/dataset"
	"usher/history"
	"usher/job"
	"usher/store"
)

// settle lets the eraser work until no such job is open.
func (w *world) settle() {
	w.Helper()
	if err := w.Drain(map[job.Kind]job.Worker{EraseJob: w.in.Eraser()}); err != nil {
		w.Error(err)
	}
}

// stored gives the blobs of parts and whether one has the text in it.
func (w *world) stored(text string) (names []string, found bool) {
	w.Helper()
	names = blobtest.Names(w, w.Blobs, "parts/")
	return names, slices.ContainsFunc(names, func(name string) bool { return bytes.Contains(blobtest.Get(w, w.Blobs, name), []byte(text)) })
}

// TestReplacedPartsAreErased imports FULL twice: of the first file only the ids
// stay on disk, and a history that is loaded anew gives the same numbers.
func TestReplacedPartsAreErased(t *testing.T) {
	w := newWorld(t)
	w.Put("b/1", head+"u1,i1,5,view,,canary-4711,\nu2,i2,6,buy,,tv,\nu1,i3,7,view,,tv,\n")
	w.Put("b/2", csv("u3,i4,5,view\nu2,i5,6,view\nu1,i1,9,see\n"))
	w.Put("b/users", "USER_ID,AGE\nu9,1\nu1,2\n")
	w.imported(dataset.Interactions, "s3://b/1")
	w.imported(dataset.Users, "s3://b/users")
	w.settle()
	if names, found := w.stored("canary-4711"); len(names) != 2 || !found {
		t.Fatalf("before: %v, %v", names, found)
	}
	w.imported(dataset.Interactions, "s3://b/2")
	before := w.words() // followed record by record
	w.settle()
	names, found := w.stored("canary-4711")
	if found || len(names) != 3 || strings.Count(strings.Join(names, " "), ".ids") != 1 {
		t.Errorf("after: %v, %v", names, found)
	}
	reloaded := func() string {
		_ = w.History.Close()
		w.History = history.New(history.Options{Logs: w.Logs.Log, Blobs: w.Blobs})
		return w.words()
	}
	if got := reloaded(); got != before {
		t.Errorf("loaded anew: got\n%swant\n%s", got, before)
	}

	w.Update(func(tx *store.Tx) error { return w.in.Clear(tx, w.Record.ID, dataset.Interactions) })
	w.settle()
	for _, name := range first(w.stored("")) {
		if strings.HasSuffix(name, ".parquet") && !strings.Contains(name, w.importID("import/2")) {
			t.Errorf("the part %s of a deleted dataset is there", name)
		}
	}
	w.Update(func(tx *store.Tx) error {
		return w.in.SetSchema(tx, w.Record.ID, dataset.SchemaSet{Type: dataset.Interactions, Text: interactionsText})
	})
	w.imported(dataset.Interactions, "s3://b/2")
	cleared := w.words()
	if got := reloaded(); got != cleared || !strings.Contains(got, "u3: i4@5") {
		t.Errorf("after a dataset was deleted: got\n%swant\n%s", got, cleared)
	}

	w.Update(func(tx *store.Tx) error { return enqueueShrink(tx, w.Record.ID) })
	w.Update(func(tx *store.Tx) error { return w.in.EraseGroup(tx, w.Record.ID) })
	w.settle()
	if names, _ := w.stored(""); len(names) != 0 {
		t.Errorf("of a deleted group there is %v", names)
	}
}

func first(names []string, _ bool) []string { return names }

// importID gives the catalog ID of an import, which its part is named after.
func (w *world) importID(arn string) (id string) {
	w.Helper()
	w.View(func(tx *store.Tx) error {
		j, err := catalog.Get[catalog.ImportJob](tx, arn)
		if err == nil {
			id = j.ID
		}
		return err
	})
	return id
}
