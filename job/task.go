package job

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"usher/store"
)

// Task is one attempt at a job.
type Task struct {
	Key     string
	Args    json.RawMessage
	Attempt int // 1 for the first

	db  *store.DB
	row *row
	mu  struct {
		sync.Mutex
		checkpoint []byte
		done       bool // Finish has committed
		progress   float64
		note       string
		written    time.Time // when progress was written last
		writing    bool
	}
	wg sync.WaitGroup // of progress writes
}

func newTask(db *store.DB, r *row) *Task {
	t := &Task{Key: r.key, Args: r.args, Attempt: r.attempt, db: db, row: r}
	t.mu.checkpoint = r.checkpoint
	return t
}

// fence gives ErrLost unless the attempt still has its job.
func fence(tx *store.Tx, r *row) error {
	var n int
	err := tx.QueryRow("select count(*) from job where id = $1 and attempt = $2 and holder = $3 and state = 'running'", r.id, r.attempt, r.holder).Scan(&n)
	if err == nil && n == 0 {
		err = ErrLost
	}
	return err
}

// Checkpoint gives what Save stored last, by this or an earlier attempt; nil if nothing.
func (t *Task) Checkpoint() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.mu.checkpoint
}

// Save stores a small checkpoint durably (kilobytes; large state is a blob
// named per attempt, its name saved here). ErrLost: another run has the job.
func (t *Task) Save(ctx context.Context, state []byte) error {
	err := t.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec("update job set checkpoint = $2 where id = $1", t.row.id, state)
		return err
	})
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mu.checkpoint = state
	return nil
}

// Progress records how far the job is, 0..1. It never waits; the newest values
// are written about once a second.
func (t *Task) Progress(done float64, note string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mu.progress, t.mu.note = done, note
	if t.mu.writing || t.db.Now().Sub(t.mu.written) < time.Second {
		return
	}
	t.mu.writing = true
	t.wg.Go(t.writeProgress)
}

func (t *Task) writeProgress() {
	t.mu.Lock()
	done, note := t.mu.progress, t.mu.note
	t.mu.Unlock()
	// Progress is for the eye: when it cannot be written, the next one may be.
	_ = t.db.Update(context.Background(), func(tx *store.Tx) error {
		_, err := tx.Exec("update job set done = $3, note = $4 where id = $1 and attempt = $2 and holder = $5 and state = 'running'", t.row.id, t.row.attempt, done, note, t.row.holder)
		return err
	})
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mu.writing, t.mu.written = false, t.db.Now()
}

// flush waits for progress that is being written.
func (t *Task) flush() { t.wg.Wait() }

// Update runs fn in a transaction that commits only while this attempt still
// has the job.
func (t *Task) Update(ctx context.Context, fn func(tx *store.Tx) error) error {
	return t.db.Update(ctx, func(tx *store.Tx) error {
		if err := fence(tx, t.row); err != nil {
			return err
		}
		return fn(tx)
	})
}

// Finish is Update that also ends the job: fn publishes the result.
func (t *Task) Finish(ctx context.Context, fn func(tx *store.Tx) error) error {
	err := t.Update(ctx, func(tx *store.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		_, err := tx.Exec("update job set state = 'done', done = 1, finished = $2, checkpoint = null where id = $1", t.row.id, tx.Now().UnixMicro())
		return err
	})
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mu.done = true
	return nil
}

func (t *Task) finished() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.mu.done
}

// Status is what can be seen of a job from outside.
type Status struct {
	Kind     Kind
	Key      string
	State    string // queued, running, done, failed
	Attempt  int
	Done     float64 // 0..1
	Note     string
	Created  time.Time
	Started  time.Time // of the last attempt; zero before the first
	Finished time.Time
}

// Find gives the newest job of that kind and key; false when there is none.
func Find(tx *store.Tx, kind Kind, key string) (s Status, ok bool, err error) {
	var created, started, finished int64
	s.Kind, s.Key = kind, key
	err = tx.QueryRow(`select state, attempt, done, note, created, started, finished from job
		where kind = $1 and key = $2 order by id desc limit 1`, string(kind), key).
		Scan(&s.State, &s.Attempt, &s.Done, &s.Note, &created, &started, &finished)
	if errors.Is(err, sql.ErrNoRows) {
		return Status{}, false, nil
	}
	if err != nil {
		return Status{}, false, fmt.Errorf("find job %s %q: %w", kind, key, err)
	}
	at := func(micro int64) time.Time {
		if micro == 0 {
			return time.Time{}
		}
		return time.UnixMicro(micro).UTC()
	}
	s.Created, s.Started, s.Finished = at(created), at(started), at(finished)
	return s, true, nil
}
