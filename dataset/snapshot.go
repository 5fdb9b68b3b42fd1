package dataset

import (
	"cmp"
	"slices"
)

// Snapshot is the data of one group frozen at one offset of its log: what a
// recipe learns from (I4). It does not change; any goroutine may read it.
type Snapshot struct {
	Offset     uint64   // the log was applied up to here
	UserIDs    []string // by Index
	ItemIDs    []string // by Index; items without interactions included
	EventTypes []string // by Event.Type; "" where events carry none

	// Events of user u are Events[Start[u]:Start[u+1]], oldest first; equal
	// times keep the order in which they came.
	Start  []int64 // (len(UserIDs)+1)
	Events []Event

	ItemTable *Table // metadata of items, rows by Index; nil without a dataset
	UserTable *Table // metadata of users, rows by Index; nil without a dataset

	// ContextTable is what is known of the moments of events: the further columns of
	// interactions, each combination of values once, rows by Event.Context. nil: no
	// event has any.
	ContextTable *Table

	Shown *Shown // what users were shown and did not choose; nil: nothing is known
}

// NewSnapshot gives a snapshot of these ids in which user u has events[u], put in
// order of time; equal times keep their order. Users behind the end of events have
// none.
func NewSnapshot(userIDs, itemIDs, eventTypes []string, events [][]Event) *Snapshot {
	s := &Snapshot{UserIDs: userIDs, ItemIDs: itemIDs, EventTypes: eventTypes, Start: make([]int64, len(userIDs)+1)}
	for u := range userIDs {
		if u < len(events) {
			s.Events = append(s.Events, events[u]...)
		}
		s.Start[u+1] = int64(len(s.Events))
		slices.SortStableFunc(s.Events[s.Start[u]:], func(a, b Event) int { return cmp.Compare(a.Time, b.Time) })
	}
	return s
}

// Users counts the users.
func (s *Snapshot) Users() int { return len(s.UserIDs) }

// Items counts the items.
func (s *Snapshot) Items() int { return len(s.ItemIDs) }

// History gives the events of one user, oldest first. The caller must not
// change them.
func (s *Snapshot) History(u Index) []Event {
	return s.Events[s.Start[u]:s.Start[u+1]:s.Start[u+1]]
}

// Context gives what is known of the moment of a user's event at a place of the
// history, as a request has it: texts by the names of columns. nil: nothing.
func (s *Snapshot) Context(u Index, at int) map[string]string {
	h := s.History(u)
	if s.ContextTable == nil || at >= len(h) {
		return nil
	}
	row := s.ContextTable.Row(Index(h[at].Context))
	out := make(map[string]string, len(row))
	for i, v := range row {
		if v.Kind != "" {
			out[s.ContextTable.Schema.Fields[i].Name] = v.Text()
		}
	}
	return out
}

// Profile gives the record of a user and its columns; nil where there is none.
func (s *Snapshot) Profile(u Index) (Row, *Schema) {
	if s.UserTable == nil {
		return nil, nil
	}
	return s.UserTable.Row(u), s.UserTable.Schema
}

// With gives a snapshot of the same users and items in which user u has the
// events that keep returns. keep must return a part of its argument.
func (s *Snapshot) With(keep func(u Index, events []Event) []Event) *Snapshot {
	out := *s
	out.Start = make([]int64, len(s.Start))
	out.Events = make([]Event, 0, len(s.Events))
	for u := range s.UserIDs {
		out.Events = append(out.Events, keep(Index(u), s.History(Index(u)))...)
		out.Start[u+1] = int64(len(out.Events))
	}
	return &out
}
