package ingest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"usher/job"
	"usher/store"
)

// EraseJob is the kind of the job that removes blobs nobody refers to any more, and
// the rows of parts that were replaced.
const EraseJob job.Kind = "erase"

// dropped is the store topic on which the catalog ID of a deleted group is told.
const dropped = "ingest/dropped"

// EraseGroup forgets a dataset group in the transaction that deletes its record:
// its log at once, its blobs by a job.
func (g *Ingest) EraseGroup(tx *store.Tx, groupID string) error {
	if err := g.opt.Logs.Delete(tx, groupID); err != nil {
		return err
	}
	tx.Notify(dropped, groupID)
	for _, room := range []string{"parts", "segments", "states", "snapshots", "checkpoints", "models"} {
		if err := g.EraseBlobs(tx, room+"/"+groupID+"/"); err != nil {
			return err
		}
	}
	return nil
}

// EraseBlobs removes the blobs below a prefix, by a job: they are gone some time
// after the commit, and after a crash none is forgotten.
func (g *Ingest) EraseBlobs(tx *store.Tx, prefix string) error {
	return job.Enqueue(tx, EraseJob, prefix, nil)
}

// Eraser gives the worker for jobs of kind EraseJob.
func (g *Ingest) Eraser() job.Worker { return eraser{g} }

type eraser struct{ *Ingest }

// Run implements job.Worker.
func (g eraser) Run(ctx context.Context, t *job.Task) error {
	if group, ok := strings.CutPrefix(t.Key, replacedKey); ok {
		return g.shrink(ctx, t, group)
	}
	if err := g.eraseBlobs(ctx, t.Key); err != nil {
		return err
	}
	return t.Finish(ctx, func(*store.Tx) error { return nil })
}

// Abandon implements job.Worker. The blobs stay: they take room, but nothing
// refers to them.
func (g eraser) Abandon(_ *store.Tx, key string, _ json.RawMessage, cause error) error {
	g.opt.Log.Error("blobs of deleted resources could not be removed", "prefix", key, "error", cause)
	return nil
}

// eraseBlobs deletes what lies below a prefix.
func (g *Ingest) eraseBlobs(ctx context.Context, prefix string) error {
	var names []string
	for info, err := range g.opt.Blobs.List(ctx, prefix) {
		if err != nil {
			return fmt.Errorf("erase blobs below %q: %w", prefix, err)
		}
		names = append(names, info.Name)
	}
	for _, name := range names {
		if err := g.opt.Blobs.Delete(ctx, name); err != nil {
			return fmt.Errorf("erase blobs below %q: %w", prefix, err)
		}
	}
	return nil
}
