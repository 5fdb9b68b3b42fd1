// Package content makes vectors of what metadata say of items, so that items that
// nobody has had yet have a place among those that were learnt from.
//
// Features turns a record into a sparse vector: categories (each of a multi-valued
// column), words and pairs of words of texts, the bins that numbers lie in, and the
// numbers of vectors that a model of language made of texts, hashed into buckets. Rare
// ones weigh more, and each column weighs the same.
// Map is a ridge regression from features to the vectors of a model, fitted to the
// items that have them: no dictionaries, no download, and a value that nobody has
// seen simply says nothing.
//
// Invariants (I4): the same items give the same bytes, whatever the number of
// workers; a record gives the same vector in training and years later, whatever
// other columns its schema has got since.
//
// How far the vectors are to be trusted is chosen by the recipe, on its validation
// part.
package content

import (
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"unicode"

	"usher/dataset"
)

// Column is what is known of one column.
type Column struct {
	Name string    `json:"name"`
	Cuts []float64 `json:"cuts,omitempty"` // of numbers: the borders of the bins, ascending
	Text bool      `json:"text,omitempty"`

	Vector bool `json:"vector,omitempty"` // of dataset.Vector: each number is a feature of its own
}

// Features turn records into sparse vectors. They do not change.
type Features struct {
	Columns []Column  `json:"columns"`
	Rarity  []float32 `json:"-"` // (buckets) weight of a bucket
}

// Vector is a sparse vector of length 1; empty when a record says nothing.
type Vector struct {
	At     []uint32 // ascending
	Values []float32
}

const (
	bins       = 10 // of numbers
	leastItems = 20 // fewer records tell nothing
	bucketsMin = 1 << 8
	bucketsMax = 1 << 14
)

// Learn looks at the columns of items' records; nil when they tell nothing.
func Learn(t *dataset.Table, items []dataset.Index) *Features {
	if t == nil || t.Schema == nil {
		return nil
	}
	f := &Features{}
	for at, field := range t.Schema.Fields {
		if at == t.Schema.ID() {
			continue
		}
		if c, ok := column(t, field, at, items); ok {
			f.Columns = append(f.Columns, c)
		}
	}
	f.count(t, items)
	return f.useful()
}

func (f *Features) useful() *Features {
	if len(f.Columns) == 0 || f.Rarity == nil {
		return nil
	}
	return f
}

// column looks at one column; false when nothing is to be learnt from it.
func column(t *dataset.Table, field dataset.Field, at int, items []dataset.Index) (Column, bool) {
	c := Column{Name: field.Name, Text: field.Textual}
	if field.Kind == dataset.Vector {
		c.Vector = true
		return c, true
	}
	if field.Kind == dataset.String {
		return c, field.Categorical || field.Textual
	}
	var numbers []float64
	for _, i := range items {
		if row := t.Row(i); row != nil && row[at].Kind != "" && !math.IsNaN(row[at].Num) {
			numbers = append(numbers, row[at].Num)
		}
	}
	slices.Sort(numbers)
	for b := 1; b < bins && len(numbers) > 0; b++ {
		if x := numbers[b*len(numbers)/bins]; len(c.Cuts) == 0 || x > c.Cuts[len(c.Cuts)-1] {
			c.Cuts = append(c.Cuts, x)
		}
	}
	return c, len(c.Cuts) > 1
}

// count chooses the number of buckets and finds how rare each is.
func (f *Features) count(t *dataset.Table, items []dataset.Index) {
	seen := map[uint64]int{}
	records := 0
	for _, i := range items {
		row := t.Row(i)
		if row == nil {
			continue
		}
		records++
		f.each(t.Schema, row, func(_ int, h uint64, _ float32) { seen[h]++ })
	}
	if records < leastItems || len(seen) == 0 {
		return
	}
	size := bucketsMin
	for size < 2*len(seen) && size < bucketsMax {
		size *= 2
	}
	holders := make([]int, size)
	for h, n := range seen {
		holders[h%uint64(size)] += n
	}
	f.Rarity = make([]float32, size)
	for b, n := range holders {
		if n > 0 {
			f.Rarity[b] = float32(math.Log(1 + float64(records)/float64(n)))
		}
	}
}

// Of gives the vector of a record. to is memory to use.
func (f *Features) Of(s *dataset.Schema, row dataset.Row, to *Vector) {
	to.At, to.Values = to.At[:0], to.Values[:0]
	if row == nil || s == nil {
		return
	}
	sum := map[uint32]float32{}
	column, squares := map[uint32]float32{}, float64(0)
	flush := func() {
		for b, x := range column { // each column weighs the same; no bucket is met twice here
			sum[b] += x / float32(math.Sqrt(squares))
		}
		clear(column)
		squares = 0
	}
	last := -1
	f.each(s, row, func(c int, h uint64, x float32) {
		if c != last {
			flush()
			last = c
		}
		b := uint32(h % uint64(len(f.Rarity)))
		if x *= f.Rarity[b]; x != 0 {
			old := column[b]
			column[b] = old + x
			squares += float64((old+x)*(old+x) - old*old)
		}
	})
	flush()
	to.fill(sum)
}

// fill puts sums into the vector, scaled to length 1.
func (v *Vector) fill(sum map[uint32]float32) {
	for b := range sum {
		v.At = append(v.At, b)
	}
	slices.Sort(v.At)
	squares := 0.
	for _, b := range v.At {
		squares += float64(sum[b]) * float64(sum[b])
	}
	for _, b := range v.At {
		v.Values = append(v.Values, sum[b]/float32(math.Sqrt(squares)))
	}
}

// each calls fn for what a record says, column by column: the number of the
// column, a hash of it and what it says, and how much that weighs.
func (f *Features) each(s *dataset.Schema, row dataset.Row, fn func(column int, hash uint64, weight float32)) {
	for c := range f.Columns {
		col := &f.Columns[c]
		at := s.Column(col.Name)
		if at < 0 || at >= len(row) {
			continue
		}
		col.Each(row[at], func(text string, weight float32) { fn(c, hash(col.Name, text), weight) })
	}
}

// number says the bin of a number, and half as much its neighbours.
func number(x float64, cuts []float64, say func(string, float32)) {
	bin, _ := slices.BinarySearch(cuts, x)
	for d := -1; d <= 1; d++ {
		if b := bin + d; b >= 0 && b <= len(cuts) {
			weight := float32(1)
			if d != 0 {
				weight = .5
			}
			say(string(rune('a'+b)), weight)
		}
	}
}

// words says the words of a text and the pairs of neighbours.
func words(text string, say func(string, float32)) {
	before := ""
	for word := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		say(word, 1)
		if before != "" {
			say(before+" "+word, .5)
		}
		before = word
	}
}

func hash(column, text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(column)) // a hash never fails
	_, _ = h.Write([]byte{0})
	_, _ = h.Write([]byte(text))
	x := h.Sum64()
	return x ^ x>>32
}
