package filter

import (
	"sync"

	"usher/dataset"
)

// bitmap is a set of numbers of records, in a borrowed piece of memory.
type bitmap []uint64

var bitmaps = sync.Pool{New: func() any { return new([]uint64) }}

// borrow gives an empty bitmap of some words.
func borrow(words int) bitmap {
	b := *bitmaps.Get().(*[]uint64)
	if cap(b) < words {
		return make(bitmap, words)
	}
	b = b[:words]
	clear(b)
	return b
}

func giveBack(b bitmap) { bitmaps.Put((*[]uint64)(&b)) }

func (b bitmap) add(i dataset.Index) {
	if w := int(i >> 6); w < len(b) {
		b[w] |= 1 << (i & 63)
	}
}

func (b bitmap) remove(i dataset.Index) {
	if w := int(i >> 6); w < len(b) {
		b[w] &^= 1 << (i & 63)
	}
}

func (b bitmap) addAll(list []dataset.Index) {
	for _, i := range list {
		if w := int(i >> 6); w < len(b) {
			b[w] |= 1 << (i & 63)
		}
	}
}

func (b bitmap) or(o []uint64) {
	o = o[:min(len(o), len(b))]
	for w, x := range o {
		b[w] |= x
	}
}

// orLess adds what is in o but not in less, which is as long as b.
func (b bitmap) orLess(o []uint64, less bitmap) {
	o = o[:min(len(o), len(b))]
	for w, x := range o {
		b[w] |= x &^ less[w]
	}
}

// and keeps what is in o too, which is as long as b.
func (b bitmap) and(o bitmap) {
	for w, x := range o {
		b[w] &= x
	}
}

// andNot takes out what is in o, which is as long as b.
func (b bitmap) andNot(o bitmap) {
	for w, x := range o {
		b[w] &^= x
	}
}

// flip takes the complement. Bits beyond the last record are set too; who joins
// the result with the set of all takes them out.
func (b bitmap) flip() {
	for w := range b {
		b[w] = ^b[w]
	}
}
