package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"usher/internal/storetest"
	"usher/store"
)

// worker is a Worker made of functions; it remembers what was abandoned.
type worker struct {
	run func(ctx context.Context, t *Task) error

	mu        sync.Mutex
	abandoned map[string]string
}

func (w *worker) Run(ctx context.Context, t *Task) error { return w.run(ctx, t) }

func (w *worker) Abandon(_ *store.Tx, key string, _ json.RawMessage, cause error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.abandoned == nil {
		w.abandoned = map[string]string{}
	}
	w.abandoned[key] = cause.Error()
	return nil
}

func openDB(t *testing.T, dir string) *store.DB {
	t.Helper()
	return openIn(t, store.Options{Dir: dir, Database: storetest.Database(t)})
}

func openIn(t *testing.T, opt store.Options) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func openQueue(t *testing.T, db *store.DB, w Worker) *Queue {
	t.Helper()
	q, err := Open(t.Context(), Options{DB: db, Workers: map[Kind]Worker{"k": w},
		Backoff: func(int) time.Duration { return 0 }})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func enqueue(t *testing.T, db *store.DB, key string) {
	t.Helper()
	if err := db.Update(t.Context(), func(tx *store.Tx) error { return Enqueue(tx, "k", key, map[string]int{"n": 1}) }); err != nil {
		t.Fatal(err)
	}
}

func status(t *testing.T, db *store.DB, key string) (s Status) {
	t.Helper()
	err := db.View(t.Context(), func(tx *store.Tx) (err error) { s, _, err = Find(tx, "k", key); return err })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ended waits until a job's row is in one of the states, told by the queue's own topic.
func ended(t *testing.T, db *store.DB, key, state string) {
	t.Helper()
	for {
		switch s := status(t, db, key); s.State {
		case state:
			return
		case "done", "failed":
			t.Fatalf("%s is %s, not %s", key, s.State, state)
		}
		select {
		case <-t.Context().Done():
			t.Fatal("test ended")
		default:
		}
	}
}

func done(*store.Tx) error { return nil }

func TestJobRunsAndPublishesAtItsEnd(t *testing.T) {
	db := openDB(t, "")
	w := &worker{run: func(ctx context.Context, t *Task) error {
		if string(t.Args) != `{"n":1}` || t.Attempt != 1 {
			return Permanent(fmt.Errorf("args %s attempt %d", t.Args, t.Attempt))
		}
		return t.Finish(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec("insert into meta(key, value) values($1, 'x')", t.Key)
			return err
		})
	}}
	q := openQueue(t, db, w)
	enqueue(t, db, "a")
	ended(t, db, "a", "done")
	enqueue(t, db, "b")
	ended(t, db, "b", "done")
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	err := db.View(t.Context(), func(tx *store.Tx) error {
		var n int
		if err := tx.QueryRow("select count(*) from meta where key in ('a', 'b')").Scan(&n); err != nil {
			return err
		}
		if n != 2 {
			t.Errorf("%d results were published", n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestJobIsTriedAgainThenAbandoned(t *testing.T) {
	db := openDB(t, "")
	var tries []int
	w := &worker{}
	w.run = func(_ context.Context, t *Task) error {
		tries = append(tries, t.Attempt)
		if t.Attempt == 2 {
			panic("boom")
		}
		return errors.New("no luck")
	}
	q := openQueue(t, db, w)
	enqueue(t, db, "a")
	ended(t, db, "a", "failed")
	_ = q.Close()
	if fmt.Sprint(tries) != "[1 2 3 4 5]" || w.abandoned["a"] != "no luck" {
		t.Errorf("tries %v, abandoned %v", tries, w.abandoned)
	}
}

func TestPermanentErrorIsNotTriedAgain(t *testing.T) {
	db := openDB(t, "")
	n := 0
	w := &worker{}
	w.run = func(context.Context, *Task) error { n++; return fmt.Errorf("run: %w", Permanent(errors.New("never"))) }
	q := openQueue(t, db, w)
	enqueue(t, db, "a")
	ended(t, db, "a", "failed")
	_ = q.Close()
	if n != 1 || !strings.Contains(w.abandoned["a"], "never") {
		t.Errorf("%d tries, abandoned %v", n, w.abandoned)
	}
}

func TestOneOpenJobForAKey(t *testing.T) {
	db := openDB(t, "")
	for range 3 {
		enqueue(t, db, "a")
	}
	runs := 0
	q := openQueue(t, db, &worker{run: func(ctx context.Context, t *Task) error { runs++; return t.Finish(ctx, done) }})
	ended(t, db, "a", "done")
	_ = q.Close()
	if runs != 1 {
		t.Errorf("ran %d times", runs)
	}
}

func TestGracefulStopSpendsNoAttemptAndKeepsTheCheckpoint(t *testing.T) {
	db := openDB(t, "")
	for round := range 7 { // more than Attempts
		started := make(chan struct{})
		q := openQueue(t, db, &worker{run: func(ctx context.Context, task *Task) error {
			if got, want := string(task.Checkpoint()), strings.Repeat("x", round); got != want {
				t.Errorf("round %d: checkpoint %q", round, got)
			}
			if err := task.Save(ctx, append(task.Checkpoint(), 'x')); err != nil {
				return err
			}
			close(started)
			<-ctx.Done()
			return context.Cause(ctx)
		}})
		enqueue(t, db, "a")
		<-started
		_ = q.Close()
		if s := status(t, db, "a"); s.State != "queued" || s.Attempt != 0 {
			t.Fatalf("round %d: %+v", round, s)
		}
	}
}

func TestCrashesSpendAttempts(t *testing.T) {
	db := openDB(t, "")
	enqueue(t, db, "a")
	w := &worker{run: func(context.Context, *Task) error { return errors.New("must not run") }}
	err := db.Update(t.Context(), func(tx *store.Tx) error { // as a process leaves it that died five times
		_, err := tx.Exec("update job set state = 'running', attempt = $1", Attempts)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	q := openQueue(t, db, w)
	ended(t, db, "a", "failed")
	_ = q.Close()
	if !strings.Contains(w.abandoned["a"], "process died") {
		t.Errorf("abandoned: %v", w.abandoned)
	}
}

func TestAttemptThatLostItsJobCannotPublish(t *testing.T) {
	db := openDB(t, "")
	enqueue(t, db, "a")
	steal := make(chan error, 1)
	w := &worker{run: func(ctx context.Context, t *Task) error {
		if t.Attempt > 1 {
			return t.Finish(ctx, done)
		}
		err := db.Update(ctx, func(tx *store.Tx) error { // another run claims it
			_, err := tx.Exec("update job set attempt = 2, state = 'queued' where attempt = 1")
			return err
		})
		if err != nil {
			return err
		}
		steal <- t.Finish(ctx, func(*store.Tx) error { return errors.New("published") })
		return ErrLost
	}}
	q := openQueue(t, db, w)
	if err := <-steal; !errors.Is(err, ErrLost) {
		t.Errorf("got %v", err)
	}
	ended(t, db, "a", "done")
	_ = q.Close()
}

func TestCancel(t *testing.T) {
	db := openDB(t, "")
	started := make(chan struct{})
	w := &worker{run: func(ctx context.Context, t *Task) error {
		close(started)
		<-ctx.Done()
		return context.Cause(ctx)
	}}
	q := openQueue(t, db, w)
	enqueue(t, db, "running")
	<-started
	enqueue(t, db, "queued")
	for _, key := range []string{"queued", "running"} {
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			ok, err := q.Cancel(tx, "k", key)
			if !ok {
				t.Errorf("%s: there was no job", key)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		ended(t, db, key, "failed")
		w.mu.Lock()
		if w.abandoned[key] != ErrCanceled.Error() {
			t.Errorf("abandoned %v", w.abandoned)
		}
		w.mu.Unlock()
	}
	_ = q.Close()
}
