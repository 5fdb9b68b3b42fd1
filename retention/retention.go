// Package retention sees to a group's data once it is in: that what is hot stays
// small, and that what is to be forgotten is gone.
//
// Compaction. The oldest records of a log move from the database into segments
// (dataset.WriteSegment), and what history knows is saved as a state, so that a
// start reads that and the records behind it alone. A blob is durable before the
// one transaction that names it and removes what it stands for: whenever the
// process dies, every record is in one place. What nobody names is swept by the
// next run.
//
// Deletion. Users and items are forgotten by a change in the log, at once and for everybody
// (deletion.go), and then erased from all files of the group (erase.go): segments,
// parts, states, what trainings froze, models that keep users (model.go). Others have
// only counted them together, and do until they are trained anew; serving answers no
// item that has no id any more. An event of a deleted item leaves a visit, so that the
// session stays whose it was. The customer's buckets are left alone.
//
// There is one job a group, so nobody else moves or rewrites its records.
// Everything that was read is as it was after a crash (I5). What is given numbers
// (I1) is in the state, so records may go.
package retention

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"usher/blob"
	"usher/catalog"
	"usher/eventlog"
	"usher/history"
	"usher/job"
	"usher/recipe"
	"usher/store"
)

// Job is the kind of the job that sees to a group; the key is its catalog ID.
const Job job.Kind = "retention"

// Enqueue starts the job unless it is waiting or running.
func Enqueue(tx *store.Tx, groupID string) error { return job.Enqueue(tx, Job, groupID, nil) }

// Options configure a Keeper.
type Options struct {
	DB      *store.DB
	Logs    *eventlog.Logs
	History *history.History
	Blobs   blob.Store
	Buckets blob.Store      // the customers' buckets; names are "bucket/key"
	Recipes []recipe.Recipe // whose models may keep users
	Hot     int             // records that stay in the database in any case; HotRecords
	Copies  func() error    // removes copies of deleted blobs that nobody needs; may be nil
	Log     *slog.Logger    // slog.Default()
}

// HotRecords is how many records of a log stay in the database, and how many a
// segment has.
const HotRecords = 1 << 18

// Keeper is the worker for jobs of kind Job.
type Keeper struct{ opt Options }

var _ job.Worker = (*Keeper)(nil)

// New gives a Keeper.
func New(opt Options) *Keeper {
	if opt.Hot <= 0 {
		opt.Hot = HotRecords
	}
	if opt.Log == nil {
		opt.Log = slog.Default()
	}
	return &Keeper{opt}
}

// Folders of a group's blobs.
func statesOf(groupID string) string   { return "states/" + groupID + "/" }
func segmentsOf(groupID string) string { return "segments/" + groupID + "/" }

// Run implements job.Worker.
func (k *Keeper) Run(ctx context.Context, t *job.Task) error {
	g := &group{Keeper: k, id: t.Key, task: t}
	if err := g.sweep(ctx); err != nil {
		return err
	}
	for {
		if err := g.delete(ctx); err != nil {
			return err
		}
		if err := g.compact(ctx); err != nil {
			return err
		}
		err := t.Finish(ctx, func(tx *store.Tx) error { return g.idle(tx) })
		if !errors.Is(err, errMore) {
			return err
		}
	}
}

// Abandon implements job.Worker. Deletions that it was for have failed; a log that
// is not compacted starts more slowly, and its next growth asks again.
func (k *Keeper) Abandon(tx *store.Tx, key string, _ json.RawMessage, cause error) error {
	k.opt.Log.Error("a dataset group could not be compacted", "group", key, "error", cause)
	open, err := (&group{Keeper: k, id: key}).deletions(tx)
	if err != nil {
		return err
	}
	for _, j := range open {
		j.Fail("The deletion was given up: " + cause.Error())
		if err := catalog.Update(tx, j); err != nil {
			return err
		}
	}
	return nil
}

// group is one run for one group.
type group struct {
	*Keeper
	id   string
	task *job.Task
}

// write writes a blob whole or not at all, and gives its name.
func (g *group) write(ctx context.Context, prefix string, fill func(w io.Writer) error) (string, error) {
	name := prefix + catalog.NewID()
	w, err := g.opt.Blobs.Create(ctx, name)
	if err != nil {
		return "", err
	}
	defer w.Abort()
	if err := fill(w); err != nil {
		return "", fmt.Errorf("blob %q: %w", name, err)
	}
	return name, w.Commit()
}
