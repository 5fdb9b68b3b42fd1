package history

import (
	"slices"

	"usher/dataset"
)

// interactions is the events of a group by user. Group.mu guards it; what was
// given to readers does not change.
type interactions struct {
	bulk   packed // imported
	live   live   // put
	erased flags  // users that were deleted: whatever is left of them does not count
}

// events gives the one list of a user, oldest first.
func (x *interactions) events(u dataset.Index) []dataset.Event {
	if x.erased.has(u) {
		return nil
	}
	if x.live.count(u) == 0 {
		return x.bulk.events(u)
	}
	list := merge(x.bulk.of(u, nil), x.live.of(u))
	out := make([]dataset.Event, len(list))
	for i := range list {
		out[i] = list[i].Event
	}
	return out
}

// frozen gives x as it is now, for a reader beside the writer.
func (x *interactions) frozen() *interactions {
	return &interactions{bulk: x.bulk, live: x.live.frozen(), erased: slices.Clone(x.erased)}
}

// live is the put interactions of a group by user: packed, and behind them a tail
// of those that came since, which is packed in turn when it has grown.
type live struct {
	packed packed
	moved  flags     // visitors whose packed events are in a user's tail now
	tail   [][]event // by user
	size   int       // of the tail
	most   int       // how many of a user are kept when it is packed, the newest; 0: all
}

// tailLeast is how many events a tail may have in any case.
const tailLeast = 1 << 16

// count counts a user's events.
func (l *live) count(u dataset.Index) (n int) {
	if int(u) < len(l.tail) {
		n = len(l.tail[u])
	}
	if !l.moved.has(u) {
		n += l.packed.count(u)
	}
	return n
}

// of gives a user's events, oldest first. Equal ones count once.
func (l *live) of(u dataset.Index) []event {
	var list []event
	if !l.moved.has(u) {
		list = l.packed.of(u, nil)
	}
	if int(u) < len(l.tail) {
		list = merge(list, l.tail[u])
	}
	return list
}

// room makes room for a user's tail.
func (l *live) room(u dataset.Index) {
	if n := int(u) + 1 - len(l.tail); n > 0 {
		l.tail = append(l.tail, make([][]event, n)...)
	}
}

// put takes one event in.
func (l *live) put(u dataset.Index, e event) {
	l.room(u)
	before := len(l.tail[u])
	l.tail[u] = insert(l.tail[u], e)
	l.size += len(l.tail[u]) - before
}

// move gives a visitor's events to a user.
func (l *live) move(visitor, to dataset.Index) {
	events := l.of(visitor)
	if len(events) == 0 {
		return
	}
	l.room(max(visitor, to))
	l.size -= len(l.tail[visitor]) + len(l.tail[to])
	l.tail[to] = merge(l.tail[to], events)
	l.tail[visitor] = nil
	l.size += len(l.tail[to])
	l.moved.set(visitor)
}

// grown says that the tail is to be packed: each packing costs as much as there
// is, so the larger the rest the longer the tail.
func (l *live) grown(least int) bool { return l.size >= max(least, l.packed.len()/8) }

// folded gives l with its tail packed, without the events of those users.
func (l *live) folded(without flags) live {
	users := max(l.packed.users(), len(l.tail))
	k := newPacker(users, l.packed.len()+l.size)
	k.most = l.most
	var room []event
	for u := range dataset.Index(users) {
		room = room[:0]
		if !l.moved.has(u) && !without.has(u) {
			room = l.packed.of(u, room)
		}
		list := room
		if int(u) < len(l.tail) && !without.has(u) {
			list = merge(list, l.tail[u])
		}
		k.add(list)
	}
	return live{packed: k.out, most: l.most}
}

// frozen gives l as it is now, for a reader beside the writer.
func (l *live) frozen() live {
	return live{packed: l.packed, moved: slices.Clone(l.moved), tail: slices.Clone(l.tail), size: l.size, most: l.most}
}
