package history

import (
	"context"
	"hash/fnv"

	"usher/dataset"
	"usher/eventlog"
)

// EventIDs knows the ids of the events that came last: at least a million of
// them, so that a call which is sent again counts once. An older id is as good as
// new; that its event is not counted twice all the same is left to the event
// itself, unless the repeat says something else. It is worked out from the log
// alone, so whoever reads the log knows the same.
type EventIDs struct{ young, old map[eventID]struct{} }

// eventID stands for the text of an id.
type eventID [16]byte

// idsKept is how many ids a generation has. Two are kept.
const idsKept = 1 << 20

// Repeated says whether an event with this id came before, and remembers it. Events
// without an id are never repeats.
func (s *EventIDs) Repeated(id string) bool {
	if id == "" {
		return false
	}
	h := fnv.New128a()
	_, _ = h.Write([]byte(id)) // a hash never fails
	key := eventID(h.Sum(nil))
	if _, seen := s.young[key]; seen {
		return true
	}
	if _, seen := s.old[key]; seen {
		return true
	}
	if len(s.young) >= idsKept {
		s.old, s.young = s.young, nil
	}
	if s.young == nil {
		s.young = map[eventID]struct{}{}
	}
	s.young[key] = struct{}{}
	return false
}

// ReadEventIDs gives the identities of the live events up to an offset of a log, as far
// as they may be sent again, for one who goes on behind it. It takes those that wanted
// says yes to.
func ReadEventIDs(ctx context.Context, log eventlog.Log, upTo eventlog.Offset, wanted func(*dataset.Interaction) bool) (EventIDs, error) {
	var ids EventIDs
	live := func(b []byte) bool { return !dataset.IsBulk(b) }
	err := eachChange(ctx, log, upTo-min(upTo, idsKept), upTo, live, func(_ eventlog.Offset, c *dataset.Change) error {
		if x := c.Interaction; x != nil && wanted(x) {
			ids.Repeated(x.Identity())
		}
		return nil
	})
	return ids, err
}
