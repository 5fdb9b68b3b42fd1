package history

import (
	"math"
	"slices"
	"strings"

	"usher/dataset"
)

// What users were shown and did not choose, by the impressions of their events, is
// kept as their events are: the imported and the live, joined with sessions, gone with
// users and items. Of each user only the newest count, exposuresMost of them, and
// fewer where there are so many users that all together would be more than shownMost.
//
// Items have numbers of their own here: an id that was only shown gets none of the
// group (I1), as it may be no item at all; what it is the number of is looked up when
// it is asked for.

const (
	exposuresMost  = 100
	exposuresLeast = 8       // of a user, however many users there are
	shownMost      = 1 << 23 // exposures of a group; nine bytes each
)

// shown is what was shown in a group. Group.mu guards it.
type shown struct {
	ids *dataset.Dict
	exposures
}

// exposures are lists by user, whose items are numbers of shown's.
type exposures struct {
	bulk packed
	live live
}

// frozenShown is shown at some moment, for readers beside the writer.
type frozenShown struct {
	ids []string
	exposures
}

// frozen gives s as it is now.
func (s *shown) frozen() frozenShown {
	return frozenShown{s.ids.IDs(), exposures{s.bulk, s.live.frozen()}}
}

func newShown() shown { return shown{ids: dataset.NewDict()} }

// exposuresOf gives how many exposures of each of so many users count.
func exposuresOf(users int) int {
	return max(exposuresLeast, min(exposuresMost, shownMost/max(1, users)))
}

// exposure makes an event of an item that was shown.
func exposure(at int64, item dataset.Index) event {
	return event{Event: dataset.Event{Time: at, Item: item, Value: float32(math.NaN())}}
}

// newest gives the last of a list.
func newest(list []event, most int) []event { return list[max(0, len(list)-most):] }

// among gives a list with e, if that is among the newest: most files are in some order of
// time, and the wrong one must not move the whole list each time.
func among(list []event, e event, most int) []event {
	if len(list) >= most && e.Time < list[0].Time {
		return list
	}
	return newest(insert(list, e), most)
}

// put takes the impression of a live event of a user in.
func (s *shown) put(u dataset.Index, x *dataset.Interaction, users int) {
	most := exposuresOf(users)
	for _, id := range x.Impression {
		if id == x.Item {
			continue
		}
		s.live.put(u, exposure(x.Time, s.ids.Intern(id)))
		list := s.live.tail[u]
		s.live.tail[u] = newest(list, most)
		s.live.size -= len(list) - len(s.live.tail[u])
	}
	s.live.most = most
}

// of gives the exposures of a user, oldest first.
func (s *exposures) of(u dataset.Index, users int) []event {
	return newest(merge(s.bulk.of(u, nil), s.live.of(u)), exposuresOf(users))
}

// withoutItems prepares that nobody was shown some items.
func (s *shown) withoutItems(ids []string, without flags) (change func()) {
	var items flags
	var gone []dataset.Index
	for _, id := range ids {
		if i := s.ids.Index(id); i != dataset.NoIndex {
			items.set(i)
			gone = append(gone, i)
		}
	}
	if len(gone) == 0 {
		return func() {}
	}
	out := shown{dataset.DictOf(s.ids.IDs()), exposures{*s.bulk.withoutItems(items), s.live.folded(without)}}
	out.live.packed = *out.live.packed.withoutItems(items)
	out.ids.Erase(gone)
	return func() { *s = out }
}

// stale says whether most ids are of items that are shown to nobody any more: as old
// exposures go, others' ids are left.
func (s *shown) stale(least int) bool {
	return s.ids.Len() >= max(least, 2*(s.bulk.len()+s.live.packed.len()+s.live.size))
}

// tidied gives s, folded, with the ids that are shown to somebody still.
func (s *shown) tidied(without flags) shown {
	now := s.frozen()
	ids, lists := now.compact(without)
	return shown{dataset.DictOf(ids), exposures{*lists[0], live{packed: *lists[1], most: s.live.most}}}
}

// shownReading takes the impressions of a part in.
type shownReading struct {
	part  *dataset.Part
	field int // IMPRESSION's; -1: there is none
	ids   *overlay
	most  int
	lists [][]event // by the part's users
}

func (g *Group) readShown(p *dataset.Part) *shownReading {
	r := &shownReading{part: p, field: -1, ids: newOverlay(g.mu.shown.ids), most: exposuresOf(max(g.mu.users.Len(), len(p.UserIDs)))}
	if s := g.mu.schemas[p.Type]; s != nil {
		r.field = s.Column("IMPRESSION")
	}
	return r
}

// visit takes one cell.
func (r *shownReading) visit(row, field int, v dataset.Value) {
	if field != r.field || v.Kind == "" {
		return
	}
	if r.lists == nil {
		r.lists = make([][]event, len(r.part.UserIDs))
	}
	u, chosen := r.part.Users[row], r.part.ItemIDs[r.part.Items[row]]
	for id := range dataset.Several(v.Str) {
		if id != chosen {
			r.lists[u] = among(r.lists[u], exposure(r.part.Times[row], r.intern(id)), r.most)
		}
	}
}

// intern gives the number of an id, which is part of a longer text.
func (r *shownReading) intern(id string) dataset.Index {
	if n := r.ids.base.Index(id); n != dataset.NoIndex {
		return n
	}
	return dataset.Index(r.ids.base.Len()) + r.ids.fresh.Intern(strings.Clone(id))
}

// shown prepares the exposures of a part.
func (g *Group) shown(r *shownReading, n *numbering, replace bool) (change func()) {
	s := &g.mu.shown
	from := s.bulk
	if replace {
		from = packed{}
	}
	if r.lists != nil {
		from = from.withShown(r, n, g.mu.past.erased)
	}
	return func() {
		r.ids.commit()
		s.bulk = from
	}
}

// withShown gives imported exposures with those of a part.
func (p *packed) withShown(r *shownReading, n *numbering, without flags) packed {
	by := make([][]event, n.users.Len())
	for local, u := range n.users.all(r.part.UserIDs) {
		by[u] = r.lists[local]
	}
	k := newPacker(len(by), p.len())
	k.most = exposuresOf(len(by))
	var old []event
	for u, list := range by {
		old = old[:0]
		if !without.has(dataset.Index(u)) {
			old = p.of(dataset.Index(u), old)
		}
		k.add(merge(old, list))
	}
	return k.out
}

// Shown gives what a user was shown and did not choose, oldest first, those of items
// that are known.
func (g *Group) Shown(u dataset.Index) (list []dataset.Exposure) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	m := &g.mu
	if m.past.erased.has(u) {
		return nil
	}
	for _, e := range m.shown.of(u, m.users.Len()) {
		if i := m.items.Index(m.shown.ids.ID(e.Item)); i != dataset.NoIndex {
			list = append(list, dataset.Exposure{Time: e.Time, Item: i})
		}
	}
	return list
}

// compact gives s with the ids that are shown to somebody still, folded.
func (s *frozenShown) compact(without flags) (ids []string, lists [2]*packed) {
	live := s.live.folded(without)
	numbers := make([]uint32, len(s.ids))
	for k, p := range [2]*packed{s.bulk.without(without), &live.packed} {
		next := *p
		next.items = slices.Clone(p.items)
		for i, n := range next.items {
			if numbers[n] == 0 {
				ids = append(ids, s.ids[n])
				numbers[n] = uint32(len(ids))
			}
			next.items[i] = numbers[n] - 1
		}
		lists[k] = &next
	}
	return ids, lists
}
