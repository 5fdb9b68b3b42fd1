package batch

import (
	"fmt"
	"testing"
	"time"

	"usher/catalog"
	"usher/job"
	"usher/recipe/popularity"
	"usher/store"
)

// What a note says is read again; the seconds that are left go by what this attempt
// has done, not by what it found done.
func TestProgress(t *testing.T) {
	began := time.Unix(1000, 0)
	s := job.Status{Started: began, Done: .75, Note: fmt.Sprintf(progressNote, 2, 3, 4000, 7, .5)}
	if got, want := *progressOf(s, began.Add(10*time.Second)), (Progress{.75, 2, 3, 4000, 7, 10}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got, want := *progressOf(job.Status{Started: began}, began.Add(time.Second)), (Progress{SecondsLeft: -1}); got != want {
		t.Errorf("before the first line: %+v, want %+v", got, want)
	}
}

// A job that has ended tells its lines in its record, and is under way no more.
func TestLinesAreCounted(t *testing.T) {
	w := newWorld(t, 0)
	w.serve(popularity.Recipe{})
	w.Put("ask/in/a.json", "{\"userId\":\"u1\"}\n\nnonsense\n")
	w.Put("ask/in/b.json", "{\"userId\":\"u1\"}\n{\"userId\":\"u2\"}\n[]")
	m, _ := w.inferred(popularity.Name, "in/", nil)
	w.Update(func(tx *store.Tx) error {
		j, err := catalog.Get[catalog.BatchInferenceJob](tx, m.ARN)
		if err != nil {
			return err
		}
		if j.Questions != 5 || j.Mistaken != 2 {
			t.Errorf("%d lines, %d of them mistaken; want 5 and 2", j.Questions, j.Mistaken)
		}
		p, err := ProgressOf(tx, InferenceJob, m.ARN)
		if p != nil {
			t.Errorf("it has ended, and is at %+v", p)
		}
		return err
	})
}
