package retention

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"usher/dataset"
	"usher/eventlog"
)

// rewriter goes through the segments in order.
type rewriter struct {
	*erasure
	parts map[string]*dataset.PartCommitted // by the name that the log has
}

// segment writes a segment without what is to be gone and gives its name; "" if
// there is nothing.
func (w *rewriter) segment(ctx context.Context, name string) (string, error) {
	var kept []dataset.Logged
	changed := false
	for rec, err := range Archive(w.opt.Blobs).Segment(ctx, name) {
		if err != nil {
			return "", err
		}
		data, err := w.record(rec)
		if err != nil {
			return "", fmt.Errorf("segment %q: record %d: %w", name, rec.Offset, err)
		}
		if data == nil {
			changed = true
			continue
		}
		changed = changed || &data[0] != &rec.Data[0]
		rec.Data = data
		kept = append(kept, logged(rec))
	}
	if !changed {
		return "", nil
	}
	return w.group.segment(ctx, kept)
}

// record gives what is left of a record: its own data, other data, or nil.
func (w *rewriter) record(rec eventlog.Record) ([]byte, error) {
	c, err := dataset.ParseChange(rec.Data)
	if err != nil {
		return nil, err
	}
	switch {
	case c.Interaction != nil:
		return w.interaction(c.Interaction, rec)
	case c.Visit != nil:
		if w.gone.User(w.owner(c.Visit), rec.Offset) {
			return nil, nil
		}
	case c.ActionInteraction != nil:
		if w.gone.User(cmp.Or(c.ActionInteraction.User, w.owners.Of(c.ActionInteraction.Session)), rec.Offset) {
			w.proof.Events++
			return nil, nil
		}
	case c.User != nil:
		if w.gone.User(c.User.ID, rec.Offset) {
			w.proof.Records++
			return nil, nil
		}
	case c.Item != nil:
		if w.gone.Item(c.Item.ID, rec.Offset) {
			w.proof.Records++
			return nil, nil
		}
	case c.Cleared != nil:
		if c.Cleared.Type == dataset.Interactions {
			w.owners.Clear()
		}
	case c.Forgotten != nil:
		if len(c.Forgotten.Users)+len(c.Forgotten.Items) > 0 {
			return (&dataset.Change{Forgotten: &dataset.Forgotten{}}).Append(nil)
		}
	case c.Part != nil:
		if now := w.parts[c.Part.Blob]; now != nil {
			c.Part.Blob, c.Part.Rows = now.Blob, now.Rows
			return c.Append(nil)
		}
	}
	return rec.Data, nil
}

// interaction gives what is left of an event. Of one whose item is to be gone that is
// a visit: it may have told whose the session is, and other events go by that.
func (w *rewriter) interaction(x *dataset.Interaction, rec eventlog.Record) ([]byte, error) {
	if w.gone.User(w.owner(x), rec.Offset) {
		w.proof.Events++
		return nil, nil
	}
	if w.gone.Item(x.Item, rec.Offset) {
		w.proof.Events++
		return (&dataset.Change{Visit: &dataset.Interaction{User: x.User, Session: x.Session}}).Append(nil)
	}
	shown := len(x.Impression)
	x.Impression = slices.DeleteFunc(x.Impression, func(id string) bool { return w.gone.Item(id, rec.Offset) })
	if len(x.Impression) < shown {
		return (&dataset.Change{Interaction: x}).Append(nil)
	}
	return rec.Data, nil
}

// owner gives the user that the next event is of.
func (w *rewriter) owner(x *dataset.Interaction) string {
	w.owners.See(x)
	return w.owners.Owner(x)
}
