package history

import (
	"context"

	"usher/dataset"
)

// Snapshot freezes the group with all that its log held when it was called.
func (g *Group) Snapshot(ctx context.Context) (*dataset.Snapshot, error) {
	if err := g.CatchUp(ctx); err != nil {
		return nil, err
	}
	g.mu.RLock()
	s := &dataset.Snapshot{
		Offset:     uint64(g.mu.applied),
		UserIDs:    g.mu.users.IDs(),
		ItemIDs:    g.mu.items.IDs(),
		EventTypes: g.mu.types.IDs(),
		ItemTable:  g.mu.tables[dataset.Items].table(),
		UserTable:  g.mu.tables[dataset.Users].table(),
	}
	past, own, schema := g.mu.past.frozen(), g.mu.own, g.mu.schemas[dataset.Interactions]
	shown := g.mu.shown.frozen()
	g.mu.RUnlock()
	s.Start = make([]int64, len(s.UserIDs)+1)
	s.Events = make([]dataset.Event, 0, past.bulk.len()+past.live.packed.len()+past.live.size)
	for u := range s.UserIDs {
		s.Events = append(s.Events, past.events(dataset.Index(u))...)
		s.Start[u+1] = int64(len(s.Events))
	}
	own.contexts(s, schema)
	s.Shown = shown.snapshot(s, past.erased)
	return s, nil
}

// snapshot gives the exposures of data that are otherwise whole; nil where there are none.
func (s *frozenShown) snapshot(data *dataset.Snapshot, erased flags) *dataset.Shown {
	if s.bulk.len()+s.live.packed.len()+s.live.size == 0 {
		return nil
	}
	items, users := s.numbersIn(data.ItemIDs), data.Users()
	out := &dataset.Shown{Start: make([]int64, users+1)}
	for u := range users {
		if !erased.has(dataset.Index(u)) {
			for _, e := range s.of(dataset.Index(u), users) {
				if i := items[e.Item]; i != dataset.NoIndex {
					out.List = append(out.List, dataset.Exposure{Time: e.Time, Item: i})
				}
			}
		}
		out.Start[u+1] = int64(len(out.List))
	}
	if len(out.List) == 0 {
		return nil
	}
	return out
}

// numbersIn gives the numbers that a group's items have for those of s. It looks at a
// dictionary of its own, as the group's would have to be locked for so long.
func (s *frozenShown) numbersIn(ids []string) []dataset.Index {
	items := dataset.DictOf(ids)
	out := make([]dataset.Index, len(s.ids))
	for i, id := range s.ids {
		out[i] = items.Index(id)
	}
	return out
}
