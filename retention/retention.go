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
// There is one job a group, so nobody else moves or rewrites its records.
// Everything that was read is as it was after a crash (I5). What is given numbers
// (I1) is in the state, so records may go.
package retention

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"

	"usher/blob"
	"usher/catalog"
	"usher/eventlog"
	"usher/history"
	"usher/job"
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
	Hot     int          // records that stay in the database in any case; HotRecords
	Log     *slog.Logger // slog.Default()
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
		if err := g.compact(ctx); err != nil {
			return err
		}
		done := false
		err := t.Update(ctx, func(tx *store.Tx) (err error) {
			done, err = g.idle(tx)
			return err
		})
		if err != nil {
			return err
		}
		if done {
			break
		}
	}
	return t.Finish(ctx, func(*store.Tx) error { return nil })
}

// Abandon implements job.Worker. Nothing is lost: the group starts more slowly, and
// the next growth asks again.
func (k *Keeper) Abandon(_ *store.Tx, key string, _ json.RawMessage, cause error) error {
	k.opt.Log.Error("the log of a dataset group could not be compacted", "group", key, "error", cause)
	return nil
}

// group is one run for one group.
type group struct {
	*Keeper
	id   string
	task *job.Task
}

// names gives the blobs that the log names.
func (g *group) names(tx *store.Tx) (map[string]bool, error) {
	named := map[string]bool{}
	s, err := g.opt.Logs.StateTx(tx, g.id)
	if err != nil {
		return nil, err
	}
	named[s.Blob] = true
	list, err := g.opt.Logs.Segments(tx, g.id)
	for _, s := range list {
		named[s.Blob] = true
	}
	return named, err
}

// sweep deletes blobs of the group that the log does not name: those of attempts
// that did not come to their end, and what was replaced.
func (g *group) sweep(ctx context.Context) error {
	var named map[string]bool
	err := g.opt.DB.View(ctx, func(tx *store.Tx) (err error) {
		named, err = g.names(tx)
		return err
	})
	if err != nil {
		return err
	}
	for _, prefix := range []string{statesOf(g.id), segmentsOf(g.id)} {
		var old []string
		for info, err := range g.opt.Blobs.List(ctx, prefix) {
			if err != nil {
				return fmt.Errorf("sweep blobs below %q: %w", prefix, err)
			}
			if !named[info.Name] {
				old = append(old, info.Name)
			}
		}
		for _, name := range old {
			if err := g.opt.Blobs.Delete(ctx, name); err != nil {
				return fmt.Errorf("sweep blobs below %q: %w", prefix, err)
			}
		}
	}
	return nil
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
