package job

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"usher/internal/storetest"
	"usher/store"
)

// quickLease is short, so that a dead process is noticed within a test.
const quickLease = 2 * time.Second

// process is a database and a queue, as one of several usher processes has them.
type process struct {
	db *store.DB
	q  *Queue
}

func startProcess(t *testing.T, url string, w Worker, limit int, lease time.Duration) *process {
	t.Helper()
	db := openIn(t, store.Options{Database: url})
	q, err := Open(t.Context(), Options{DB: db, Workers: map[Kind]Worker{"k": w}, Limit: map[Kind]int{"k": limit}, Lease: lease,
		Backoff: func(int) time.Duration { return 0 }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.Close() })
	return &process{db, q}
}

// TestOneJobRunsOnce: of two processes that want each job, one gets it.
func TestOneJobRunsOnce(t *testing.T) {
	url := storetest.Postgres(t)
	var runs sync.Map
	var mine [2]atomic.Int64
	work := func(p int) *worker {
		return &worker{run: func(ctx context.Context, task *Task) error {
			mine[p].Add(1)
			if _, again := runs.LoadOrStore(task.Key, p); again || task.Attempt != 1 {
				t.Errorf("%s ran twice, attempt %d", task.Key, task.Attempt)
			}
			return task.Finish(ctx, func(tx *store.Tx) error {
				_, err := tx.Exec("insert into meta(key, value) values($1, 'x')", task.Key)
				return err
			})
		}}
	}
	ps := []*process{startProcess(t, url, work(0), 3, 0), startProcess(t, url, work(1), 3, 0)}
	const jobs = 60
	var wg sync.WaitGroup
	for p, proc := range ps {
		wg.Go(func() {
			for n := range jobs { // both ask for the same
				err := proc.db.Update(context.Background(), func(tx *store.Tx) error {
					var have int
					key := fmt.Sprint("job", n)
					if err := tx.QueryRow("select count(*) from job where key = $1", key).Scan(&have); err != nil || have > 0 {
						return err
					}
					return Enqueue(tx, "k", key, p)
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for n := range jobs {
		ended(t, ps[n%2].db, fmt.Sprint("job", n), "done")
	}
	if a, b := mine[0].Load(), mine[1].Load(); a+b != jobs || a == 0 || b == 0 {
		t.Errorf("the processes ran %d and %d jobs", a, b)
	}
}

// TestJobOfADeadProcess goes on elsewhere from its checkpoint, one attempt later;
// the process that was out of reach stops its job and cannot publish any more.
func TestJobOfADeadProcess(t *testing.T) {
	url := storetest.Postgres(t)
	started, stopped := make(chan *Task, 9), make(chan error, 9)
	hang := make(chan struct{}) // its worker does not return, so it claims nothing else
	first := startProcess(t, url, &worker{run: func(ctx context.Context, task *Task) error {
		if err := task.Save(ctx, []byte("half")); err != nil {
			return err
		}
		started <- task
		<-ctx.Done()
		stopped <- context.Cause(ctx)
		<-hang
		return context.Cause(ctx)
	}}, 1, quickLease)
	enqueue(t, first.db, "a")
	task := <-started
	var attempt atomic.Int64
	second := startProcess(t, url, &worker{run: func(ctx context.Context, task *Task) error {
		attempt.Store(int64(task.Attempt))
		if string(task.Checkpoint()) != "half" {
			t.Errorf("the checkpoint is %q", task.Checkpoint())
		}
		return task.Finish(ctx, done)
	}}, 1, quickLease)
	first.q.keeper.close() // as one that hangs: it renews nothing
	ended(t, second.db, "a", "done")
	if attempt.Load() < 2 {
		t.Errorf("it ended in attempt %d", attempt.Load())
	}
	err := task.Finish(t.Context(), func(*store.Tx) error { t.Error("published twice"); return nil })
	if !errors.Is(err, ErrLost) {
		t.Errorf("the first process: %v", err)
	}
	if cause := <-stopped; !errors.Is(cause, ErrLost) { // told by the other's claim
		t.Errorf("the first run ended with %v", cause)
	}
	close(hang)
	_ = first.q.Close()
	if s := status(t, second.db, "a"); s.State != "done" {
		t.Errorf("%+v", s)
	}
}

// TestJobOfAProcessThatIsGone does not wait for the end of its lease.
func TestJobOfAProcessThatIsGone(t *testing.T) {
	url := storetest.Postgres(t)
	db := openIn(t, store.Options{Database: url})
	enqueue(t, db, "a")
	err := db.Update(t.Context(), func(tx *store.Tx) error { // as a process leaves it that was killed
		now, err := tx.Clock()
		if err != nil {
			return err
		}
		for process, want := range map[string]bool{db.Process(): true, "nobody": false} {
			if alive, err := tx.Alive(process); err != nil || alive != want {
				t.Errorf("%s is alive: %v, %v", process, alive, err)
			}
		}
		_, err = tx.Exec("update job set state = 'running', attempt = 1, holder = $1, lease = $2", db.Process()+".x", now.Add(time.Hour).UnixMicro())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	other := startProcess(t, url, &worker{run: func(ctx context.Context, task *Task) error { return task.Finish(ctx, done) }}, 1, quickLease)
	if s := status(t, other.db, "a"); s.State != "running" || s.Attempt != 1 {
		t.Errorf("while its process is there: %+v", s)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	ended(t, other.db, "a", "done")
}

// TestHolderStopsItself: when the database cannot be reached, the job is stopped
// before its lease is over.
func TestHolderStopsItself(t *testing.T) {
	url := storetest.Postgres(t)
	started, stopped := make(chan struct{}, 9), make(chan error, 9)
	p := startProcess(t, url, &worker{run: func(ctx context.Context, _ *Task) error {
		started <- struct{}{}
		<-ctx.Done()
		stopped <- context.Cause(ctx)
		return context.Cause(ctx)
	}}, 1, quickLease)
	enqueue(t, p.db, "a")
	<-started
	if err := p.db.Close(); err != nil {
		t.Fatal(err)
	}
	if cause := <-stopped; !errors.Is(cause, ErrLost) {
		t.Errorf("the job was stopped by %v", cause)
	}
}

// TestLeaseIsRenewed: a job that takes longer than a lease stays where it is.
func TestLeaseIsRenewed(t *testing.T) {
	url := storetest.Postgres(t)
	started, finish := make(chan struct{}, 9), make(chan struct{})
	a := startProcess(t, url, &worker{run: func(ctx context.Context, task *Task) error {
		started <- struct{}{}
		<-finish
		return task.Finish(ctx, done)
	}}, 1, quickLease)
	enqueue(t, a.db, "a")
	<-started
	b := startProcess(t, url, &worker{run: func(context.Context, *Task) error { t.Error("taken over"); return nil }}, 1, quickLease)
	lease := func() (n int64) {
		err := b.db.View(t.Context(), func(tx *store.Tx) error { return tx.QueryRow("select lease from job").Scan(&n) })
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for first := lease(); lease() < first+2*quickLease.Microseconds(); {
		if t.Context().Err() != nil {
			t.Fatal("the lease is not renewed")
		}
	}
	close(finish)
	ended(t, b.db, "a", "done")
}

// TestCancelFromAnotherProcess stops a job wherever it runs.
func TestCancelFromAnotherProcess(t *testing.T) {
	url := storetest.Postgres(t)
	started := make(chan struct{}, 9)
	w := &worker{run: func(ctx context.Context, _ *Task) error {
		started <- struct{}{}
		<-ctx.Done()
		return context.Cause(ctx)
	}}
	a := startProcess(t, url, w, 1, 0)
	enqueue(t, a.db, "a")
	<-started
	b := startProcess(t, url, &worker{run: func(context.Context, *Task) error { return errors.New("not mine") }}, 1, quickLease)
	err := b.db.Update(t.Context(), func(tx *store.Tx) error {
		ok, err := b.q.Cancel(tx, "k", "a")
		if !ok {
			t.Error("there was no job")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	ended(t, b.db, "a", "failed")
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.abandoned["a"] != ErrCanceled.Error() {
		t.Errorf("abandoned %v", w.abandoned)
	}
}
