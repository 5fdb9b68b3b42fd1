package ingest

import (
	"fmt"
	"strings"
	"time"

	"usher/catalog"
	"usher/dataset"
	"usher/job"
	"usher/store"
)

// dryRun begins the failureReason of an import that only judged its files: a job
// that imported nothing is no ACTIVE one.
const dryRun = "This was a dry run: nothing was imported."

// good says what a dry run found in files that can be imported.
func good(r *dataset.Report) string {
	text := fmt.Sprintf("The files can be imported: %d rows are good", r.Rows)
	if r.BadRows > 0 {
		text += fmt.Sprintf(", %d bad ones would be left out", r.BadRows)
	}
	return text + "."
}

// refuse publishes that an import failed, and what it found.
func refuse(tx *store.Tx, arn, reason string, r *dataset.Report) error {
	j, err := catalog.Get[catalog.ImportJob](tx, arn)
	if err != nil {
		return err
	}
	if j.DryRun && !strings.HasPrefix(reason, dryRun) {
		reason = dryRun + " " + reason
	}
	j.Status, j.FailureReason, j.Report = catalog.Failed, reason, reported(r)
	return catalog.Update(tx, j)
}

// reported makes the catalog's report of dataset's.
func reported(r *dataset.Report) *catalog.ImportReport {
	out := &catalog.ImportReport{Rows: r.Rows, BadRows: r.BadRows, BadValues: r.BadValues, Bad: make([]catalog.BadValue, len(r.Bad))}
	for i, e := range r.Bad {
		out.Bad[i] = catalog.BadValue{File: e.File, Line: e.Line, Column: e.Column, Value: e.Value, Reason: e.Want}
	}
	return out
}

// readShare is about how much of an import's time is reading; the rest is writing.
const readShare = .6

// progress tells of an import under way, in a note that ImportProgress reads.
type progress struct {
	task        *job.Task
	bytes, rows int64
}

const progressNote = "%d rows, %d of %d bytes read, %d rows written"

func (p *progress) read(done, total, rows int64) {
	p.bytes, p.rows = total, rows
	p.task.Progress(readShare*float64(done)/float64(max(total, 1)), fmt.Sprintf(progressNote, rows, done, total, 0))
}

func (p *progress) written(done, total int64) {
	share := float64(done) / float64(max(total, 1))
	p.task.Progress(readShare+(1-readShare)*share, fmt.Sprintf(progressNote, p.rows, p.bytes, p.bytes, done))
}

// ImportProgress is how far an import is.
type ImportProgress struct {
	Done        float64 `json:"done"` // 0..1
	RowsRead    int64   `json:"rowsRead"`
	BytesRead   int64   `json:"bytesRead"`
	Bytes       int64   `json:"bytes"` // of all files
	RowsWritten int64   `json:"rowsWritten"`
	SecondsLeft float64 `json:"secondsLeft"` // if it goes on as fast as up to now; -1: not known
}

// Progress gives how far the import with that ARN is; nil when it is not under way.
func Progress(tx *store.Tx, arn string) (*ImportProgress, error) {
	s, ok, err := job.Find(tx, ImportJob, arn)
	if err != nil || !ok || s.State != "running" {
		return nil, err
	}
	return progressOf(s, tx.Now()), nil
}

func progressOf(s job.Status, now time.Time) *ImportProgress {
	p := &ImportProgress{Done: s.Done, SecondsLeft: -1}
	// A note that is not there yet leaves zeros, which are true.
	_, _ = fmt.Sscanf(s.Note, progressNote, &p.RowsRead, &p.BytesRead, &p.Bytes, &p.RowsWritten)
	if s.Done > 0 {
		p.SecondsLeft = now.Sub(s.Started).Seconds() * (1 - s.Done) / s.Done
	}
	return p
}
