package retention

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"usher/dataset"
	"usher/eventlog"
	"usher/history"
	"usher/store"
)

// compact moves what is too much into segments, and saves the state if that is due.
func (g *group) compact(ctx context.Context) error {
	for {
		moved, err := g.move(ctx, g.opt.Hot)
		if err != nil {
			return err
		}
		if !moved {
			break
		}
	}
	h, err := g.history(ctx)
	if err != nil || h == nil || !h.Due() {
		return err
	}
	return g.save(ctx, h)
}

// history gives the group's history; nil when its log is empty or gone.
func (g *group) history(ctx context.Context) (*history.Group, error) {
	last, err := g.opt.Logs.Log(g.id).Last(ctx)
	if err != nil || last == 0 {
		return nil, err
	}
	return g.opt.History.Group(ctx, g.id)
}

// errMore says that something came while the group was seen to.
var errMore = errors.New("retention: internal error: there is more to do")

// idle gives errMore unless there is nothing to be done now: who asks for more while
// the job runs, does not get another one.
func (g *group) idle(tx *store.Tx) error {
	open, err := g.deletions(tx)
	if err != nil {
		return err
	}
	e, err := g.opt.Logs.Extent(tx, g.id)
	if err == nil && (len(open) > 0 || e.Last-e.Moved >= eventlog.Offset(g.opt.Hot)) {
		err = errMore
	}
	return err
}

// move makes a segment of the oldest records in the database, if there are at
// least so many. It says whether it did.
func (g *group) move(ctx context.Context, least int) (bool, error) {
	var s eventlog.Segment
	err := g.opt.DB.View(ctx, func(tx *store.Tx) error {
		e, err := g.opt.Logs.Extent(tx, g.id)
		if err != nil || e.Last-e.Moved < eventlog.Offset(least) || e.Last == e.Moved {
			return err
		}
		s.First = e.Moved + 1
		s.Last, err = g.opt.Logs.Cut(tx, g.id, e.Moved+eventlog.Offset(g.opt.Hot))
		return err
	})
	if err != nil || s.Last == 0 {
		return false, err
	}
	recs := make([]dataset.Logged, 0, s.Last-s.First+1)
	for r, err := range g.opt.Logs.Log(g.id).Read(ctx, s.First-1) {
		if err != nil {
			return false, err
		}
		if r.Offset > s.Last {
			break
		}
		recs = append(recs, logged(r))
	}
	s.Blob, err = g.segment(ctx, recs)
	if err != nil {
		return false, err
	}
	err = g.task.Update(ctx, func(tx *store.Tx) error { return g.opt.Logs.Move(tx, g.id, s) })
	if err != nil {
		return false, err
	}
	g.opt.Log.Debug("records moved into a segment", "group", g.id, "from", s.First, "to", s.Last)
	return true, nil
}

// segment writes a segment and reads it back: the records go from where they were
// only if they can be read from where they are.
func (g *group) segment(ctx context.Context, recs []dataset.Logged) (string, error) {
	name, err := g.write(ctx, segmentsOf(g.id), func(w io.Writer) error { return dataset.WriteSegment(w, recs) })
	if err != nil {
		return "", err
	}
	n := 0
	for r, err := range Archive(g.opt.Blobs).Segment(ctx, name) {
		if err != nil {
			return "", err
		}
		x := logged(r)
		if n == len(recs) || x.Offset != recs[n].Offset || x.Time != recs[n].Time || x.ID != recs[n].ID || !bytes.Equal(x.Data, recs[n].Data) {
			return "", fmt.Errorf("segment %q reads back differently at record %d", name, x.Offset)
		}
		n++
	}
	if n != len(recs) {
		return "", fmt.Errorf("segment %q reads back %d of %d records", name, n, len(recs))
	}
	return name, nil
}

// save writes a state and has the log name it.
func (g *group) save(ctx context.Context, h *history.Group) error {
	var saved history.Saved
	name, err := g.write(ctx, statesOf(g.id), func(w io.Writer) (err error) {
		saved, err = h.WriteState(w)
		return err
	})
	if err != nil {
		return err
	}
	var was eventlog.State
	err = g.task.Update(ctx, func(tx *store.Tx) (err error) {
		if was, err = g.opt.Logs.StateTx(tx, g.id); err != nil {
			return err
		}
		return g.opt.Logs.SetState(tx, g.id, eventlog.State{Offset: saved.Offset, Blob: name})
	})
	if err != nil {
		return err
	}
	h.Stored(saved)
	if was.Blob != "" {
		return g.opt.Blobs.Delete(ctx, was.Blob)
	}
	return nil
}
