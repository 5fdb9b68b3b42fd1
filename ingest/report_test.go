package ingest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"usher/catalog"
	"usher/dataset"
	"usher/job"
)

func TestImportLeavesBadRowsOut(t *testing.T) {
	w := newWorld(t)
	w.Put("b/some", csv("u1,i1,5,view\nu1,i3,soon,view\nu1,i2,4,view\nu2,i2,4,view\nu2,,4,view\n"))
	j := w.importedAs(dataset.Interactions, "s3://b/some", func(j *catalog.ImportJob) { j.MaxBadRows = 2 })
	if j.Status != catalog.Active || w.words() != "u1: i2@4 i1@5\nu2: i2@4\n" {
		t.Fatalf("%s %q:\n%s", j.Status, j.FailureReason, w.words())
	}
	r := j.Report
	if r == nil || r.Rows != 3 || r.BadRows != 2 || r.BadValues != 2 || len(r.Bad) != 2 ||
		r.Bad[1].File != "s3://b/some" || r.Bad[1].Line != 6 || r.Bad[1].Column != "ITEM_ID" || r.Bad[0].Value != `"soon"` || !strings.Contains(r.Bad[0].Reason, "whole number") {
		t.Errorf("report %+v", r)
	}
	j = w.importedAs(dataset.Interactions, "s3://b/some", func(j *catalog.ImportJob) { j.MaxBadRows = 1 })
	if j.Status != catalog.Failed || !strings.Contains(j.FailureReason, "2 rows are bad, and at most 1 may be left out.") || j.Report.BadRows != 2 {
		t.Errorf("%s %q %+v", j.Status, j.FailureReason, j.Report)
	}
}

func TestDryRun(t *testing.T) {
	w := newWorld(t)
	w.Put("b/good", csv("u1,i1,5,view\nu1,i3,6,view\nu1,i2,4,view\n"))
	w.Put("b/bad", csv("u1,i1,5,view\nu1,i3,soon,view\n"))
	before := w.words()
	for location, want := range map[string]string{
		"s3://b/good": "This was a dry run: nothing was imported. The files can be imported: 3 rows are good.",
		"s3://b/bad":  "This was a dry run: nothing was imported. Input CSV has 1 bad value. s3://b/bad, line 3",
	} {
		j := w.importedAs(dataset.Interactions, location, func(j *catalog.ImportJob) { j.DryRun = true })
		if j.Status != catalog.Failed || !strings.HasPrefix(j.FailureReason, want) || j.Report == nil {
			t.Errorf("%s: %s %q", location, j.Status, j.FailureReason)
		}
	}
	if w.words() != before || w.parts() != 0 {
		t.Error("a dry run changed something")
	}
}

func TestImportProgress(t *testing.T) {
	began := time.Unix(1000, 0)
	s := job.Status{Started: began, Done: .3, Note: fmt.Sprintf(progressNote, 500, 40, 80, 0)}
	want := ImportProgress{Done: .3, RowsRead: 500, BytesRead: 40, Bytes: 80, SecondsLeft: 70}
	if got := *progressOf(s, began.Add(30*time.Second)); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := progressOf(job.Status{Started: began}, began); got.SecondsLeft != -1 {
		t.Errorf("at the beginning: %+v", got)
	}
}
