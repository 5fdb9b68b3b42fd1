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

// insert puts e behind the events that are not newer. Readers may hold l: it is
// only ever written behind its length. An exact repeat is dropped.
func insert(l []dataset.Event, e dataset.Event) []dataset.Event {
	i := len(l)
	for i > 0 && l[i-1].Time > e.Time {
		i--
	}
	switch {
	case endsWith(l[:i], e):
		return l
	case i == len(l):
		return append(l, e)
	}
	return slices.Concat(l[:i], []dataset.Event{e}, l[i:])
}

// merge makes one list of two, each oldest first; at equal times a comes first.
// What is in a is not taken from b again. The result is a itself or new.
func merge(a, b []dataset.Event) []dataset.Event {
	if len(b) == 0 {
		return a
	}
	out := make([]dataset.Event, 0, len(a)+len(b)+4)
	i := 0
	for _, e := range b {
		for i < len(a) && a[i].Time <= e.Time {
			out = append(out, a[i])
			i++
		}
		if !endsWith(a[:i], e) {
			out = append(out, e)
		}
	}
	return append(out, a[i:]...)
}

// endsWith says whether e is among the last events of l, those with its time.
func endsWith(l []dataset.Event, e dataset.Event) bool {
	for j := len(l) - 1; j >= 0 && l[j].Time == e.Time; j-- {
		if same(l[j], e) {
			return true
		}
	}
	return false
}

// same says whether two events are equal in all they carry.
func same(a, b dataset.Event) bool {
	return a.Time == b.Time && a.Item == b.Item && a.Type == b.Type &&
		math.Float32bits(a.Value) == math.Float32bits(b.Value)
}
