package batch

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"

	"usher/blob"
	"usher/dataset"
	"usher/eventlog"
	"usher/history"
)

// content is what one dataset holds at an offset of its group's log.
type content struct {
	blobs  blob.Store
	log    eventlog.Log
	kind   dataset.Type
	offset eventlog.Offset

	schema *dataset.Schema
	parts  []committed     // those that count
	since  eventlog.Offset // what was put up to here was cleared
	rows   int64           // of parts and put one by one, repeats included
	owners *history.Owners
	gone   history.Gone
}

// committed is a part and its place in the log.
type committed struct {
	blob string
	seq  eventlog.Offset
}

// errReplaced says that a part is gone: a FULL import has replaced it, after the
// content's offset, and its rows were erased.
var errReplaced = errors.New("the data was replaced meanwhile")

// place orders the records of a dataset: by the log, and within a part by row.
type place struct {
	seq eventlog.Offset
	row int
}

func (p place) less(q place) bool { return p.seq < q.seq || p.seq == q.seq && p.row < q.row }

// mode says which records are meant.
type mode struct{ bulk, put bool }

// each calls f with each change after an offset, up to the content's.
func (c *content) each(ctx context.Context, after eventlog.Offset, f func(at eventlog.Offset, x *dataset.Change) error) error {
	return history.EachChange(ctx, c.log, after, c.offset, f)
}

// load reads what the log says about the dataset.
func (c *content) load(ctx context.Context, m mode) error {
	anonymous := map[string]bool{} // sessions of events without a user
	live := int64(0)
	bulk := map[eventlog.Offset]int64{}
	err := c.each(ctx, 0, func(at eventlog.Offset, x *dataset.Change) (err error) {
		switch {
		case x.Part != nil && x.Part.Type == c.kind:
			if x.Part.Replace {
				c.parts = nil
			}
			c.parts = append(c.parts, committed{x.Part.Blob, at})
			bulk[at] = x.Part.Rows
		case x.Cleared != nil && x.Cleared.Type == c.kind:
			c.schema, c.parts, c.since, live = nil, nil, at, 0
		case x.Schema != nil && x.Schema.Type == c.kind:
			c.schema, err = dataset.ParseSchema(x.Schema.Text, x.Schema.Domain)
		case x.Forgotten != nil:
			c.gone.Note(at, x.Forgotten)
		case c.entity(x) != nil:
			live++
		case c.event(x) != nil:
			live++
			if x.Interaction != nil && x.Interaction.User == "" {
				anonymous[x.Interaction.Session] = true
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	if c.schema == nil {
		return fmt.Errorf("the log has no schema for %s", c.kind)
	}
	if m.put {
		c.rows = live
	}
	if m.bulk {
		for _, p := range c.parts {
			c.rows += bulk[p.seq]
		}
	}
	c.owners = history.NewOwners(nil)
	if m.put && len(anonymous) > 0 {
		c.owners, err = history.FindOwners(ctx, c.log, c.blobs, c.offset, anonymous)
	}
	return err
}

// entity gives the record that a change puts into the dataset, if it does.
func (c *content) entity(x *dataset.Change) *dataset.Entity {
	switch c.kind {
	case dataset.Items:
		return x.Item
	case dataset.Users:
		return x.User
	case dataset.Actions:
		return x.Action
	}
	return nil
}

// event gives the event that a change puts into the dataset, if it does.
func (c *content) event(x *dataset.Change) *dataset.Interaction {
	switch c.kind {
	case dataset.Interactions:
		return x.Interaction
	case dataset.ActionInteractions:
		return x.ActionInteraction
	}
	return nil
}

// records calls f with every record of one share of the dataset, imported ones
// first: key is its user or item, by whose hash it is in share k of n. row is
// only good during the call.
func (c *content) records(ctx context.Context, m mode, k, n uint64, f func(at place, key string, row dataset.Row) error) error {
	if m.bulk {
		for _, p := range c.parts {
			if err := c.part(ctx, p, k, n, f); err != nil {
				return err
			}
		}
	}
	if !m.put {
		return nil
	}
	var buf dataset.Row
	c.owners.BeginLast()
	return c.each(ctx, c.since, func(at eventlog.Offset, x *dataset.Change) error {
		key, row := "", dataset.Row(nil)
		if e := c.entity(x); e != nil {
			key, row = e.ID, e.Row
		} else if e := c.event(x); e != nil {
			if !c.owners.See(e) {
				return nil
			}
			key = c.owners.Owner(e)
			buf = e.Row(c.schema, key, buf)
			row = buf
		} else {
			if x.Visit != nil {
				c.owners.See(x.Visit)
			}
			return nil
		}
		if share(key, n) != k || c.forgotten(key, itemOf(x), at) {
			return nil
		}
		return f(place{at, 0}, key, row)
	})
}

// forgotten says whether the user or the item of a record was deleted since; item is
// that of an interaction.
func (c *content) forgotten(key, item string, at eventlog.Offset) bool {
	switch c.kind {
	case dataset.Items:
		return c.gone.Item(key, at)
	case dataset.Actions:
		return false
	}
	return c.gone.User(key, at) || item != "" && c.gone.Item(item, at)
}

// itemOf gives the item of an interaction, "" of other changes.
func itemOf(x *dataset.Change) string {
	if x.Interaction == nil {
		return ""
	}
	return x.Interaction.Item
}

func (c *content) part(ctx context.Context, from committed, k, n uint64, f func(at place, key string, row dataset.Row) error) error {
	p, err := c.open(ctx, from.blob, c.schema)
	if err != nil {
		return err
	}
	var buf dataset.Row
	for r := range int(p.Rows) {
		if r%4096 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		key, item := "", ""
		if p.IDs != nil {
			key = p.IDs[r]
		} else {
			key = p.UserIDs[p.Users[r]]
		}
		if c.kind == dataset.Interactions {
			item = p.ItemIDs[p.Items[r]]
		}
		if share(key, n) != k || c.forgotten(key, item, from.seq) {
			continue
		}
		buf = p.Row(c.schema, r, buf)
		if err := f(place{from.seq, r}, key, buf); err != nil {
			return err
		}
	}
	return nil
}

func (c *content) open(ctx context.Context, name string, s *dataset.Schema) (*dataset.Part, error) {
	r, err := c.blobs.Open(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("part %q: %w", name, errReplaced)
	}
	if err != nil {
		return nil, err
	}
	defer r.Close()
	part, err := dataset.ReadPart(r, r.Size(), s)
	if err != nil {
		return nil, fmt.Errorf("part %q: %w", name, err)
	}
	return part, nil
}

// share gives the share of n that a key belongs to.
func share(key string, n uint64) uint64 {
	if n == 1 {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(key)) // a hash never fails
	return h.Sum64() % n
}
