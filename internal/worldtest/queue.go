package worldtest

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"

	"usher/catalog"
	"usher/job"
	"usher/store"
)

// Work lets the workers work until over says so, which is asked first and then when a
// record of the catalog has changed.
func (w *World) Work(workers map[job.Kind]job.Worker, over func(tx *store.Tx) (bool, error)) {
	w.Helper()
	changed := make(chan struct{}, 1)
	defer w.DB.Subscribe(catalog.Topic, func(string) { tell(changed) })()
	w.work(workers, changed, over)
}

// Settle lets the workers work until the record of an ARN is in no transitional
// status, and gives it.
func (w *World) Settle(workers map[job.Kind]job.Worker, arn string) (r catalog.Record) {
	w.Helper()
	w.Work(workers, func(tx *store.Tx) (bool, error) {
		var err error
		if r, err = catalog.Find(tx, arn); err != nil {
			return false, err
		}
		return !r.Common().Status.Transitional(), nil
	})
	return r
}

// Drain lets the workers work until no job of their kinds is open, and gives the
// errors of the runs that failed.
func (w *World) Drain(workers map[job.Kind]job.Worker) error {
	w.Helper()
	runs := &runs{ended: make(chan struct{}, 1)}
	told := maps.Clone(workers)
	for kind, worker := range workers {
		told[kind] = telling{worker, runs}
	}
	w.work(told, runs.ended, func(tx *store.Tx) (bool, error) {
		for kind := range workers {
			if n, err := open(tx, kind); n > 0 || err != nil {
				return false, err
			}
		}
		return true, nil
	})
	return errors.Join(runs.mu.failed...)
}

// open counts the open jobs of a kind.
func open(tx *store.Tx, kind job.Kind) (n int, err error) {
	err = tx.QueryRow("select count(*) from job where kind = $1 and state in ('queued', 'running')", string(kind)).Scan(&n)
	return n, err
}

// work lets the workers work until over says so, which is asked first and then each
// time something has happened. What failed is tried again at once.
func (w *World) work(workers map[job.Kind]job.Worker, happened <-chan struct{}, over func(tx *store.Tx) (bool, error)) {
	w.Helper()
	q, err := job.Open(w.Context(), job.Options{DB: w.DB, Workers: workers, Log: slog.New(slog.DiscardHandler), Backoff: func(int) time.Duration { return 0 }})
	if err != nil {
		w.Fatal(err)
	}
	defer func() {
		if err := q.Close(); err != nil {
			w.Error(err)
		}
	}()
	for {
		var done bool
		w.View(func(tx *store.Tx) (err error) { done, err = over(tx); return err })
		if done {
			return
		}
		<-happened
	}
}

// runs is what telling workers have told.
type runs struct {
	ended chan struct{}
	mu    struct {
		sync.Mutex
		failed []error
	}
}

// telling is a worker that tells when a run has ended, or a job was given up.
type telling struct {
	job.Worker
	runs *runs
}

func (t telling) Run(ctx context.Context, task *job.Task) error {
	defer tell(t.runs.ended)
	err := t.Worker.Run(ctx, task)
	if err != nil {
		t.runs.mu.Lock()
		defer t.runs.mu.Unlock()
		t.runs.mu.failed = append(t.runs.mu.failed, err)
	}
	return err
}

func (t telling) Abandon(tx *store.Tx, key string, args json.RawMessage, cause error) error {
	tx.OnCommit(func() { tell(t.runs.ended) })
	return t.Worker.Abandon(tx, key, args, cause)
}

func tell(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // who asks has not seen the last one yet
	}
}
