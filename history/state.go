package history

import (
	"errors"
	"maps"
	"slices"

	"usher/dataset"
	"usher/eventlog"
)

// state is all that a Group knows at one offset of its log, detached from the
// group: what is saved, and what a start begins from instead of the first record.
// Numbers are part of it, so once it is saved the log is not needed for I1 any more.
type state struct {
	offset              eventlog.Offset
	users, items, types []string // by number; "" for what was erased
	schemas             []dataset.SchemaSet
	past                *interactions
	shown               frozenShown
	own                 moments
	named               flags
	sessions            map[string]dataset.Index
	seen                EventIDs
	tables              map[dataset.Type]*records
	work                int64 // of the group when it was detached
}

// tableTypes are the datasets with records, in the order in which they are saved.
var tableTypes = []dataset.Type{dataset.Items, dataset.Users}

var errIncomplete = errors.New("a part that counts is gone, and the record that replaces it is to come")

// state detaches what the group knows now. What is large is shared: it does not
// change.
func (g *Group) state() (*state, error) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	m := &g.mu
	if m.err != nil {
		return nil, m.err
	}
	if m.incomplete {
		return nil, errIncomplete
	}
	s := &state{
		offset: m.applied, users: m.users.IDs(), items: m.items.IDs(), types: m.types.IDs(),
		past: m.past.frozen(), shown: m.shown.frozen(), own: m.own, named: slices.Clone(m.named), sessions: maps.Clone(m.sessions),
		seen: EventIDs{young: maps.Clone(m.seen.young), old: m.seen.old}, tables: map[dataset.Type]*records{},
		work: m.work,
	}
	for _, t := range slices.Sorted(maps.Keys(m.texts)) {
		s.schemas = append(s.schemas, m.texts[t])
	}
	for _, t := range tableTypes {
		s.tables[t] = &records{bulk: m.tables[t].bulk, single: maps.Clone(m.tables[t].single)}
	}
	return s, nil
}

// begin makes a new group know what a state does.
func (g *Group) begin(s *state) error {
	m := &g.mu
	m.applied = s.offset
	m.users, m.items = dataset.DictOf(s.users), dataset.DictOf(s.items)
	m.holes = holesIn(s.items)
	for _, t := range s.types { // "" is one
		m.types.Intern(t)
	}
	m.shown = shown{dataset.DictOf(s.shown.ids), s.shown.exposures}
	m.shown.live.most = exposuresOf(m.users.Len())
	m.past, m.named, m.sessions, m.seen = *s.past, s.named, s.sessions, s.seen
	m.gone = m.past.erased.count()
	g.moments = indexOf(s.own)
	m.own = g.moments.frozen()
	for _, set := range s.schemas {
		parsed, err := dataset.ParseSchema(set.Text, set.Domain)
		if err != nil {
			return err
		}
		m.schemas[set.Type], m.texts[set.Type] = parsed, set
		if set.Type == dataset.Interactions {
			g.moments.under(parsed)
			m.own = g.moments.frozen()
		}
	}
	for _, t := range tableTypes {
		r := s.tables[t]
		r.schema = m.schemas[t]
		r.filters = r.prepare(r.bulk)
		m.tables[t] = r
	}
	return nil
}

// Saved is a state that was written.
type Saved struct {
	Offset eventlog.Offset // of the log; all up to here is in it
	work   int64
}

// Stored tells the group that the log names a state that it wrote.
func (g *Group) Stored(s Saved) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mu.work -= s.work
	g.mu.asked = 0
}

// Due says whether a start would take so long, by what has come since the last
// state, that another one is worth its bytes: each holds all there is, so the more
// there is the more is waited for.
func (g *Group) Due() bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.due()
}

// DefaultWork is Options.Work unless that is given: applying so much takes less than
// a second.
const DefaultWork = 1 << 18

func (g *Group) due() bool {
	m := &g.mu
	size := m.past.bulk.len() + m.past.live.packed.len()
	return m.work >= g.workLeast+int64(size)/16
}

// asks says whether grown is to be told: when a state is due, and again when as
// much has come in vain. g.mu is held.
func (g *Group) asks() bool {
	m := &g.mu
	if g.grown == nil || !g.due() || m.work < m.asked {
		return false
	}
	m.asked = m.work + g.workLeast
	return true
}
