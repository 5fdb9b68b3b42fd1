package history

import (
	"slices"

	"usher/dataset"
	"usher/filter"
)

// changedMost is how many records may change before a table is prepared anew
// beside requests: so many are judged one by one in a fraction of a millisecond.
const changedMost = 4096

// prepared is what filters look at: a table that was prepared at some moment and
// what changed since, oldest first. Group.mu guards it; a view that was given
// away stays as it is, because changes are only ever written behind its end.
type prepared struct {
	table   *filter.Table
	changed []filter.Change
	renewed bool // the table is being prepared anew
}

// newPrepared gives what filters look at before the first record.
func newPrepared(s *dataset.Schema) prepared {
	return prepared{table: filter.NewTable(dataset.NewTable(s), 0)}
}

// most is how many changes are borne. A table whose columns nobody has asked for
// is cheap to carry on with, and copying it often would not be.
func (p *prepared) most() int {
	if p.table.Used() {
		return changedMost
	}
	return max(changedMost, p.table.Len()/4)
}

// renew prepares a table anew beside requests, when too much has changed since.
// g.mu is held.
func (g *Group) renew(t *records) {
	if t.filters.renewed || len(t.filters.changed) < t.filters.most() {
		return
	}
	old, changed := t.filters.table, t.filters.changed
	t.filters.renewed = true
	g.renewals.Go(func() {
		next := old.With(changed)
		g.mu.Lock()
		defer g.mu.Unlock()
		if t.filters.table == old { // else all records were replaced meanwhile
			t.filters.table, t.filters.changed = next, slices.Clone(t.filters.changed[len(changed):])
		}
		t.filters.renewed = false
		g.renew(t) // as much may have come meanwhile
	})
}

// rowsOf gives how many numbers the rows of a table take.
func rowsOf(t *records, bulk map[dataset.Index]numbered) int {
	n := dataset.Index(0)
	for i := range bulk {
		n = max(n, i+1)
	}
	for i := range t.single {
		n = max(n, i+1)
	}
	return int(n)
}

// prepare makes what filters look at from the rows that count. Nobody has asked
// for columns yet, so it is as dear as a copy of the table.
func (t *records) prepare(bulk map[dataset.Index]numbered) prepared {
	rows := &records{schema: t.schema, bulk: bulk, single: t.single}
	return prepared{table: filter.NewTable(rows.freeze(), rowsOf(t, bulk))}
}

// View gives what filters look at, as of now, and how many items there are.
func (g *Group) View() (v *filter.View, items int) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	m := &g.mu
	own := m.own
	v = &filter.View{
		Schemas:    make(filter.Schemas, len(m.schemas)),
		Items:      g.records(dataset.Items, g.Item),
		Users:      g.records(dataset.Users, g.User),
		Events:     g.Events,
		EventTypes: m.types.IDs(),
		Moments:    &own,
	}
	for t, s := range m.schemas {
		v.Schemas[t] = s
	}
	return v, m.items.Len()
}

// records gives the records of items or users. g.mu is held for reading.
func (g *Group) records(t dataset.Type, number func(string) dataset.Index) filter.Records {
	p := &g.mu.tables[t].filters
	return filter.Records{
		Table: p.table, Changed: p.changed[:len(p.changed):len(p.changed)], Number: number,
		Row: func(i dataset.Index) dataset.Row { return g.Row(t, i) },
	}
}

// Row gives the record of an item or user, nil when there is none. Its cells are
// in the order of the fields of Schema(t).
func (g *Group) Row(t dataset.Type, i dataset.Index) dataset.Row {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if r := g.mu.tables[t]; r != nil {
		return r.row(i)
	}
	return nil
}
