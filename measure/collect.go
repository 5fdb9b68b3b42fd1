package measure

import (
	"cmp"
	"context"
	"hash/maphash"
	"io"
	"math"

	"usher/dataset"
	"usher/eventlog"
)

// collector works out the statistics of one group.
type collector struct {
	*contents
	opt  Options
	snap *dataset.Snapshot
}

// dataset describes one dataset that exists.
func (c *collector) dataset(ctx context.Context, t dataset.Type) (*DatasetStatistics, error) {
	out := newGathered(c.schemas[t])
	switch t {
	case dataset.Interactions:
		return c.interactions(ctx, out)
	case dataset.Items:
		idle := c.records(out, c.snap.ItemTable, c.snap.ItemIDs, c.itemEvents())
		return out.statistics(&idle), nil
	case dataset.Users:
		idle := c.records(out, c.snap.UserTable, c.snap.UserIDs, c.userEvents())
		return out.statistics(&idle), nil
	case dataset.Actions:
		err := c.actions(ctx, out)
		return out.statistics(nil), err
	}
	return c.acted(ctx, out)
}

// acted describes what users did with actions. Rows that repeat another in all columns
// count once.
func (c *collector) acted(ctx context.Context, out *gathered) (*DatasetStatistics, error) {
	s := out.schema
	met := repeats{}
	var line []byte
	add := func(r dataset.Row) {
		line = s.AppendCSV(line[:0], r)
		if !met.metHash(maphash.Bytes(hashSeed, line)) {
			out.row(r)
		}
	}
	var buf dataset.Row
	err := c.allParts(ctx, s.Type, func(p *dataset.Part, at eventlog.Offset) {
		for r := range int(p.Rows) {
			if c.gone.User(p.UserIDs[p.Users[r]], at) {
				continue
			}
			buf = p.Row(s, r, buf)
			add(buf)
		}
	})
	if err != nil {
		return nil, err
	}
	err = c.events(ctx, s.Type, func(x *dataset.Interaction) {
		buf = x.Row(s, cmp.Or(x.User, x.Session), buf)
		add(buf)
	})
	return out.statistics(nil), err
}

// gathered is what is known of a dataset while it is being read.
type gathered struct {
	schema     *dataset.Schema
	columns    []*column
	rows       int64
	incomplete int64
}

func newGathered(s *dataset.Schema) *gathered {
	g := &gathered{schema: s}
	for _, f := range s.Fields {
		g.columns = append(g.columns, newColumn(f))
	}
	return g
}

// row takes a whole record; cells behind its end are null.
func (g *gathered) row(r dataset.Row) {
	g.rows++
	lacks := false
	for i, c := range g.columns {
		v := dataset.Value{}
		if i < len(r) {
			v = r[i]
		}
		c.add(v)
		lacks = lacks || v.Kind == ""
	}
	if lacks {
		g.incomplete++
	}
}

func (g *gathered) statistics(idle *int64) *DatasetStatistics {
	out := &DatasetStatistics{Type: g.schema.Type, Rows: g.rows, Incomplete: g.incomplete, Idle: idle}
	for _, c := range g.columns {
		out.Columns = append(out.Columns, c.statistics())
	}
	return out
}

// records takes the records of items or users, and counts those without events.
func (c *collector) records(out *gathered, t *dataset.Table, ids []string, events []int64) (idle int64) {
	for i := range ids {
		r := t.Row(dataset.Index(i))
		if r == nil {
			continue
		}
		out.row(r)
		if events[i] == 0 {
			idle++
		}
	}
	return idle
}

func (c *collector) itemEvents() []int64 {
	n := make([]int64, c.snap.Items())
	for i := range c.snap.Events {
		n[c.snap.Events[i].Item]++
	}
	return n
}

func (c *collector) userEvents() []int64 {
	n := make([]int64, c.snap.Users())
	for u := range n {
		n[u] = int64(len(c.snap.History(dataset.Index(u))))
	}
	return n
}

