package history

import (
	"math"
	"math/bits"

	"usher/dataset"
)

// event is an interaction as it is kept. rest stands for what its record says
// beyond the Event (dataset.Schema.Rest): two events that differ in it are two.
type event struct {
	dataset.Event
	rest uint32
}

// packed is lists of events by user, oldest first, in columns that are as narrow
// as what is in them allows: 9 bytes an event for a few event types without
// values. It does not change once made.
type packed struct {
	start  []uint32 // (users+1); events of user u are start[u]:start[u+1]
	items  []uint32
	times  []uint32 // Unix seconds; nil where one does not fit
	wide   []int64  // in the place of times
	types  []uint8  // nil where one does not fit
	types2 []uint16 // in the place of types
	values []float32
	rests  []uint32 // nil where all are 0, as values is where all are NaN
	own    []uint32 // numbers of moments (moments), likewise
}

// len counts the events.
func (p *packed) len() int { return len(p.items) }

// users is how many users have a list.
func (p *packed) users() int { return max(0, len(p.start)-1) }

// count counts the events of one user.
func (p *packed) count(u dataset.Index) int {
	if int(u) >= p.users() {
		return 0
	}
	return int(p.start[u+1] - p.start[u])
}

// of appends the events of one user.
func (p *packed) of(u dataset.Index, dst []event) []event {
	if int(u) >= p.users() {
		return dst
	}
	for i := p.start[u]; i < p.start[u+1]; i++ {
		e := event{Event: p.event(i)}
		if p.rests != nil {
			e.rest = p.rests[i]
		}
		dst = append(dst, e)
	}
	return dst
}

// events is of for those who only read.
func (p *packed) events(u dataset.Index) []dataset.Event {
	n := p.count(u)
	if n == 0 {
		return nil
	}
	out := make([]dataset.Event, n)
	for i := range out {
		out[i] = p.event(p.start[u] + uint32(i))
	}
	return out
}

func (p *packed) event(i uint32) dataset.Event {
	e := dataset.Event{Item: dataset.Index(p.items[i]), Value: float32(math.NaN())}
	if p.times != nil {
		e.Time = int64(p.times[i])
	} else {
		e.Time = p.wide[i]
	}
	if p.types != nil {
		e.Type = uint16(p.types[i])
	} else {
		e.Type = p.types2[i]
	}
	if p.values != nil {
		e.Value = p.values[i]
	}
	if p.own != nil {
		e.Context = p.own[i]
	}
	return e
}

// packer makes a packed, user by user.
type packer struct {
	out  packed
	most int // how many events of a user are taken, the last ones; 0: all
}

// newPacker gives a packer with room for so many users and events.
func newPacker(users, events int) *packer {
	return &packer{out: packed{start: make([]uint32, 1, users+1), items: make([]uint32, 0, events),
		times: make([]uint32, 0, events), types: make([]uint8, 0, events)}}
}

// add appends the next user's events.
func (k *packer) add(list []event) {
	if k.most > 0 {
		list = newest(list, k.most)
	}
	for i := range list {
		k.event(&list[i])
	}
	k.out.start = append(k.out.start, uint32(len(k.out.items)))
}

func (k *packer) event(e *event) {
	p := &k.out
	if p.times != nil && (e.Time < 0 || e.Time > math.MaxUint32) {
		p.wide = widened[int64](p.times)
		p.times = nil
	}
	if p.types != nil && e.Type > math.MaxUint8 {
		p.types2 = widened[uint16](p.types)
		p.types = nil
	}
	if p.values == nil && e.Value == e.Value {
		p.values = filled(len(p.items), cap(p.items), float32(math.NaN()))
	}
	if p.rests == nil && e.rest != 0 {
		p.rests = filled[uint32](len(p.items), cap(p.items), 0)
	}
	if p.own == nil && e.Context != 0 {
		p.own = filled[uint32](len(p.items), cap(p.items), 0)
	}
	p.items = append(p.items, uint32(e.Item))
	if p.times != nil {
		p.times = append(p.times, uint32(e.Time))
	} else {
		p.wide = append(p.wide, e.Time)
	}
	if p.types != nil {
		p.types = append(p.types, uint8(e.Type))
	} else {
		p.types2 = append(p.types2, e.Type)
	}
	if p.values != nil {
		p.values = append(p.values, e.Value)
	}
	if p.rests != nil {
		p.rests = append(p.rests, e.rest)
	}
	if p.own != nil {
		p.own = append(p.own, e.Context)
	}
}

// widened gives the numbers of a column in a wider one with the same room.
func widened[W int64 | uint16, N uint32 | uint8](narrow []N) []W {
	out := make([]W, len(narrow), cap(narrow))
	for i, x := range narrow {
		out[i] = W(x)
	}
	return out
}

// filled gives a column whose n events have all the same.
func filled[T float32 | uint32](n, room int, x T) []T {
	out := make([]T, n, room)
	for i := range out {
		out[i] = x
	}
	return out
}

// without gives p without the events of some users; p itself if there are none.
func (p *packed) without(users flags) *packed {
	some := false
	for u := range dataset.Index(p.users()) {
		some = some || users.has(u) && p.count(u) > 0
	}
	if !some {
		return p
	}
	k := newPacker(p.users(), p.len())
	var list []event
	for u := range dataset.Index(p.users()) {
		list = list[:0]
		if !users.has(u) {
			list = p.of(u, list)
		}
		k.add(list)
	}
	return &k.out
}

// flags is a set of numbers.
type flags []uint64

func (f flags) has(i dataset.Index) bool {
	w := int(i >> 6)
	return w < len(f) && f[w]>>(i&63)&1 != 0
}

// count counts the numbers.
func (f flags) count() (n int) {
	for _, word := range f {
		n += bits.OnesCount64(word)
	}
	return n
}

// set puts i into the set.
func (f *flags) set(i dataset.Index) {
	for int(i>>6) >= len(*f) {
		*f = append(*f, 0)
	}
	(*f)[i>>6] |= 1 << (i & 63)
}
