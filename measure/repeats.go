package measure

import (
	"cmp"
	"context"
	"hash/maphash"
	"io"
	"math"

	"usher/dataset"
)

// repeats finds rows that say the same as an earlier one in all columns: it holds a hash
// of each that it has met. Of interactions it is made only where history has left
// something out.
type repeats map[uint64]struct{}

// said is all that an interaction says; rest is dataset.Interaction.Rest.
type said struct {
	user, item, kind string
	time             int64
	value, rest      uint32
}

func (r repeats) met(x said) bool { return r.metHash(maphash.Comparable(hashSeed, x)) }

func (r repeats) metHash(h uint64) bool {
	_, met := r[h]
	r[h] = struct{}{}
	return met
}

// repeats gives an empty set, or nil when history knows as many interactions as parts
// and log have.
func (c *collector) repeats() repeats {
	n := c.live[dataset.Interactions]
	for _, p := range c.parts[dataset.Interactions] {
		n += p.rows
	}
	if n == int64(len(c.snap.Events)) {
		return nil
	}
	return repeats{}
}

// of says of each row of a part whether it repeats another, or was deleted since; of
// nil, none does.
func (r repeats) of(ctx context.Context, c *collector, from committed) (func(row int) bool, error) {
	if r == nil {
		return func(int) bool { return false }, nil
	}
	p, err := c.part(ctx, from.blob, func(in io.ReaderAt, size int64) (*dataset.Part, error) {
		return dataset.ReadEvents(in, size, c.schemas[dataset.Interactions])
	})
	if err != nil {
		return nil, err
	}
	again := make([]bool, p.Rows)
	for i := range again {
		x := said{user: p.UserIDs[p.Users[i]], item: p.ItemIDs[p.Items[i]], time: p.Times[i]}
		if p.Types != nil {
			x.kind = p.EventTypes[p.Types[i]]
		}
		if p.Values != nil {
			x.value = bitsOf(float64(p.Values[i]))
		}
		if p.Rest != nil {
			x.rest = p.Rest[i]
		}
		again[i] = c.forgotten(dataset.Interactions, x.user, x.item, from.at) || r.met(x)
	}
	return func(row int) bool { return again[row] }, nil
}

// has says whether a live event repeats another.
func (r repeats) has(s *dataset.Schema, e *dataset.Interaction) bool {
	if r == nil {
		return false
	}
	x := said{user: cmp.Or(e.User, e.Session), item: e.Item, kind: e.Type, time: e.Time, rest: e.Rest(s)}
	if e.Value != nil {
		x.value = bitsOf(*e.Value)
	} else if s.Column("EVENT_VALUE") >= 0 {
		x.value = bitsOf(math.NaN())
	}
	return r.met(x)
}

// bitsOf gives the bits of an event's value, the same for all that are none.
func bitsOf(x float64) uint32 {
	if math.IsNaN(x) {
		x = math.NaN()
	}
	return math.Float32bits(float32(x))
}
