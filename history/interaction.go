package history

import (
	"hash/fnv"
	"math"
	"slices"

	"usher/dataset"
)

// interaction applies one live event. g.mu is held.
func (g *Group) interaction(x *dataset.Interaction) {
	m := &g.mu
	if x.EventID != "" { // AWS: later events with the same eventId do not count
		h := fnv.New128a()
		_, _ = h.Write([]byte(x.EventID)) // a hash never fails
		key := [16]byte(h.Sum(nil))
		if _, seen := m.eventIDs[key]; seen {
			return
		}
		m.eventIDs[key] = struct{}{}
	}
	u := g.owner(x)
	e := dataset.Event{Time: x.Time, Item: m.items.Intern(x.Item), Value: float32(math.NaN()), Type: g.eventType(x.Type)}
	if x.Value != nil {
		e.Value = float32(*x.Value)
	}
	for int(u) >= len(m.live) {
		m.live = append(m.live, nil)
		m.merged = append(m.merged, nil)
	}
	m.live[u] = insert(m.live[u], e)
	if m.merged[u] == nil {
		m.merged[u] = merge(m.bulk.of(u), m.live[u])
	} else {
		m.merged[u] = insert(m.merged[u], e)
	}
}

// owner gives the user of an event and joins its session. g.mu is held.
func (g *Group) owner(x *dataset.Interaction) dataset.Index {
	m := &g.mu
	if x.User == "" {
		if u, ok := m.sessions[x.Session]; ok {
			return u
		}
		u := m.users.Index(x.Session)
		if u == dataset.NoIndex {
			u = m.users.Intern(x.Session)
			m.visitors[u] = true
		}
		return u
	}
	u := m.users.Intern(x.User)
	delete(m.visitors, u)
	if x.Session == "" || x.Session == x.User {
		return u
	}
	m.sessions[x.Session] = u
	if s := m.users.Index(x.Session); s != dataset.NoIndex && s != u && m.visitors[s] && int(s) < len(m.live) {
		for int(u) >= len(m.live) {
			m.live = append(m.live, nil)
			m.merged = append(m.merged, nil)
		}
		m.live[u] = merge(m.live[u], m.live[s])
		m.merged[u] = merge(m.bulk.of(u), m.live[u])
		m.live[s], m.merged[s] = nil, nil
	}
	return u
}

// events gives the one list of a user. g.mu is held for reading.
func (g *Group) events(u dataset.Index) []dataset.Event {
	if int(u) < len(g.mu.merged) && g.mu.merged[u] != nil {
		l := g.mu.merged[u]
		return l[:len(l):len(l)]
	}
	return g.mu.bulk.of(u)
}

// mergeAll makes the lists of users with live events anew. g.mu is held.
func (g *Group) mergeAll() {
	for u, l := range g.mu.live {
		if len(l) > 0 {
			g.mu.merged[u] = merge(g.mu.bulk.of(dataset.Index(u)), l)
		}
	}
}

// insert puts e behind the events that are not newer. Readers may hold l: it is
// only ever written behind its length. An exact repeat is dropped.
func insert(l []dataset.Event, e dataset.Event) []dataset.Event {
	i := len(l)
	for i > 0 && l[i-1].Time > e.Time {
		i--
	}
	for j := i; j > 0 && l[j-1].Time == e.Time; j-- {
		if same(l[j-1], e) {
			return l
		}
	}
	if i == len(l) {
		return append(l, e)
	}
	return slices.Concat(l[:i], []dataset.Event{e}, l[i:])
}

// merge makes one list of two, each oldest first; at equal times a comes first.
// Exact repeats across the two are dropped.
func merge(a, b []dataset.Event) []dataset.Event {
	if len(b) == 0 {
		return a
	}
	out := make([]dataset.Event, 0, len(a)+len(b)+4)
	for len(a) > 0 && len(b) > 0 {
		if a[0].Time <= b[0].Time {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = insert(out, b[0]), b[1:]
		}
	}
	out = append(out, a...)
	for _, e := range b {
		out = insert(out, e)
	}
	return out
}

// same says whether two events are equal in all they carry.
func same(a, b dataset.Event) bool {
	return a.Time == b.Time && a.Item == b.Item && a.Type == b.Type &&
		math.Float32bits(a.Value) == math.Float32bits(b.Value)
}
