package job

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"usher/store"
)

// topic announces that a job may be ready to run.
const topic = "job"

// keepDone is how long the rows of ended jobs are kept.
const keepDone = 7 * 24 * time.Hour

// Options configure a queue.
type Options struct {
	DB      *store.DB
	Workers map[Kind]Worker
	Limit   map[Kind]int // how many of a kind run at once; 1 when absent
	Log     *slog.Logger
	Backoff func(attempt int) time.Duration // delay before a retry; 1s, 2s, 4s, … at most a minute
	Lease   time.Duration                   // how long others respect a claim that is not renewed; 15s
}

// Attempts is how often a job is tried, crashes included.
const Attempts = 5

// Queue claims and runs jobs. All methods may be called concurrently.
type Queue struct {
	opt    Options
	ctx    context.Context // ends with Close
	stop   context.CancelCauseFunc
	wg     sync.WaitGroup
	cancel func() // of the subscription
	nudge  chan struct{}
	me     string // the holder of this queue's claims
	keeper keeper

	mu struct {
		sync.Mutex
		running map[int64]*running
		perKind map[Kind]int
	}
}

// running is an attempt that this process makes.
type running struct {
	row  *row
	stop context.CancelCauseFunc
}

// Open releases the claims of a dead process and starts claiming.
func Open(ctx context.Context, opt Options) (*Queue, error) {
	if opt.Log == nil {
		opt.Log = slog.Default()
	}
	if opt.Backoff == nil {
		opt.Backoff = func(n int) time.Duration { return min(time.Minute, time.Second<<min(n-1, 6)) }
	}
	if opt.Lease == 0 {
		opt.Lease = 15 * time.Second
	}
	q := &Queue{opt: opt, nudge: make(chan struct{}, 1), me: opt.DB.Process() + "." + rand.Text()}
	q.ctx, q.stop = context.WithCancelCause(context.Background())
	q.mu.running = map[int64]*running{}
	q.mu.perKind = map[Kind]int{}
	err := opt.DB.Update(ctx, func(tx *store.Tx) error {
		if err := forget(tx); err != nil {
			return err
		}
		_, err := release(tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open job queue: %w", err)
	}
	q.cancel = opt.DB.Subscribe(topic, func(string) { q.wake() })
	if opt.DB.Shared() {
		q.keep()
	}
	q.wg.Go(q.loop)
	return q, nil
}

// Close stops claiming, cancels running jobs with ErrStopped and waits for
// them. They stay queued and run again at the next Open; no attempt is spent.
func (q *Queue) Close() error {
	q.stop(ErrStopped)
	q.cancel()
	q.wg.Wait()
	q.keeper.close()
	return nil
}

func (q *Queue) wake() {
	select {
	case q.nudge <- struct{}{}:
	default:
	}
}

// forget deletes the rows of jobs that ended long ago, but the last of each key.
func forget(tx *store.Tx) error {
	_, err := tx.Exec(`delete from job where state in ('done', 'failed') and finished < $1
		and id not in (select max(id) from job group by kind, key)`, tx.Now().Add(-keepDone).UnixMicro())
	return err
}

// loop claims what can run until the queue is closed.
func (q *Queue) loop() {
	for {
		var due <-chan time.Time
		if next := q.claimAll(); next > 0 {
			due = time.After(next)
		}
		select {
		case <-q.nudge:
		case <-due:
		case <-q.ctx.Done():
			return
		}
	}
}

// claimAll stops what was cancelled, starts every job that may run now and gives
// the time until the next delayed one, 0 when there is none.
func (q *Queue) claimAll() (next time.Duration) {
	ready, next, err := q.look()
	if err != nil {
		if q.ctx.Err() == nil {
			q.opt.Log.Error("look for jobs", "error", err)
		}
		return time.Second
	}
	for _, kind := range ready {
		for q.free(kind) {
			row, err := q.claim(kind)
			if err != nil {
				if q.ctx.Err() == nil {
					q.opt.Log.Error("claim job", "kind", kind, "error", err)
				}
				return time.Second
			}
			if row == nil {
				break
			}
			q.start(row)
		}
	}
	return next
}

// look reads what there is to do: it stops jobs that somebody cancelled and gives
// the kinds of which one may run now, and the time until the next delayed one.
func (q *Queue) look() (ready []Kind, next time.Duration, err error) {
	err = q.opt.DB.View(q.ctx, func(tx *store.Tx) error {
		if err := q.heed(tx); err != nil {
			return err
		}
		now := tx.Now()
		for kind := range q.opt.Workers {
			var at sql.NullInt64
			err := tx.QueryRow("select min(run_at) from job where kind = $1 and state = 'queued'", string(kind)).Scan(&at)
			switch {
			case err != nil:
				return err
			case at.Valid && at.Int64 <= now.UnixMicro():
				ready = append(ready, kind)
			}
		}
		var at sql.NullInt64
		if err := tx.QueryRow("select min(run_at) from job where state = 'queued' and run_at > $1", now.UnixMicro()).Scan(&at); err != nil {
			return err
		}
		if at.Valid {
			next = max(time.Millisecond, time.UnixMicro(at.Int64).Sub(now))
		}
		return nil
	})
	return ready, next, err
}

// heed stops the attempts of this process that were cancelled, here or by another
// process, and those that have lost their job.
func (q *Queue) heed(tx *store.Tx) error {
	q.mu.Lock()
	mine := slices.Collect(maps.Values(q.mu.running))
	q.mu.Unlock()
	for _, r := range mine {
		var state string
		var canceled bool
		err := tx.QueryRow("select state, cancel <> 0 from job where id = $1 and attempt = $2 and holder = $3", r.row.id, r.row.attempt, r.row.holder).Scan(&state, &canceled)
		switch {
		case errors.Is(err, sql.ErrNoRows), err == nil && state == "queued":
			r.stop(ErrLost)
		case err != nil:
			return err
		case state == "running" && canceled:
			r.stop(ErrCanceled)
		}
	}
	return nil
}

func (q *Queue) limit(k Kind) int { return max(1, q.opt.Limit[k]) }

func (q *Queue) free(k Kind) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.ctx.Err() == nil && q.mu.perKind[k] < q.limit(k)
}

// row is a claimed job.
type row struct {
	id         int64
	kind       Kind
	key        string
	args       []byte
	attempt    int
	cancel     bool
	holder     string
	last       string // error of the attempt before
	checkpoint []byte
}

// claim takes the oldest job of a kind that may run; nil when there is none. A
// job that used up its attempts is abandoned instead.
func (q *Queue) claim(k Kind) (*row, error) {
	var r *row
	err := q.opt.DB.Update(q.ctx, func(tx *store.Tx) error {
		for {
			r = &row{kind: k, holder: q.me}
			err := tx.QueryRow(`select id, key, args, attempt, cancel, error, checkpoint from job
				where kind = $1 and state = 'queued' and run_at <= $2 order by id limit 1`, string(k), tx.Now().UnixMicro()).
				Scan(&r.id, &r.key, &r.args, &r.attempt, &r.cancel, &r.last, &r.checkpoint)
			if errors.Is(err, sql.ErrNoRows) {
				r = nil
				return nil
			}
			if err != nil {
				return err
			}
			r.attempt++
			switch {
			case r.cancel:
				err = q.abandon(tx, r, ErrCanceled)
			case r.attempt > Attempts:
				err = q.abandon(tx, r, fmt.Errorf("tried %d times; the last time: %s", Attempts, r.last))
			default:
				return q.take(tx, r)
			}
			if err != nil {
				return err
			}
		}
	})
	return r, err
}

// abandon ends a job as failed and lets its worker publish that.
func (q *Queue) abandon(tx *store.Tx, r *row, cause error) error {
	if _, err := tx.Exec("update job set state = 'failed', error = $2, finished = $3 where id = $1", r.id, cause.Error(), tx.Now().UnixMicro()); err != nil {
		return err
	}
	return q.opt.Workers[r.kind].Abandon(tx, r.key, r.args, cause)
}

// start runs a claimed job in a goroutine of its own.
func (q *Queue) start(r *row) {
	ctx, cancel := context.WithCancelCause(q.ctx)
	q.mu.Lock()
	q.mu.running[r.id] = &running{r, cancel}
	q.mu.perKind[r.kind]++
	q.mu.Unlock()
	t := newTask(q.opt.DB, r)
	q.wg.Go(func() {
		err := q.run(ctx, t)
		cause := context.Cause(ctx)
		cancel(nil)
		t.flush()
		q.settle(t, err, cause)
		q.mu.Lock()
		delete(q.mu.running, r.id)
		q.mu.perKind[r.kind]--
		q.mu.Unlock()
		q.wake()
	})
}

// run calls the worker and makes an error of a panic.
func (q *Queue) run(ctx context.Context, t *Task) (err error) {
	defer func() {
		if p := recover(); p != nil {
			q.opt.Log.Error("job panicked", "kind", t.row.kind, "key", t.Key, "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("internal error: %v", p)
		}
	}()
	return q.opt.Workers[t.row.kind].Run(ctx, t)
}

// settle writes down how an attempt ended, unless the worker finished the job.
func (q *Queue) settle(t *Task, err, cause error) {
	if t.finished() || errors.Is(err, ErrLost) || errors.Is(cause, ErrLost) {
		return
	}
	if err == nil {
		err = errors.New("the worker returned without finishing")
	}
	r := t.row
	var permanent *permanentError
	werr := q.write(func(tx *store.Tx) error {
		if err := fence(tx, r); err != nil {
			return err
		}
		switch {
		case errors.Is(cause, ErrStopped): // give the attempt back
			_, err := tx.Exec("update job set state = 'queued', attempt = attempt - 1, run_at = 0 where id = $1", r.id)
			return err
		case errors.Is(cause, ErrCanceled):
			return q.abandon(tx, r, ErrCanceled)
		case errors.As(err, &permanent) || r.attempt >= Attempts:
			return q.abandon(tx, r, err)
		}
		_, uerr := tx.Exec("update job set state = 'queued', error = $2, run_at = $3 where id = $1",
			r.id, err.Error(), tx.Now().Add(q.opt.Backoff(r.attempt)).UnixMicro())
		return uerr
	})
	if werr != nil {
		q.opt.Log.Error("record the end of a job", "kind", r.kind, "key", r.key, "error", werr)
	}
	if !errors.Is(cause, ErrStopped) && !errors.Is(cause, ErrCanceled) {
		q.opt.Log.Warn("job failed", "kind", r.kind, "key", r.key, "attempt", r.attempt, "error", err)
	}
}

// write is Update that waits for room while the disk is full: a job whose end
// nobody wrote down would run again at the next start only.
func (q *Queue) write(fn func(tx *store.Tx) error) error {
	for {
		err := q.opt.DB.Update(context.Background(), fn)
		var later interface {
			error
			NotNow() string
		}
		if !errors.As(err, &later) {
			return err
		}
		select {
		case <-time.After(max(q.opt.Backoff(1), time.Millisecond)):
		case <-q.ctx.Done(): // the next start takes it for a job that was killed
			return err
		}
	}
}

// Cancel ends the job of that kind and key in the transaction: a queued one is
// abandoned at once, a running one has its context cancelled after the commit
// and is abandoned when it returns. It says whether there was one.
func (q *Queue) Cancel(tx *store.Tx, kind Kind, key string) (bool, error) {
	r := &row{kind: kind, key: key}
	var state string
	err := tx.QueryRow("select id, args, state from job where kind = $1 and key = $2 and state in ('queued', 'running')", string(kind), key).Scan(&r.id, &r.args, &state)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("cancel job %s %q: %w", kind, key, err)
	}
	if state == "queued" {
		return true, q.abandon(tx, r, ErrCanceled)
	}
	if _, err := tx.Exec("update job set cancel = 1 where id = $1", r.id); err != nil {
		return false, fmt.Errorf("cancel job %s %q: %w", kind, key, err)
	}
	tx.OnCommit(func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		if mine := q.mu.running[r.id]; mine != nil {
			mine.stop(ErrCanceled)
		}
	})
	tx.NotifyOthers(topic, string(kind)) // one of them may run it
	return true, nil
}

// Enqueue adds a job in the caller's transaction. While a job of the same kind
// and key is queued or running, nothing is added.
func Enqueue(tx *store.Tx, kind Kind, key string, args any) error {
	b, err := json.Marshal(args)
	if err != nil {
		return fmt.Errorf("enqueue job %s %q: %w", kind, key, err)
	}
	_, err = tx.Exec(`insert into job(kind, key, args, state, created) values($1, $2, $3, 'queued', $4)
		on conflict(kind, key) where state in ('queued', 'running') do nothing`, string(kind), key, string(b), tx.Now().UnixMicro())
	if err != nil {
		return fmt.Errorf("enqueue job %s %q: %w", kind, key, err)
	}
	tx.Notify(topic, string(kind))
	return nil
}
