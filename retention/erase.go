package retention

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"usher/catalog"
	"usher/dataset"
	"usher/eventlog"
	"usher/history"
	"usher/job"
	"usher/store"
)

// Numbers were given by records that go now (I1): the state, which is saved first,
// has them, and followers that are not past what is rewritten begin from it.

// erasure is what is found out about a log before it is rewritten.
type erasure struct {
	*group
	upTo   eventlog.Offset // the log up to here is in segments, and in the state
	gone   history.Gone
	parts  []part
	owners *history.Owners
	proof  catalog.DeletionProof
}

// part is a part that the log commits.
type part struct {
	at     eventlog.Offset
	blob   string
	schema *dataset.Schema
	now    *dataset.PartCommitted // what the log is to say; nil: as it was
}

// erase removes everything of forgotten users and items from the group's files.
func (g *group) erase(ctx context.Context, jobs []*catalog.DeletionJob) error {
	if err := g.trainings(ctx); err != nil {
		return err
	}
	e := &erasure{group: g, owners: history.NewOwners(map[string]bool{})}
	if err := e.settle(ctx); err != nil {
		return err
	}
	if err := e.models(ctx); err != nil {
		return err
	}
	if err := e.look(ctx); err != nil {
		return err
	}
	if !e.gone.None() {
		if err := e.rewrite(ctx, jobs); err != nil {
			return err
		}
	}
	for _, sweep := range []func(context.Context) error{g.sweep, g.sweepParts, g.sweepTrainings, g.sweepCopies, g.opt.DB.Scrub} {
		if err := sweep(ctx); err != nil {
			return err
		}
	}
	return nil
}

// settle moves the whole log into segments and saves a state behind them.
func (e *erasure) settle(ctx context.Context) error {
	h, err := e.history(ctx)
	if err != nil || h == nil {
		return err
	}
	last, err := e.opt.Logs.Log(e.id).Last(ctx)
	if err != nil {
		return err
	}
	for e.upTo < last {
		if _, err := e.move(ctx, 1); err != nil {
			return err
		}
		err := e.opt.DB.View(ctx, func(tx *store.Tx) error {
			extent, err := e.opt.Logs.Extent(tx, e.id)
			e.upTo = extent.Moved
			return err
		})
		if err != nil {
			return err
		}
	}
	if err := h.Wait(ctx, e.upTo); err != nil {
		return err
	}
	return e.save(ctx, h)
}

// each calls f with every change in the segments.
func (e *erasure) each(ctx context.Context, f func(at eventlog.Offset, c *dataset.Change) error) error {
	return history.EachChange(ctx, e.opt.Logs.Log(e.id), 0, e.upTo, f)
}

