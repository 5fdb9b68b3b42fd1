// Package job runs long work so that kill -9 loses none of it.
//
// A job is a row: kind, key, arguments, state. Enqueue adds it in the caller's
// transaction; a worker of that kind claims it and runs. Every write about a
// running job carries its claim (id, claimant, attempt), and the result is
// published in the same transaction that ends the job (Task.Finish), so a job
// may run twice and ends the same (I5). After a crash the job runs again from
// its last checkpoint; crashes count as attempts, a graceful stop does not. A
// job that used up its attempts is abandoned: its worker's Abandon publishes
// the failure.
//
// On SQLite one process owns the data folder: claims are released at start and
// never expire. (On PostgreSQL they will be leases; see docs/design.md.)
package job

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"usher/store"
)

// Kind names a sort of work, for example "train".
type Kind string

// Worker does the jobs of one kind. Run may be called concurrently, and again
// for the same job after a crash or a graceful stop.
type Worker interface {
	// Run works from the last checkpoint and publishes its result with
	// t.Finish. An error without Finish is retried with growing delays until
	// the attempts are used up; wrap it with Permanent to give up at once. When
	// ctx is done Run returns soon: context.Cause tells ErrStopped (the process
	// ends; the job runs again later) from ErrCanceled (somebody cancelled it).
	Run(ctx context.Context, t *Task) error
	// Abandon publishes, inside tx, that the job will never succeed. cause is
	// the last error; ErrCanceled for a cancelled job.
	Abandon(tx *store.Tx, key string, args json.RawMessage, cause error) error
}

// Options configure a queue.
type Options struct {
	DB      *store.DB
	Workers map[Kind]Worker
	Limit   map[Kind]int // how many of a kind run at once; 1 when absent
	Log     *slog.Logger
	Backoff func(attempt int) time.Duration // delay before a retry; 1s, 2s, 4s, … at most a minute
}

// Attempts is how often a job is tried, crashes included.
const Attempts = 5

// Queue claims and runs jobs. All methods may be called concurrently.
type Queue struct {
}

// Open releases the claims of a dead process and starts claiming.
func Open(ctx context.Context, opt Options) (*Queue, error) { panic("todo") }

// Close stops claiming, cancels running jobs with ErrStopped and waits for
// them. They stay queued and run again at the next Open; no attempt is spent.
func (q *Queue) Close() error { panic("todo") }

// Cancel ends the job of that kind and key in the transaction: a queued one is
// abandoned at once, a running one has its context cancelled after the commit
// and is abandoned when it returns. It says whether there was one.
func (q *Queue) Cancel(tx *store.Tx, kind Kind, key string) (bool, error) { panic("todo") }

// Enqueue adds a job in the caller's transaction. While a job of the same kind
// and key is queued or running, nothing is added.
func Enqueue(tx *store.Tx, kind Kind, key string, args any) error { panic("todo") }

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
func Find(tx *store.Tx, kind Kind, key string) (Status, bool, error) { panic("todo") }

// Task is one attempt at a job.
type Task struct {
	Key     string
	Args    json.RawMessage
	Attempt int // 1 for the first
}

// Checkpoint gives what Save stored last, by this or an earlier attempt; nil if nothing.
func (t *Task) Checkpoint() []byte { panic("todo") }

// Save stores a small checkpoint durably (kilobytes; large state is a blob
// named per attempt, its name saved here). ErrLost: another run has the job.
func (t *Task) Save(ctx context.Context, state []byte) error { panic("todo") }

// Progress records how far the job is, 0..1. It never waits; the newest values
// are written about once a second.
func (t *Task) Progress(done float64, note string) { panic("todo") }

// Update runs fn in a transaction that commits only while this attempt still
// has the job.
func (t *Task) Update(ctx context.Context, fn func(tx *store.Tx) error) error { panic("todo") }

// Finish is Update that also ends the job: fn publishes the result.
func (t *Task) Finish(ctx context.Context, fn func(tx *store.Tx) error) error { panic("todo") }
