package history

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"usher/dataset"
	"usher/eventlog"
)

// Of a part that a later FULL import replaces, or that was cleared, only the
// numbers remain that it gave (I1). When a group is loaded such parts are known
// before: their ids are read and nothing else, so that a start does not cost more
// with each FULL import. Package ingest puts an id file in the place of such a part
// when the record that replaces it is in the log; who comes to the part before that
// record takes the id file, and is not loaded before it has applied the record.

// Replaced gives the offsets of the parts in a log that a later record replaces.
func Replaced(ctx context.Context, log eventlog.Log, after eventlog.Offset) (map[eventlog.Offset]bool, error) {
	replaced := map[eventlog.Offset]bool{}
	parts := map[dataset.Type][]eventlog.Offset{} // that count
	err := EachBulk(ctx, log, after, func(offset eventlog.Offset, c *dataset.Change) error {
		var t dataset.Type
		switch {
		case c.Cleared != nil:
			t = c.Cleared.Type
		case c.Part != nil && c.Part.Replace:
			t = c.Part.Type
		}
		for _, at := range parts[t] {
			replaced[at] = true
		}
		delete(parts, t)
		if c.Part != nil {
			parts[c.Part.Type] = append(parts[c.Part.Type], offset)
		}
		return nil
	})
	return replaced, err
}

// readIDs reads a part's ids, from the id file if that is in its place.
func (g *Group) readIDs(ctx context.Context, c *dataset.PartCommitted) (*dataset.Part, error) {
	p, err := g.readPart(ctx, c, dataset.ReadPartIDs)
	if !errors.Is(err, fs.ErrNotExist) {
		return p, err
	}
	ids := *c
	ids.Blob = dataset.IDFileName(c.Blob)
	return g.readPart(ctx, &ids, func(r io.ReaderAt, size int64, _ *dataset.Schema) (*dataset.Part, error) {
		return dataset.ReadIDs(r, size)
	})
}

// numbersOf prepares the numbers of a part whose rows do not count any more.
func (g *Group) numbersOf(ctx context.Context, c *dataset.PartCommitted) (change func(), err error) {
	p, err := g.readIDs(ctx, c)
	if err != nil {
		return nil, err
	}
	m := &g.mu
	n := &numbering{newOverlay(m.users), newOverlay(m.items), newOverlay(m.types)}
	switch c.Type {
	case dataset.Interactions:
		n.users.all(p.UserIDs)
		n.items.all(p.ItemIDs)
		for _, t := range p.EventTypes {
			n.eventType(t)
		}
		if m.schemas[c.Type].Column("EVENT_TYPE") < 0 {
			n.eventType("")
		}
	case dataset.Items:
		n.items.all(p.IDs)
	case dataset.Users:
		n.users.all(p.IDs)
	}
	return func() { g.commit(c.Type, n, p) }, nil
}
