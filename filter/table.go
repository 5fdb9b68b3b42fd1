package filter

import (
	"slices"
	"sync"
	"sync/atomic"

	"usher/dataset"
)

// Table is the records of all items or users at one moment, prepared for
// filters. A column is prepared when it is first asked for; who asks meanwhile
// waits. All methods may be called concurrently.
type Table struct {
	rows    *dataset.Table
	n       int
	columns []lazyColumn // by field
}

type lazyColumn struct {
	once  sync.Once
	ready atomic.Pointer[column]
}

// NewTable gives a table of the rows whose numbers are below n, which must not
// change any more. rows may be without a schema: then there is no column.
func NewTable(rows *dataset.Table, n int) *Table {
	t := &Table{rows: rows, n: n}
	if rows.Schema != nil {
		t.columns = make([]lazyColumn, len(rows.Schema.Fields))
	}
	return t
}

// With gives a table in which changes have been carried out, in their order.
// Columns that were asked for are prepared again.
func (t *Table) With(changed []Change) *Table {
	rows, n := t.rows.Clone(), t.n
	for _, c := range changed {
		rows.Set(c.Index, c.Row)
		n = max(n, int(c.Index)+1)
	}
	out := NewTable(rows, n)
	for f := range t.columns {
		if t.columns[f].ready.Load() != nil {
			out.column(f)
		}
	}
	return out
}

// Len is the number below which all rows are.
func (t *Table) Len() int { return t.n }

// Used says whether a column was asked for.
func (t *Table) Used() bool {
	for f := range t.columns {
		if t.columns[f].ready.Load() != nil {
			return true
		}
	}
	return false
}

// column gives a prepared column, nil when the table has none of that number.
func (t *Table) column(f int) *column {
	if f >= len(t.columns) {
		return nil
	}
	l := &t.columns[f]
	l.once.Do(func() { l.ready.Store(t.prepare(f)) })
	return l.ready.Load()
}

// column is one column of a Table, by what it holds.
type column struct {
	codes  map[string]uint32 // text → its list
	lists  []list
	sorted []uint64        // keys in order
	order  []dataset.Index // the records that have them
	filled []uint64        // bitmap of the records that have a value
}

// list is the records that have a text: their numbers, or a bitmap where that is
// smaller.
type list struct {
	some []dataset.Index
	bits []uint64
}

func (t *Table) prepare(f int) *column {
	if def := t.rows.Schema.Fields[f]; def.Kind == dataset.String {
		return t.texts(f, def.Categorical)
	}
	return t.numbers(f)
}

// texts makes inverted lists. Equal cells are cut into categories once.
func (t *Table) texts(f int, several bool) *column {
	c := &column{codes: map[string]uint32{}, filled: make([]uint64, (t.n+63)/64)}
	var sizes []uint32
	code := func(s string) uint32 {
		n, ok := c.codes[s]
		if !ok {
			n = uint32(len(sizes))
			c.codes[s] = n
			sizes = append(sizes, 0)
		}
		return n
	}
	parts := map[string][]uint32{} // cell → codes
	of := make([][]uint32, t.n)    // record → codes
	for i := range t.n {
		row := t.rows.Row(dataset.Index(i))
		if f >= len(row) || row[f].Kind == "" {
			continue
		}
		c.filled[i>>6] |= 1 << (i & 63)
		cell := row[f].Str
		codes, ok := parts[cell]
		if !ok {
			codes = codesOf(cell, several, code)
			parts[cell] = codes
		}
		for _, n := range codes {
			sizes[n]++
		}
		of[i] = codes
	}
	c.lists = make([]list, len(sizes))
	for n, size := range sizes {
		if int(size) > t.n/32 {
			c.lists[n].bits = make([]uint64, (t.n+63)/64)
		} else {
			c.lists[n].some = make([]dataset.Index, 0, size)
		}
	}
	for i, codes := range of {
		for _, n := range codes {
			if l := &c.lists[n]; l.bits != nil {
				l.bits[i>>6] |= 1 << (i & 63)
			} else {
				l.some = append(l.some, dataset.Index(i))
			}
		}
	}
	return c
}

// codesOf gives the codes of a cell, each once.
func codesOf(cell string, several bool, code func(string) uint32) []uint32 {
	if !several {
		return []uint32{code(cell)}
	}
	var out []uint32
	for part := range dataset.Several(cell) {
		if n := code(part); !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// numbers sorts the records by their number.
func (t *Table) numbers(f int) *column {
	c := &column{filled: make([]uint64, (t.n+63)/64)}
	for i := range t.n {
		row := t.rows.Row(dataset.Index(i))
		if f >= len(row) || row[f].Kind == "" {
			continue
		}
		c.sorted, c.order = append(c.sorted, keyOf(row[f])), append(c.order, dataset.Index(i))
		c.filled[i>>6] |= 1 << (i & 63)
	}
	c.sort()
	return c
}

// sort puts keys and records into the order of the keys, byte by byte from the
// lowest. Bytes that are the same in all keys are passed over, and equal keys
// keep their order.
func (c *column) sort() {
	keys, order := make([]uint64, len(c.sorted)), make([]dataset.Index, len(c.order))
	for shift := 0; shift < 64; shift += 8 {
		var starts [257]int
		for _, k := range c.sorted {
			starts[k>>shift&255+1]++
		}
		if slices.Max(starts[:]) == len(c.sorted) {
			continue
		}
		for b := range 256 {
			starts[b+1] += starts[b]
		}
		for n, k := range c.sorted {
			at := &starts[k>>shift&255]
			keys[*at], order[*at] = k, c.order[n]
			*at++
		}
		c.sorted, keys = keys, c.sorted
		c.order, order = order, c.order
	}
}

// mark puts the records for which a condition holds into bits, which is empty.
// Numbers beyond its room are left out.
func (c *column) mark(b *bound, bits bitmap) {
	if b.match == isNull {
		c.markFilled(bits)
		bits.flip()
		return
	}
	if b.match == like {
		for t, n := range c.codes {
			if b.hasText(t) {
				c.lists[n].addTo(bits)
			}
		}
		return
	}
	if b.kind == dataset.String {
		for _, t := range b.texts {
			n, ok := c.codes[t]
			if !ok {
				continue
			}
			c.lists[n].addTo(bits)
		}
		return
	}
	for _, r := range b.ranges {
		c.markRange(r, bits)
	}
}

// addTo adds the records of a list.
func (l list) addTo(bits bitmap) {
	if l.bits != nil {
		bits.or(l.bits)
	} else {
		bits.addAll(l.some)
	}
}

// markFilled puts the records that have a value into bits, which is empty. A text
// of no category is a value too.
func (c *column) markFilled(bits bitmap) { bits.or(c.filled) }

// markRange takes the smaller way: those inside the range, or all that have a
// number less those outside.
func (c *column) markRange(r keyRange, bits bitmap) {
	if r.lo > r.hi {
		return
	}
	from, _ := slices.BinarySearch(c.sorted, r.lo)
	to := len(c.sorted)
	if r.hi < ^uint64(0) {
		to, _ = slices.BinarySearch(c.sorted, r.hi+1)
	}
	if to-from <= len(c.sorted)/2 {
		bits.addAll(c.order[from:to])
		return
	}
	outside := borrow(len(bits))
	defer giveBack(outside)
	outside.addAll(c.order[:from])
	outside.addAll(c.order[to:])
	bits.orLess(c.filled, outside)
}