// actions takes the newest record of each action.
func (c *collector) actions(ctx context.Context, out *gathered) error {
	type placed struct {
		row dataset.Row
		at  eventlog.Offset
	}
	newest := map[string]placed{}
	err := c.allParts(ctx, dataset.Actions, func(p *dataset.Part, at eventlog.Offset) {
		for r, id := range p.IDs {
			newest[id] = placed{p.Cells[r], at}
		}
	})
	if err != nil {
		return err
	}
	err = c.each(ctx, c.since[dataset.Actions], func(at eventlog.Offset, x *dataset.Change) error {
		if x.Action != nil && newest[x.Action.ID].at < at {
			newest[x.Action.ID] = placed{x.Action.Row, at}
		}
		return nil
	})
	for _, p := range newest {
		out.row(p.row)
	}
	return err
}

// allParts calls f with each part of a dataset that counts.
func (c *collector) allParts(ctx context.Context, t dataset.Type, f func(p *dataset.Part, at eventlog.Offset)) error {
	for _, from := range c.parts[t] {
		p, err := c.part(ctx, from.blob, func(r io.ReaderAt, size int64) (*dataset.Part, error) {
			return dataset.ReadPart(r, size, c.schemas[t])
		})
		if err != nil {
			return err
		}
		f(p, from.at)
	}
	return nil
}

func (c *collector) part(ctx context.Context, name string, read func(r io.ReaderAt, size int64) (*dataset.Part, error)) (*dataset.Part, error) {
	r, err := c.opt.Blobs.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return read(r, r.Size())
}

// interactions describes the interactions: what all of them have as history knows
// it, the customer's own columns as they came.
func (c *collector) interactions(ctx context.Context, out *gathered) (*DatasetStatistics, error) {
	visitors, err := c.visitors(ctx)
	if err != nil {
		return nil, err
	}
	s := out.schema
	if err := c.further(ctx, out); err != nil {
		return nil, err
	}
	stats := c.known(out, visitors)
	sum := out.statistics(nil)
	sum.Rows, sum.Interactions = int64(len(c.snap.Events)), stats
	for i := range sum.Columns { // of ids there may be more than are counted one by one
		switch i {
		case s.Column("USER_ID"):
			sum.Columns[i].Top = topOf(c.snap.UserIDs, c.userEvents())
		case s.Column("ITEM_ID"):
			sum.Columns[i].Top = topOf(c.snap.ItemIDs, c.itemEvents())
		}
	}
	return sum, nil
}

// known takes the columns that history keeps of all interactions.
func (c *collector) known(out *gathered, visitors []bool) *InteractionStatistics {
	s, stats := out.schema, &InteractionStatistics{}
	col := func(name string) *column {
		if i := s.Column(name); i >= 0 {
			return out.columns[i]
		}
		return newColumn(dataset.Field{Name: name, Kind: dataset.Double}) // that nobody sees
	}
	users, items, types, times, values := col("USER_ID"), col("ITEM_ID"), col("EVENT_TYPE"), col("TIMESTAMP"), col("EVENT_VALUE")
	for u, n := range c.userEvents() {
		switch {
		case n == 0:
			continue
		case visitors[u]:
			stats.Anonymous += n
		default:
			stats.Users++
			if n > 1 {
				stats.Repeated++
			}
		}
		users.values += n
		users.count(c.snap.UserIDs[u], n)
	}
	for i, n := range c.itemEvents() {
		if n > 0 {
			stats.Items++
			items.values += n
			items.count(c.snap.ItemIDs[i], n)
		}
	}
	ofType := make([]int64, len(c.snap.EventTypes))
	for i := range c.snap.Events {
		e := &c.snap.Events[i]
		ofType[e.Type]++
		times.number(float64(e.Time))
		if math.IsNaN(float64(e.Value)) {
			values.missing++
		} else {
			values.number(float64(e.Value))
		}
	}
	for i, n := range ofType {
		if name := c.snap.EventTypes[i]; n > 0 && name != "" {
			stats.EventTypes++
			types.values += n
			types.count(name, n)
		}
	}
	return stats
}

