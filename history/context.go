package history

import (
	"context"
	"fmt"
	"math"
	"slices"

	"usher/dataset"
	"usher/eventlog"
)

// Contexts adds to a snapshot of the group what its log says of the moments of the
// events: the customer's own columns of interactions. The group does not keep these,
// for no answer needs them, so parts and records are read again.
func (g *Group) Contexts(ctx context.Context, s *dataset.Snapshot) error {
	schema := g.Schema(dataset.Interactions)
	if schema == nil {
		return nil
	}
	contexts := dataset.NewContexts(schema)
	if contexts == nil {
		return nil
	}
	m := &moments{group: g, snapshot: s, contexts: contexts, types: map[string]uint16{}}
	for i, t := range s.EventTypes {
		m.types[t] = uint16(i)
	}
	var parts []*dataset.PartCommitted
	err := EachChange(ctx, g.log, 0, eventlog.Offset(s.Offset), func(_ eventlog.Offset, c *dataset.Change) error {
		switch {
		case c.Part != nil && c.Part.Type == dataset.Interactions:
			if c.Part.Replace {
				parts = nil
			}
			parts = append(parts, c.Part)
		case c.Cleared != nil && c.Cleared.Type == dataset.Interactions:
			parts = nil
			m.forget()
		case c.Interaction != nil:
			m.put(c.Interaction)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read contexts: %w", err)
	}
	for _, p := range parts {
		if err := m.part(ctx, p, schema); err != nil {
			return fmt.Errorf("read contexts: part %q: %w", p.Blob, err)
		}
	}
	s.ContextTable = contexts.Table()
	return nil
}

// moments finds the events of a snapshot again.
type moments struct {
	group    *Group
	snapshot *dataset.Snapshot
	contexts *dataset.Contexts
	types    map[string]uint16
}

func (m *moments) forget() {
	for i := range m.snapshot.Events {
		m.snapshot.Events[i].Context = 0
	}
}

// put takes a live event.
func (m *moments) put(x *dataset.Interaction) {
	n := m.contexts.Number(x.Properties)
	if n == 0 {
		return
	}
	id := x.User
	if id == "" {
		id = x.Session
	}
	e := dataset.Event{Time: x.Time, Item: m.group.Item(x.Item), Value: float32(math.NaN()), Type: m.types[x.Type], Context: n}
	if x.Value != nil {
		e.Value = float32(*x.Value)
	}
	m.set(m.group.User(id), e)
}

// set says of the event that is like another, and of which nothing is known, what is
// known of that one.
func (m *moments) set(u dataset.Index, like dataset.Event) {
	if u == dataset.NoIndex || int(u) >= m.snapshot.Users() {
		return
	}
	h := m.snapshot.History(u)
	at, _ := slices.BinarySearchFunc(h, like.Time, func(e dataset.Event, t int64) int {
		if e.Time < t {
			return -1
		}
		return 1
	})
	for ; at < len(h) && h[at].Time == like.Time; at++ {
		e := &h[at]
		if e.Context == 0 && e.Item == like.Item && e.Type == like.Type && math.Float32bits(e.Value) == math.Float32bits(like.Value) {
			e.Context = like.Context
			return
		}
	}
}

// part takes the events of a part.
func (m *moments) part(ctx context.Context, c *dataset.PartCommitted, schema *dataset.Schema) error {
	r, err := m.group.blobs.Open(ctx, c.Blob)
	if err != nil {
		return err
	}
	defer r.Close()
	said := tuples{values: map[dataset.Value]uint32{}, known: map[tuple]uint32{}, of: make([]uint32, c.Rows), list: make([]tuple, 1)}
	wanted := make([]bool, len(schema.Fields))
	for _, f := range schema.ContextColumns() {
		wanted[f] = true
	}
	p, err := dataset.VisitPart(r, r.Size(), schema, func(row, field int, v dataset.Value) {
		if wanted[field] && v.Kind != "" && row < len(said.of) {
			said.add(row, field, v.Rounded())
		}
	})
	if err != nil {
		return err
	}
	numbers := said.numbers(m.contexts, len(schema.Fields))
	users, items, types := make([]dataset.Index, len(p.UserIDs)), make([]dataset.Index, len(p.ItemIDs)), make([]uint16, len(p.EventTypes))
	for i, id := range p.UserIDs {
		users[i] = m.group.User(id)
	}
	for i, id := range p.ItemIDs {
		items[i] = m.group.Item(id)
	}
	for i, t := range p.EventTypes {
		types[i] = m.types[t]
	}
	rows := &rows{p: p, item: items, types: types, none: m.types[""]}
	for i := range p.Users {
		if n := numbers[said.of[i]]; n != 0 {
			e := rows.event(int32(i)).Event
			e.Context = n
			m.set(users[p.Users[i]], e)
		}
		if i%8192 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

// tuples are combinations of cells by their numbers, grown column by column, so that
// a row takes one number however many columns there are.
type tuples struct {
	values map[dataset.Value]uint32 // of all columns
	cells  []dataset.Value          // by number
	known  map[tuple]uint32
	list   []tuple                  // by number; 0 is empty
	of     []uint32                 // (rows)
}

// tuple is another one with a cell more.
type tuple struct {
	less  uint32
	field int
	cell  uint32
}

func (t *tuples) add(row, field int, v dataset.Value) {
	cell, ok := t.values[v]
	if !ok {
		cell = uint32(len(t.cells))
		t.values[v] = cell
		t.cells = append(t.cells, v)
	}
	next := tuple{t.of[row], field, cell}
	n, ok := t.known[next]
	if !ok {
		n = uint32(len(t.list))
		t.known[next] = n
		t.list = append(t.list, next)
	}
	t.of[row] = n
}

// numbers gives each tuple its number among the moments of all parts and records.
func (t *tuples) numbers(c *dataset.Contexts, fields int) []uint32 {
	out, used := make([]uint32, len(t.list)), make([]bool, len(t.list))
	for _, n := range t.of {
		used[n] = true
	}
	row := make(dataset.Row, fields)
	for n := 1; n < len(t.list); n++ {
		if !used[n] { // others begin with it
			continue
		}
		clear(row)
		for at := uint32(n); at != 0; at = t.list[at].less {
			row[t.list[at].field] = t.cells[t.list[at].cell]
		}
		out[n] = c.Number(row)
	}
	return out
}
