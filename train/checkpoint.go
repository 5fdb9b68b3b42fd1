package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"usher/blob"
	"usher/catalog"
	"usher/dataset"
	"usher/job"
	"usher/recipe"
	"usher/store"
)

// checkpoint is where a training goes on. It is the job's checkpoint, as JSON.
type checkpoint struct {
	Snapshot string  `json:"snapshot"` // blob, frozen by the first attempt and kept to the end
	Offset   uint64  `json:"offset"`   // the log up to here is in the snapshot
	Seconds  float64 `json:"seconds"`  // trained so far

	Refit   bool               `json:"refit,omitempty"`   // measured; what is left is the fit on all data
	Fit     string             `json:"fit,omitempty"`     // blob: the recipe's state in the present fit; "" at its start
	Saved   int                `json:"saved,omitempty"`   // how many states were saved; numbers their blobs
	Metrics map[string]float64 `json:"metrics,omitempty"` // known from Refit on
	Choices *recipe.Choices    `json:"choices,omitempty"` // of the first fit; known from Refit on

	Trials []trial           `json:"trials,omitempty"` // of the search for hyperparameters
	Tuned  map[string]string `json:"tuned,omitempty"`  // what it has found; known at its end

	Model string `json:"model,omitempty"` // blob; the end
}

// parseCheckpoint reads what was saved. What cannot be read, for example of
// another version of the program, is the start.
func parseCheckpoint(b []byte) (c checkpoint) {
	if json.Unmarshal(b, &c) != nil {
		return checkpoint{}
	}
	return c
}

func (c *checkpoint) notes() []string {
	if c.Choices == nil {
		return nil
	}
	return c.Choices.Notes
}

// save makes the checkpoint durable.
func (c *checkpoint) save(ctx context.Context, task *job.Task) error {
	b, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("save checkpoint: %w", err)
	}
	return task.Save(ctx, b)
}

// names are the blobs of one attempt at a version. A version's ARN may be given
// again after a delete, its ID never: blobs are named by the catalog's IDs.
type names struct {
	arn                   string // of the version
	group, owner, version string // IDs; the owner is a solution or a recommender
	attempt               int
}

// families are the prefixes of a version's blobs, of all its attempts.
func (n names) families() []string {
	return []string{
		fmt.Sprintf("snapshots/%s/%s-", n.group, n.version),
		fmt.Sprintf("checkpoints/%s/%s-", n.group, n.version),
		fmt.Sprintf("models/%s/%s/%s-", n.group, n.owner, n.version),
	}
}

func (n names) snapshot() string { return fmt.Sprintf("%s%d", n.families()[0], n.attempt) }

// fits is followed by a number for each saved state.
func (n names) fits() string { return fmt.Sprintf("%s%d-", n.families()[1], n.attempt) }

func (n names) model() string { return fmt.Sprintf("%s%d", n.families()[2], n.attempt) }

// sweep deletes a version's blobs but those that keep or its record name. What
// it cannot delete is left to the next attempt, or lies about unused.
func (t *Trainer) sweep(ctx context.Context, n names, keep checkpoint) {
	err := t.trySweep(ctx, n, keep)
	if err != nil && context.Cause(ctx) == nil {
		t.opt.Log.Warn("delete blobs of a training", "version", n.version, "error", err)
	}
}

func (t *Trainer) trySweep(ctx context.Context, n names, keep checkpoint) error {
	var old []string
	for _, prefix := range n.families() {
		for info, err := range t.opt.Blobs.List(ctx, prefix) {
			if err != nil {
				return err
			}
			if info.Name != keep.Snapshot && info.Name != keep.Fit {
				old = append(old, info.Name)
			}
		}
	}
	if len(old) == 0 {
		return nil
	}
	published, err := t.published(ctx, n)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range old {
		if name != published {
			errs = append(errs, t.opt.Blobs.Delete(ctx, name))
		}
	}
	return errors.Join(errs...)
}

// published gives the model that the version's record names, "" if there is none.
func (t *Trainer) published(ctx context.Context, n names) (model string, err error) {
	err = t.opt.DB.View(ctx, func(tx *store.Tx) error {
		v, err := find(tx, n.arn)
		if errors.Is(err, catalog.ErrNotFound) || err == nil && v.Common().ID != n.version {
			return nil
		}
		if err == nil {
			model = v.Training().Model
		}
		return err
	})
	return model, err
}

// freeze writes the snapshot to train on, unless an earlier attempt has.
func (t *Trainer) freeze(ctx context.Context, task *job.Task, w work, c *checkpoint) error {
	if c.Snapshot != "" {
		r, err := t.opt.Blobs.Open(ctx, c.Snapshot)
		if err == nil {
			return r.Close()
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	task.Progress(0, "freezing the data")
	*c = checkpoint{Snapshot: w.names.snapshot(), Seconds: c.Seconds}
	group, err := t.opt.History.Group(ctx, w.names.group)
	if err != nil {
		return err
	}
	all, err := group.Snapshot(ctx)
	if err != nil {
		return err
	}
	conf, err := parseConfig(w.version)
	if err != nil {
		return job.Permanent(err)
	}
	filtered := conf.learnt(all, w.version)
	if err := t.check(w.version, all, filtered); err != nil {
		return err
	}
	if filtered.ItemTable, err = recipe.Embedded(ctx, filtered.ItemTable, t.opt.Embed); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		t.opt.Log.Warn("the training learns from words alone", "version", w.names.arn, "error", err)
	}
	c.Offset = filtered.Offset
	err = writeBlob(ctx, t.opt.Blobs, c.Snapshot, func(w io.Writer) error { return dataset.WriteSnapshot(w, filtered) })
	if err != nil {
		return err
	}
	return c.save(ctx, task)
}

// writeBlob writes a blob whole or not at all.
func writeBlob(ctx context.Context, blobs blob.Store, name string, write func(w io.Writer) error) error {
	out, err := blobs.Create(ctx, name)
	if err != nil {
		return err
	}
	defer out.Abort()
	if err := write(&stoppable{ctx, out}); err != nil {
		return err
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return out.Commit()
}

// stoppable is a writer that gives an error once ctx is done.
type stoppable struct {
	ctx context.Context
	w   io.Writer
}

func (s *stoppable) Write(b []byte) (int, error) {
	if err := context.Cause(s.ctx); err != nil {
		return 0, err
	}
	return s.w.Write(b)
}