// visitors says of each user whether it is only known as a session.
func (c *collector) visitors(ctx context.Context) ([]bool, error) {
	out := make([]bool, c.snap.Users())
	if len(c.anonymous) == 0 {
		return out, nil
	}
	named := map[string]bool{}
	for _, from := range c.parts[dataset.Interactions] {
		p, err := c.part(ctx, from.blob, func(r io.ReaderAt, size int64) (*dataset.Part, error) {
			return dataset.ReadPartIDs(r, size, c.schemas[dataset.Interactions])
		})
		if err != nil {
			return nil, err
		}
		for _, id := range p.UserIDs {
			named[id] = c.anonymous[id]
		}
	}
	err := c.events(ctx, dataset.Interactions, func(x *dataset.Interaction) { named[x.User] = true })
	for u, id := range c.snap.UserIDs {
		recorded := c.snap.UserTable != nil && c.snap.UserTable.Row(dataset.Index(u)) != nil
		out[u] = c.anonymous[id] && !named[id] && !recorded
	}
	return out, err
}

// plain are the columns of interactions that history has.
var plain = map[string]bool{"USER_ID": true, "ITEM_ID": true, "TIMESTAMP": true, "EVENT_TYPE": true, "EVENT_VALUE": true}

// further takes the columns that only parts and log have, and counts rows that lack
// a value.
func (c *collector) further(ctx context.Context, out *gathered) error {
	met := c.repeats()
	for _, from := range c.parts[dataset.Interactions] {
		again, err := met.of(ctx, c, from)
		if err != nil {
			return err
		}
		if err := c.furtherOf(ctx, out, from, again); err != nil {
			return err
		}
	}
	s := out.schema
	var buf dataset.Row
	return c.events(ctx, dataset.Interactions, func(x *dataset.Interaction) {
		if met.has(s, x) {
			return
		}
		buf = x.Row(s, cmp.Or(x.User, x.Session), buf)
		lacks := false
		for i, v := range buf {
			if !plain[s.Fields[i].Name] {
				out.columns[i].add(v)
			}
			lacks = lacks || v.Kind == ""
		}
		if lacks {
			out.incomplete++
		}
	})
}

// furtherOf is further of one part, without the rows that repeat another.
func (c *collector) furtherOf(ctx context.Context, out *gathered, from committed, again func(row int) bool) error {
	s := out.schema
	var lacks []bool
	seen := make([]int64, len(s.Fields))
	p, err := c.part(ctx, from.blob, func(r io.ReaderAt, size int64) (*dataset.Part, error) {
		return dataset.VisitPart(r, size, s, func(row, field int, v dataset.Value) {
			seen[field]++
			for row >= len(lacks) {
				lacks = append(lacks, false)
			}
			lacks[row] = lacks[row] || v.Kind == ""
			if !again(row) {
				out.columns[field].add(v)
			}
		})
	})
	if err != nil {
		return err
	}
	var absent []*column // that came after the part: every row lacks them
	for i, f := range s.Fields {
		if !plain[f.Name] && seen[i] == 0 {
			absent = append(absent, out.columns[i])
		}
	}
	for row := range int(p.Rows) {
		if again(row) {
			continue
		}
		for _, col := range absent {
			col.missing++
		}
		if len(absent) > 0 || row < len(lacks) && lacks[row] || p.Values != nil && math.IsNaN(float64(p.Values[row])) {
			out.incomplete++
		}
	}
	return nil
}

// topOf gives the ids with the most events.
func topOf(ids []string, n []int64) []ValueCount {
	least := int64(0) // as in the list so far
	counts := map[string]int64{}
	for i, k := range n {
		if k <= least {
			continue
		}
		counts[ids[i]] = k
		if len(counts) > 50*topMost {
			best := top(counts)
			clear(counts)
			for _, v := range best {
				counts[v.Value] = v.Count
			}
			least = best[len(best)-1].Count - 1
		}
	}
	return top(counts)
}
