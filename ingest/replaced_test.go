package ingest

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"

	"usher/catalog"
	"usher/dataset"
	"usher/history"
	"usher/job"
	"usher/store"
)

// settle lets the eraser work until no such job is open.
func (w *world) settle() {
	w.t.Helper()
	worker := told{w.in.Eraser(), make(chan error, 100)}
	q, err := job.Open(w.t.Context(), job.Options{DB: w.db, Log: slog.New(slog.DiscardHandler), Workers: map[job.Kind]job.Worker{EraseJob: worker}})
	if err != nil {
		w.t.Fatal(err)
	}
	for w.open() > 0 {
		if err := <-worker.ended; err != nil {
			w.t.Error(err)
		}
	}
	if err := q.Close(); err != nil {
		w.t.Fatal(err)
	}
}

// open counts erase jobs that are not done.
func (w *world) open() (n int) {
	w.t.Helper()
	err := w.db.View(w.t.Context(), func(tx *store.Tx) error {
		return tx.QueryRow("select count(*) from job where kind = $1 and state in ('queued', 'running')", string(EraseJob)).Scan(&n)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// stored gives the blobs of parts and whether one has the text in it.
func (w *world) stored(text string) (names []string, found bool) {
	w.t.Helper()
	for info, err := range w.blobs.List(w.t.Context(), "parts/") {
		if err != nil {
			w.t.Fatal(err)
		}
		r, err := w.blobs.Open(w.t.Context(), info.Name)
		if err != nil {
			w.t.Fatal(err)
		}
		b := make([]byte, r.Size())
		if _, err := r.ReadAt(b, 0); err != nil && err != io.EOF {
			w.t.Fatal(err)
		}
		_ = r.Close()
		names = append(names, info.Name)
		found = found || strings.Contains(string(b), text)
	}
	return names, found
}

// TestReplacedPartsAreErased imports FULL twice: of the first file only the ids
// stay on disk, and a history that is loaded anew gives the same numbers.
func TestReplacedPartsAreErased(t *testing.T) {
	w := newWorld(t)
	w.put("b/1", head+"u1,i1,5,view,,canary-4711,\nu2,i2,6,buy,,tv,\nu1,i3,7,view,,tv,\n")
	w.put("b/2", csv("u3,i4,5,view\nu2,i5,6,view\nu1,i1,9,see\n"))
	w.put("b/users", "USER_ID,AGE\nu9,1\nu1,2\n")
	w.imported(dataset.Interactions, "s3://b/1")
	w.imported(dataset.Users, "s3://b/users")
	w.settle()
	if names, found := w.stored("canary-4711"); len(names) != 2 || !found {
		t.Fatalf("before: %v, %v", names, found)
	}
	w.imported(dataset.Interactions, "s3://b/2")
	before := w.snapshot() // followed record by record
	w.settle()
	names, found := w.stored("canary-4711")
	if found || len(names) != 3 || strings.Count(strings.Join(names, " "), ".ids") != 1 {
		t.Errorf("after: %v, %v", names, found)
	}
	reloaded := func() string {
		_ = w.hist.Close()
		w.hist = history.New(history.Options{Logs: w.logs.Log, Blobs: w.blobs})
		return w.snapshot()
	}
	if got := reloaded(); got != before {
		t.Errorf("loaded anew: got\n%swant\n%s", got, before)
	}

	w.update(func(tx *store.Tx) error { return w.in.Clear(tx, w.group.ID, dataset.Interactions) })
	w.settle()
	for _, name := range first(w.stored("")) {
		if strings.HasSuffix(name, ".parquet") && !strings.Contains(name, w.importID("import/2")) {
			t.Errorf("the part %s of a deleted dataset is there", name)
		}
	}
	w.update(func(tx *store.Tx) error {
		return w.in.SetSchema(tx, w.group.ID, dataset.SchemaSet{Type: dataset.Interactions, Text: interactionsText})
	})
	w.imported(dataset.Interactions, "s3://b/2")
	cleared := w.snapshot()
	if got := reloaded(); got != cleared || !strings.Contains(got, "u3: i4@5") {
		t.Errorf("after a dataset was deleted: got\n%swant\n%s", got, cleared)
	}

	w.update(func(tx *store.Tx) error { return enqueueShrink(tx, w.group.ID) })
	w.update(func(tx *store.Tx) error { return w.in.EraseGroup(tx, w.group.ID) })
	w.settle()
	if names, _ := w.stored(""); len(names) != 0 {
		t.Errorf("of a deleted group there is %v", names)
	}
}

func first(names []string, _ bool) []string { return names }

// importID gives the catalog ID of an import, which its part is named after.
func (w *world) importID(arn string) (id string) {
	w.t.Helper()
	err := w.db.View(context.Background(), func(tx *store.Tx) error {
		j, err := catalog.Get[catalog.ImportJob](tx, arn)
		if err == nil {
			id = j.ID
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}
