// Package job runs long work so that kill -9 loses none of it.
//
// A job is a row: kind, key, arguments, state. Enqueue adds it in the caller's
// transaction; a worker of that kind claims it and runs. Every write about a
// running job carries its claim (id, holder, attempt), and the result is
// published in the same transaction that ends the job (Task.Finish), so a job
// may run twice and ends the same (I5). After a crash the job runs again from
// its last checkpoint; crashes count as attempts, a graceful stop does not. A
// job that used up its attempts is abandoned: its worker's Abandon publishes
// the failure.
//
// On SQLite one process owns the data folder: claims are released at start and
// never expire. On PostgreSQL a claim is a lease on the database's clock (lease.go):
// its holder renews it, and when that has not been possible for too long it stops
// the job itself before others take it over. A process that is gone loses its jobs
// at once: the database knows who has it open (store.Tx.Alive).
package job

import (
	"context"
	"encoding/json"

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