// look finds out who was forgotten, which parts there are, and whose the events of
// anonymous visitors are.
func (e *erasure) look(ctx context.Context) error {
	schemas := map[dataset.Type]*dataset.Schema{}
	err := e.each(ctx, func(at eventlog.Offset, c *dataset.Change) (err error) {
		switch {
		case c.Forgotten != nil:
			e.gone.Note(at, c.Forgotten)
		case c.Schema != nil:
			schemas[c.Schema.Type], err = dataset.ParseSchema(c.Schema.Text, c.Schema.Domain)
		case c.Part != nil:
			e.parts = append(e.parts, part{at: at, blob: c.Part.Blob, schema: schemas[c.Part.Type]})
		}
		return err
	})
	if err != nil || len(e.gone.Users) == 0 {
		return err
	}
	sessions := map[string]bool{} // that may have something of somebody who was forgotten
	err = e.each(ctx, func(_ eventlog.Offset, c *dataset.Change) error {
		x := cmp.Or(c.Interaction, c.Visit)
		if x == nil {
			return nil
		}
		_, user := e.gone.Users[x.User]
		_, session := e.gone.Users[x.Session]
		if user || session {
			sessions[x.Session] = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	e.owners, err = history.FindOwners(ctx, e.opt.Logs.Log(e.id), e.opt.Blobs, e.upTo, sessions)
	return err
}

// rewrite replaces the parts and segments that have something of the users or items, and
// has the log and the jobs say so.
func (e *erasure) rewrite(ctx context.Context, jobs []*catalog.DeletionJob) error {
	for i := range e.parts {
		if err := e.part(ctx, &e.parts[i]); err != nil {
			return fmt.Errorf("part %q: %w", e.parts[i].blob, err)
		}
	}
	var all, was, now []eventlog.Segment
	err := e.opt.DB.View(ctx, func(tx *store.Tx) (err error) {
		all, err = e.opt.Logs.Segments(tx, e.id)
		return err
	})
	if err != nil {
		return err
	}
	w := &rewriter{erasure: e, parts: map[string]*dataset.PartCommitted{}}
	e.owners.Begin()
	for _, p := range e.parts {
		if p.now != nil {
			w.parts[p.blob] = p.now
		}
	}
	for _, s := range all {
		if s.Last > e.upTo {
			break
		}
		e.proof.Segments.Searched++
		name, err := w.segment(ctx, s.Blob)
		if err != nil {
			return err
		}
		if name != "" {
			was, now = append(was, s), append(now, eventlog.Segment{First: s.First, Last: s.Last, Blob: name})
		}
	}
	e.proof.Segments.Replaced = len(now)
	return e.publish(ctx, jobs, was, now)
}

// errShrinking says that parts are being replaced by another job.
var errShrinking = errors.New("replaced parts are being erased; once more when that is done")

// publish is the transaction that names what was written.
func (e *erasure) publish(ctx context.Context, jobs []*catalog.DeletionJob, was, now []eventlog.Segment) error {
	return e.task.Update(ctx, func(tx *store.Tx) error {
		// Package ingest's job that does, which would write id files for parts that
		// have new names by then.
		s, ok, err := job.Find(tx, "erase", "replaced parts of "+e.id)
		if err != nil {
			return err
		}
		if ok && s.State == "running" {
			return errShrinking
		}
		if err := e.opt.Logs.Rewrite(tx, e.id, was, now); err != nil {
			return err
		}
		versions, objects, err := e.outside(tx)
		if err != nil {
			return err
		}
		for _, j := range jobs {
			r, err := catalog.Get[catalog.DeletionJob](tx, j.ARN)
			if err != nil {
				return err
			}
			proof := e.proof
			if r.Report != nil {
				proof.Users, proof.Items, proof.Known = r.Report.Users, r.Report.Items, r.Report.Known
			}
			proof.Versions, proof.Objects = versions, objects
			r.Report = &proof
			if r.Location == "" { // its users or items were named in the call: nobody has counted before
				r.Deleted = proof.Events + proof.Records
			}
			if err := catalog.Update(tx, r); err != nil {
				return err
			}
		}
		return nil
	})
}

// outside gives what has learnt from the users and is not rewritten: versions whose
// models have counted them, and objects in the customer's buckets.
func (e *erasure) outside(tx *store.Tx) (versions, objects []string, err error) {
	owner, err := e.record(tx)
	if err != nil || owner == nil {
		return nil, nil, err
	}
	q := catalog.Query{Group: owner.ARN}
	trained, _, err := catalog.List[catalog.SolutionVersion](tx, q)
	if err != nil {
		return nil, nil, err
	}
	for _, v := range trained {
		if v.Status == catalog.Active && v.Offset < uint64(e.upTo) {
			versions = append(versions, v.ARN)
		}
	}
	imports, _, err := catalog.List[catalog.ImportJob](tx, q)
	if err != nil {
		return nil, nil, err
	}
	for _, j := range imports {
		objects = append(objects, j.Location)
	}
	exports, _, err := catalog.List[catalog.ExportJob](tx, q)
	if err != nil {
		return nil, nil, err
	}
	for _, j := range exports {
		objects = append(objects, j.Output)
	}
	slices.Sort(objects)
	return versions, slices.Compact(objects), nil
}
