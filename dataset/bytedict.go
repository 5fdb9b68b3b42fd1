package dataset

import (
	"bytes"
	"hash/maphash"
)

// byteDict numbers byte strings by first appearance. It is what an import spends
// its time in: open addressing, where one word of the table holds 32 bits of the
// hash and the number, so that a text is compared only when it is very likely the
// same; the texts lie one behind the other in one slice.
type byteDict struct {
	seed  maphash.Seed
	table []uint64 // hash bits above, number+1 below; 0 is free
	ends  []int    // text n is text[ends[n]:ends[n+1]]
	text  []byte
}

func newByteDict() *byteDict {
	return &byteDict{seed: maphash.MakeSeed(), table: make([]uint64, 1<<10), ends: make([]int, 1, 1<<9)}
}

func (d *byteDict) len() int { return len(d.ends) - 1 }

// get gives the text with that number. It is valid until the next intern.
func (d *byteDict) get(n uint32) []byte { return d.text[d.ends[n]:d.ends[n+1]] }

// intern gives the number of key, a new one if it has none.
func (d *byteDict) intern(key []byte) uint32 {
	h := maphash.Bytes(d.seed, key)
	mask := uint64(len(d.table) - 1)
	tag := h >> 32
	for p := h & mask; ; p = (p + 1) & mask {
		v := d.table[p]
		if v == 0 {
			n := uint32(d.len())
			d.add(key)
			d.table[p] = tag<<32 | uint64(n+1)
			if d.len()*2 > len(d.table) {
				d.grow()
			}
			return n
		}
		if v>>32 == tag && bytes.Equal(d.get(uint32(v)-1), key) {
			return uint32(v) - 1
		}
	}
}

// add gives key the next number without looking whether it has one.
func (d *byteDict) add(key []byte) {
	d.text = append(d.text, key...)
	d.ends = append(d.ends, len(d.text))
}

func (d *byteDict) grow() {
	table := make([]uint64, 2*len(d.table))
	mask := uint64(len(table) - 1)
	for n := range uint32(d.len()) {
		h := maphash.Bytes(d.seed, d.get(n))
		p := h & mask
		for table[p] != 0 {
			p = (p + 1) & mask
		}
		table[p] = h>>32<<32 | uint64(n+1)
	}
	d.table = table
}

// strings gives all texts by number, in one allocation.
func (d *byteDict) strings() []string {
	all := string(d.text)
	list := make([]string, d.len())
	for n := range list {
		list[n] = all[d.ends[n]:d.ends[n+1]]
	}
	return list
}
