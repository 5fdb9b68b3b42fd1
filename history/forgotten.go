package history

import (
	"slices"

	"usher/dataset"
	"usher/filter"
)

// forget makes users unknown. Their numbers stay without an id, whatever is left of
// them under these does not count any more, and the next state does not have it.
// The ids of their sessions go too. g.mu is held.
func (g *Group) forget(ids []string) {
	m := &g.mu
	var gone []dataset.Index
	var users flags
	for _, id := range ids {
		if u := m.users.Index(id); u != dataset.NoIndex && !users.has(u) {
			users.set(u)
			gone = append(gone, u)
		}
	}
	if len(gone) == 0 {
		return
	}
	for id, u := range m.sessions {
		if !users.has(u) {
			continue
		}
		delete(m.sessions, id)
		if s := m.users.Index(id); s != dataset.NoIndex && !m.named.has(s) {
			gone = append(gone, s)
		}
	}
	slices.Sort(gone)
	gone = slices.Compact(gone)
	m.users.Erase(gone)
	m.gone += len(gone)
	t := m.tables[dataset.Users]
	for _, u := range gone {
		m.past.erased.set(u)
		m.past.live.drop(u)
		m.shown.live.drop(u)
	}
	t.forget(gone)
	g.renew(t)
}

// drop forgets the tail of a user.
func (l *live) drop(u dataset.Index) {
	if int(u) < len(l.tail) {
		l.size -= len(l.tail[u])
		l.tail[u] = nil
	}
}

// forget removes records. Others hold the old bulk rows.
func (t *records) forget(gone []dataset.Index) {
	bulk := make(map[dataset.Index]numbered, len(t.bulk))
	for i, n := range t.bulk {
		bulk[i] = n
	}
	for _, i := range gone {
		if t.row(i) != nil {
			t.filters.changed = append(t.filters.changed, filter.Change{Index: i})
		}
		delete(bulk, i)
		delete(t.single, i)
	}
	t.bulk = bulk
}

// Known counts what is known of a user: events, and the record of the Users
// dataset. Zero: nothing, or no such user.
func (g *Group) Known(user string) (n int) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	u := g.mu.users.Index(user)
	if u == dataset.NoIndex {
		return 0
	}
	n = g.mu.past.bulk.count(u) + g.mu.past.live.count(u)
	if g.mu.tables[dataset.Users].row(u) != nil {
		n++
	}
	return n
}
