package dataset

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"math/bits"
)

// byteDict numbers byte strings by first appearance. It is what an import spends
// its time in, and that time is spent waiting for memory. So a lookup touches two
// places at most: a word of the open-addressing table, which holds 32 bits of the
// hash and the number, and the text itself, which fits into two words when it is
// short, as ids are. And lookups come many at once (intern): those that follow do
// not wait for the memory of those before.
type byteDict struct {
	table []uint64 // hash bits above, number+1 below; 0 is free
	words []word   // by number
	long  []byte   // texts that do not fit into a word, one behind the other
	size  int      // bytes of all texts
}

// word is a text of up to 15 bytes, zeros behind it and its length in the last
// byte; or, of a longer text, its length and its place in byteDict.long.
type word struct{ lo, hi uint64 }

const (
	shortText = 15
	lengthAt  = 56 // bits of word.hi above here are the length
	isLong    = 0xff << lengthAt
)

// key is a text that is looked up.
type key struct {
	word
	hash uint64
	text []byte // of a long one
	null bool   // no text: its number is NoIndex
}

// The hash is seeded, so that nobody can write a file whose ids all meet.
var (
	hashSeed = maphash.MakeSeed()
	hashLo   = maphash.String(hashSeed, "lo")
	hashHi   = maphash.String(hashSeed, "hi") | 1
)

// masks[n] keeps n bytes of a word.
var masks = func() (m [shortText + 1]word) {
	for n := range m {
		m[n].lo = ^uint64(0) >> (64 - 8*min(n, 8))
		m[n].hi = ^uint64(0) >> (64 - 8*max(n-8, 0))
	}
	return m
}()

// keyOf makes the key of a text. Of a long one it keeps the slice.
func keyOf(text []byte) (k key) {
	n := len(text)
	if n > shortText {
		return key{hash: maphash.Bytes(hashSeed, text), text: text}
	}
	if cap(text) > shortText { // what lies behind the text is masked
		b := text[:shortText+1]
		k.lo = binary.LittleEndian.Uint64(b) & masks[n].lo
		k.hi = binary.LittleEndian.Uint64(b[8:]) & masks[n].hi
	} else {
		var b [shortText + 1]byte
		copy(b[:], text)
		k.lo, k.hi = binary.LittleEndian.Uint64(b[:]), binary.LittleEndian.Uint64(b[8:])
	}
	k.hi |= uint64(n) << lengthAt
	k.hash = k.word.mix()
	return k
}

// mix is the hash of a short text.
func (w word) mix() uint64 {
	hi, lo := bits.Mul64(w.lo^hashLo, w.hi^hashHi)
	hi, lo = bits.Mul64(hi^lo^hashLo, hashHi)
	return hi ^ lo
}

func newByteDict() *byteDict {
	return &byteDict{table: make([]uint64, 1<<10), words: make([]word, 0, 1<<9)}
}

func (d *byteDict) len() int { return len(d.words) }

// key gives the text with that number as a key. It is valid until the next add.
func (d *byteDict) key(n uint32) key {
	w := d.words[n]
	if w.hi&isLong == isLong {
		text := d.longText(w)
		return key{hash: maphash.Bytes(hashSeed, text), text: text}
	}
	return key{word: w, hash: w.mix()}
}

func (d *byteDict) longText(w word) []byte {
	at := w.hi &^ isLong
	return d.long[at : at+w.lo]
}

// holds says whether text number n is that of the key.
func (d *byteDict) holds(n uint32, k *key) bool {
	w := d.words[n]
	if k.text == nil {
		return w == k.word
	}
	return w.hi&isLong == isLong && bytes.Equal(d.longText(w), k.text)
}

// intern appends the numbers of keys to dst; a key that has none gets a new one.
// found is room for as many words as there are keys.
func (d *byteDict) intern(keys []key, found []uint64, dst []uint32) []uint32 {
	mask := uint64(len(d.table) - 1)
	for i := range keys { // nothing here waits for what was read before
		found[i] = d.table[keys[i].hash&mask]
	}
	for i := range keys {
		k := &keys[i]
		v := found[i]
		switch {
		case k.null:
			dst = append(dst, uint32(NoIndex))
		case v != 0 && v>>32 == k.hash>>32 && d.holds(uint32(v)-1, k):
			dst = append(dst, uint32(v)-1)
		default:
			dst = append(dst, d.number(k))
		}
	}
	return dst
}

// number gives the number of one key, a new one if it has none.
func (d *byteDict) number(k *key) uint32 {
	mask := uint64(len(d.table) - 1)
	tag := k.hash >> 32
	for p := k.hash & mask; ; p = (p + 1) & mask {
		v := d.table[p]
		if v == 0 {
			n := uint32(d.len())
			d.add(k)
			d.table[p] = tag<<32 | uint64(n+1)
			if d.len()*2 > len(d.table) {
				d.grow()
			}
			return n
		}
		if v>>32 == tag && d.holds(uint32(v)-1, k) {
			return uint32(v) - 1
		}
	}
}

// add gives the key the next number without looking whether it has one.
func (d *byteDict) add(k *key) {
	if k.text == nil {
		d.size += int(k.hi >> lengthAt)
		d.words = append(d.words, k.word)
		return
	}
	d.size += len(k.text)
	d.words = append(d.words, word{lo: uint64(len(k.text)), hi: isLong | uint64(len(d.long))})
	d.long = append(d.long, k.text...)
}

func (d *byteDict) grow() {
	table := make([]uint64, 2*len(d.table))
	mask := uint64(len(table) - 1)
	for n := range uint32(d.len()) {
		h := d.key(n).hash
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
	text := make([]byte, 0, d.size)
	ends := make([]int, d.len())
	for n, w := range d.words {
		if w.hi&isLong == isLong {
			text = append(text, d.longText(w)...)
		} else {
			var b [shortText + 1]byte
			binary.LittleEndian.PutUint64(b[:], w.lo)
			binary.LittleEndian.PutUint64(b[8:], w.hi)
			text = append(text, b[:w.hi>>lengthAt]...)
		}
		ends[n] = len(text)
	}
	all, from := string(text), 0
	list := make([]string, d.len())
	for n, to := range ends {
		list[n], from = all[from:to], to
	}
	return list
}
