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
	named               flags
	sessions            map[string]dataset.Index
	seen                EventIDs
	tables              map[dataset.Type]*records
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
		past: m.past.frozen(), named: slices.Clone(m.named), sessions: maps.Clone(m.sessions),
		seen: EventIDs{young: maps.Clone(m.seen.young), old: m.seen.old}, tables: map[dataset.Type]*records{},
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
	for _, t := range s.types { // "" is one
		m.types.Intern(t)
	}
	m.past, m.named, m.sessions, m.seen = *s.past, s.named, s.sessions, s.seen
	for _, set := range s.schemas {
		parsed, err := dataset.ParseSchema(set.Text, set.Domain)
		if err != nil {
			return err
		}
		m.schemas[set.Type], m.texts[set.Type] = parsed, set
	}
	for _, t := range tableTypes {
		r := s.tables[t]
		r.schema = m.schemas[t]
		r.filters = r.prepare(r.bulk)
		m.tables[t] = r
	}
	return nil
}

// Size tells how much work a group is to load from its log, in events and records.
func (g *Group) Size() (n int64, upTo eventlog.Offset) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	m := &g.mu
	n = int64(m.past.bulk.len() + m.past.live.packed.len() + m.past.live.size)
	for _, t := range m.tables {
		n += int64(len(t.bulk) + len(t.single))
	}
	return n, m.applied
}
