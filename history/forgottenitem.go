package history

import (
	"slices"

	"usher/dataset"
)

// withoutItems prepares that items are unknown: their numbers stay without an id,
// and their events and records are gone. Sessions stay whose they are: a join that
// an event of such an item made is not undone.
func (g *Group) withoutItems(ids []string) (change func()) {
	m := &g.mu
	var items flags
	var gone []dataset.Index
	for _, id := range ids {
		if i := m.items.Index(id); i != dataset.NoIndex && !items.has(i) {
			items.set(i)
			gone = append(gone, i)
		}
	}
	shown := m.shown.withoutItems(ids, m.past.erased)
	if len(gone) == 0 {
		return shown
	}
	bulk := m.past.bulk.withoutItems(items)
	put := m.past.live.folded(m.past.erased)
	put.packed = *put.packed.withoutItems(items)
	return func() {
		m.items.Erase(gone)
		m.holes = slices.Concat(m.holes, gone) // others hold the old ones
		m.past.bulk, m.past.live = *bulk, put
		shown()
		t := m.tables[dataset.Items]
		t.forget(gone)
		g.renew(t)
	}
}

// withoutItems gives p without the events of some items; p itself if there are none.
func (p *packed) withoutItems(items flags) *packed {
	if !slices.ContainsFunc(p.items, func(i uint32) bool { return items.has(dataset.Index(i)) }) {
		return p
	}
	k := newPacker(p.users(), p.len())
	var list []event
	for u := range dataset.Index(p.users()) {
		list = slices.DeleteFunc(p.of(u, list[:0]), func(e event) bool { return items.has(e.Item) })
		k.add(list)
	}
	return &k.out
}
