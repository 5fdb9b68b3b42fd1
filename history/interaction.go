package history

import (
	"math"
	"slices"

	"usher/dataset"
)

// interaction applies one live event. g.mu is held.
func (g *Group) interaction(x *dataset.Interaction) {
	m := &g.mu
	if m.seen.Repeated(x.EventID) { // AWS: later events with the same eventId do not count
		return
	}
	u := g.owner(x)
	e := event{Event: dataset.Event{Time: x.Time, Item: m.items.Intern(x.Item), Value: float32(math.NaN()), Type: g.eventType(x.Type)}}
	if x.Value != nil {
		e.Value = float32(*x.Value)
	}
	if s := m.schemas[dataset.Interactions]; s != nil {
		e.rest = x.Rest(s)
		if e.Context = g.moments.of(x, s); int(e.Context) > m.own.len() || g.moments.full != m.own.full {
			m.own = g.moments.frozen()
		}
	}
	m.past.live.put(u, e)
	m.shown.put(u, x, m.users.Len())
}

// owner gives the user of an event and joins its session. g.mu is held.
func (g *Group) owner(x *dataset.Interaction) dataset.Index {
	m := &g.mu
	if x.User == "" {
		if u, ok := m.sessions[x.Session]; ok {
			return u
		}
		return m.users.Intern(x.Session)
	}
	u := m.users.Intern(x.User)
	m.named.set(u)
	if x.Session == "" || x.Session == x.User {
		return u
	}
	m.sessions[x.Session] = u
	if s := m.users.Index(x.Session); s != dataset.NoIndex && s != u && !m.named.has(s) {
		m.past.live.move(s, u)
		m.shown.live.move(s, u)
	}
	return u
}

// insert puts e behind the events that are not newer. Readers may hold l: it is
// only ever written behind its length. An exact repeat is dropped.
func insert(l []event, e event) []event {
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
	return slices.Concat(l[:i], []event{e}, l[i:])
}

// merge makes one list of two, each oldest first; at equal times a comes first.
// What is in a is not taken from b again. The result is a itself or new.
func merge(a, b []event) []event {
	if len(b) == 0 {
		return a
	}
	out := make([]event, 0, len(a)+len(b))
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
func endsWith(l []event, e event) bool {
	for j := len(l) - 1; j >= 0 && l[j].Time == e.Time; j-- {
		if same(l[j], e) {
			return true
		}
	}
	return false
}

// same says whether two events are equal in all they carry.
func same(a, b event) bool {
	return a.Time == b.Time && a.Item == b.Item && a.Type == b.Type &&
		math.Float32bits(a.Value) == math.Float32bits(b.Value) && a.rest == b.rest
}
