package history

import (
	"math"

	"usher/dataset"
)

// numbering gives numbers to the ids of one change before it is applied. Ids
// that the group has keep theirs; new ones get those that come next, in the
// order in which they are asked for. Nobody sees these before commit.
type numbering struct {
	users, items, types *overlay
}

// overlay is a dictionary and what will be added to it.
type overlay struct {
	base, fresh *dataset.Dict
}

func newOverlay(base *dataset.Dict) *overlay { return &overlay{base, dataset.NewDict()} }

// Len counts the ids, new ones included.
func (o *overlay) Len() int { return o.base.Len() + o.fresh.Len() }

func (o *overlay) intern(id string) dataset.Index {
	if n := o.base.Index(id); n != dataset.NoIndex {
		return n
	}
	return dataset.Index(o.base.Len()) + o.fresh.Intern(id)
}

// all gives the numbers of some ids.
func (o *overlay) all(ids []string) []dataset.Index {
	out := make([]dataset.Index, len(ids))
	for i, id := range ids {
		out[i] = o.intern(id)
	}
	return out
}

// commit adds the new ids to the dictionary.
func (o *overlay) commit() {
	for _, id := range o.fresh.IDs() {
		o.base.Intern(id)
	}
}

// maxTypes is how many event types have a number of their own: far beyond what
// can be trained. Those that come later share the last number.
const maxTypes = math.MaxUint16 + 1

// eventType gives the number of an event type.
func (n *numbering) eventType(name string) uint16 {
	if n.types.Len() >= maxTypes && n.types.base.Index(name) == dataset.NoIndex && n.types.fresh.Index(name) == dataset.NoIndex {
		return math.MaxUint16
	}
	return uint16(n.types.intern(name))
}
