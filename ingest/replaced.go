package ingest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"usher/dataset"
	"usher/eventlog"
	"usher/history"
	"usher/job"
	"usher/store"
)

// A FULL import replaces the parts before it, and deleting a dataset all of its
// parts. Their rows are of no use any more and may be what the customer wanted to
// be rid of, but the numbers they gave stay (I1). So an EraseJob with this key and
// the group's catalog ID writes an id file beside each such part and deletes the
// part.
const replacedKey = "replaced parts of "

func enqueueShrink(tx *store.Tx, groupID string) error {
	return job.Enqueue(tx, EraseJob, replacedKey+groupID, nil)
}

// shrink does the job. Whoever reads a part meanwhile has it open, or begins anew.
func (g *Ingest) shrink(ctx context.Context, t *job.Task, groupID string) error {
	log := g.opt.Logs.Log(groupID)
	replaced, err := history.Replaced(ctx, log, 0)
	if err != nil {
		return err
	}
	schemas := map[dataset.Type]*dataset.Schema{}
	err = history.EachChange(ctx, log, 0, history.Newest, func(at eventlog.Offset, c *dataset.Change) (err error) {
		switch {
		case c.Schema != nil:
			schemas[c.Schema.Type], err = dataset.ParseSchema(c.Schema.Text, c.Schema.Domain)
		case replaced[at]:
			err = g.shrinkPart(ctx, c.Part.Blob, schemas[c.Part.Type])
		}
		return err
	})
	if err != nil {
		return err
	}
	return t.Finish(ctx, func(tx *store.Tx) error {
		// A group that was deleted meanwhile may have got an id file since.
		if last, err := log.Last(tx.Context()); err != nil || last > 0 {
			return err
		}
		return g.EraseBlobs(tx, "parts/"+groupID+"/")
	})
}

// shrinkPart puts an id file in the place of a part, if that was not done before.
func (g *Ingest) shrinkPart(ctx context.Context, name string, s *dataset.Schema) error {
	r, err := g.opt.Blobs.Open(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	p, err := dataset.ReadPartIDs(r, r.Size(), s)
	if cerr := r.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("part %q: %w", name, err)
	}
	w, err := g.opt.Blobs.Create(ctx, dataset.IDFileName(name))
	if err != nil {
		return err
	}
	defer w.Abort()
	if err := dataset.WriteIDs(w, p); err != nil {
		return err
	}
	if err := w.Commit(); err != nil { // durable before the part goes
		return err
	}
	return g.opt.Blobs.Delete(ctx, name)
}
