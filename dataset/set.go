package dataset

import "math/bits"

// Set is a set of indexes, for example the items an answer may contain.
// The zero Set holds every index: no filter, no cost.
type Set struct {
	words []uint64
	some  bool // words decide; false: everything is in the set
}

// NewSet gives an empty set with room for the indexes below n. It can be
// refilled with Clear, so that a pool saves the allocation.
func NewSet(n int) Set { return Set{words: make([]uint64, (n+63)/64), some: true} }

// All says that the set holds every index.
func (s Set) All() bool { return !s.some }

// Has says whether i is in the set. Indexes beyond the set's room are not.
func (s Set) Has(i Index) bool {
	if !s.some {
		return true
	}
	w := int(i >> 6)
	return w < len(s.words) && s.words[w]>>(i&63)&1 != 0
}

// Add puts i into the set. It panics on the zero Set, which holds all already.
func (s Set) Add(i Index) { s.words[i>>6] |= 1 << (i & 63) }

// Remove takes i out of the set; indexes beyond its room are ignored.
func (s Set) Remove(i Index) {
	if w := int(i >> 6); w < len(s.words) {
		s.words[w] &^= 1 << (i & 63)
	}
}

// Fill puts every index below n into the set.
func (s Set) Fill(n int) {
	for i := range s.words {
		s.words[i] = ^uint64(0)
	}
	for i := n; i < len(s.words)*64; i++ {
		s.Remove(Index(i))
	}
}

// Clear empties the set.
func (s Set) Clear() { clear(s.words) }

// Len counts the indexes in the set; -1 for the Set that holds everything.
func (s Set) Len() int {
	if !s.some {
		return -1
	}
	n := 0
	for _, w := range s.words {
		n += bits.OnesCount64(w)
	}
	return n
}

// Words are the bits of the set, which belong to it; nil for the Set that holds
// everything. Whoever sets bits keeps to the indexes that the set was made for.
func (s Set) Words() []uint64 { return s.words }
