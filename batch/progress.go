package batch

import (
	"fmt"
	"time"

	"usher/job"
	"usher/store"
)

// Progress is how far a job that answers files is, for the person who waits for it.
type Progress struct {
	Done        float64 `json:"done"` // 0..1, by bytes
	File        int     `json:"file"` // that is being answered, from 1
	Files       int     `json:"files"`
	Lines       int64   `json:"lines"`       // that are answered
	Mistaken    int64   `json:"mistaken"`    // of them, those with a mistake
	SecondsLeft float64 `json:"secondsLeft"` // if it goes on as fast as up to now; -1: not known
}

// progressNote is a job's note: what of a Progress the queue does not know, and how far
// the job was when this attempt began.
const progressNote = "file %d of %d, %d lines, %d with a mistake, from %f"

// tell says how far the job is, within file i.
func (l *lines) tell(i int, s *linesState) {
	total := float64(max(l.total, 1))
	l.task.Progress(float64(l.done+s.Current.At)/total,
		fmt.Sprintf(progressNote, i+1, len(l.files), s.Lines, s.Failed, float64(l.begun)/total))
}

// ProgressOf gives how far the job of that kind and ARN is; nil when it is not under
// way.
func ProgressOf(tx *store.Tx, kind job.Kind, arn string) (*Progress, error) {
	s, ok, err := job.Find(tx, kind, arn)
	if err != nil || !ok || s.State != "running" {
		return nil, err
	}
	return progressOf(s, tx.Now()), nil
}

func progressOf(s job.Status, now time.Time) *Progress {
	p := &Progress{Done: s.Done, SecondsLeft: -1}
	from := 0.
	// A note that is not there yet leaves zeros, which are true.
	_, _ = fmt.Sscanf(s.Note, progressNote, &p.File, &p.Files, &p.Lines, &p.Mistaken, &from)
	if s.Done > from {
		p.SecondsLeft = now.Sub(s.Started).Seconds() * (1 - s.Done) / (s.Done - from)
	}
	return p
}
