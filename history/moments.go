package history

import (
	"math"
	"slices"
	"strings"

	"usher/dataset"
)

// What events say in the customer's own columns (a device, a price) is for filters
// and trainings (context.go).
// Events that say the same have the same moment, a number that stands in
// Event.Context; 0 says nothing. So an event takes four bytes for that however many
// columns there are, and a moment four for each column, and what it takes to find it:
// values stand once in their column.

// moments are those of a group. A copy is for readers: what is in it does not change,
// the writer only ever writes behind its end.
type moments struct {
	columns []ownColumn
	codes   []uint32 // of moment n (n-1)*len(columns)…: of each column the place of its value, from 1; 0 is null
	full    bool     // there are more than are kept
}

// ownColumn is one column and its different values.
type ownColumn struct {
	name   string
	values []dataset.Value
}

// len counts them.
func (m *moments) len() int { return len(m.codes) / max(1, len(m.columns)) }

// Column implements filter.Moments.
func (m *moments) Column(name string) int {
	return slices.IndexFunc(m.columns, func(c ownColumn) bool { return strings.EqualFold(c.name, name) })
}

// Cell implements filter.Moments.
func (m *moments) Cell(moment uint32, column int) dataset.Value {
	if moment == 0 || column < 0 || int64(moment) > int64(m.len()) {
		return dataset.Value{}
	}
	code := m.codes[(int(moment)-1)*len(m.columns)+column]
	if code == 0 {
		return dataset.Value{}
	}
	return m.columns[column].values[code-1]
}

// Complete implements filter.Moments.
func (m *moments) Complete() bool { return !m.full }

// momentsMost is how many bytes moments may take. What comes when they are full says
// nothing, and filters refuse to look at it.
const momentsMost = 256 << 20

// momentIndex numbers moments. Only the goroutine of apply uses it.
type momentIndex struct {
	moments
	fields []int // by column: its position in the schema, -1 if that has it no more
	places []map[ownValue]uint32
	slots  []uint32 // open addressing by the hash of the codes: moments, 0 where none is
	bytes  int64
	most   int64
	row    []uint32 // the codes of one moment
}

// ownValue is a value as it is told apart.
type ownValue struct {
	text string
	bits uint64
}

func keyOf(v dataset.Value) ownValue {
	switch v.Kind {
	case dataset.String:
		return ownValue{text: v.Str}
	case dataset.Int, dataset.Long:
		return ownValue{bits: uint64(v.Int)}
	}
	return ownValue{bits: math.Float64bits(v.Num)}
}

func newMomentIndex() *momentIndex { return &momentIndex{most: momentsMost} }

// indexOf makes the index of moments that were loaded.
func indexOf(m moments) *momentIndex {
	x := newMomentIndex()
	x.moments = m
	for i := range m.columns {
		c := &m.columns[i]
		x.fields = append(x.fields, -1)
		x.places = append(x.places, make(map[ownValue]uint32, len(c.values)))
		for at, v := range c.values {
			x.places[i][keyOf(v)] = uint32(at + 1)
			x.bytes += valueBytes(v)
		}
	}
	x.row = make([]uint32, len(x.columns))
	x.rehash()
	return x
}

// valueBytes is about what a value takes, with the place in its map.
func valueBytes(v dataset.Value) int64 { return 120 + int64(len(v.Str)) }

// under takes a schema: columns that it has and were not there come behind, in which
// the moments so far say nothing.
func (x *momentIndex) under(s *dataset.Schema) {
	for i := range x.fields {
		x.fields[i] = -1
	}
	before := len(x.columns)
	for _, f := range s.OwnColumns() {
		at := x.Column(s.Fields[f].Name)
		if at < 0 {
			at = len(x.columns)
			x.columns = append(slices.Clone(x.columns), ownColumn{name: s.Fields[f].Name})
			x.fields, x.places = append(x.fields, 0), append(x.places, map[ownValue]uint32{})
		}
		x.fields[at] = f
	}
	if n := len(x.columns); n > before {
		wider := make([]uint32, 0, len(x.codes)/max(1, before)*n)
		for row := range slices.Chunk(x.codes, max(1, before)) {
			wider = append(append(wider, row...), make([]uint32, n-before)...)
		}
		x.codes, x.row = wider, make([]uint32, n)
		x.rehash()
	}
}

// code gives the place of a value in its column, from 1; 0 for null, and for a new
// value when the moments are full.
func (x *momentIndex) code(column int, v dataset.Value) uint32 {
	if v.Kind == "" {
		return 0
	}
	key := keyOf(v)
	n, ok := x.places[column][key]
	if ok {
		return n
	}
	if x.full = x.full || x.bytes >= x.most; x.full {
		return 0
	}
	v.Str = strings.Clone(v.Str) // not the whole file or record that it is part of
	key.text = v.Str
	c := &x.columns[column]
	c.values = append(c.values, v)
	n = uint32(len(c.values))
	x.places[column][key] = n
	x.bytes += valueBytes(v)
	return n
}

// number gives the moment of a row of codes.
func (x *momentIndex) number(row []uint32) uint32 {
	if !slices.ContainsFunc(row, func(c uint32) bool { return c != 0 }) {
		return 0
	}
	at := x.slot(row)
	if x.slots[at] != 0 {
		return x.slots[at]
	}
	if x.full = x.full || x.bytes >= x.most; x.full {
		return 0
	}
	x.codes = append(x.codes, row...)
	x.slots[at] = uint32(x.len())
	x.bytes += int64(4*len(row) + 12)
	if x.len()*4 > len(x.slots)*3 {
		x.rehash()
	}
	return uint32(x.len())
}

// slot gives where a row is, or is to be.
func (x *momentIndex) slot(row []uint32) int {
	width := len(x.columns)
	h := uint64(0)
	for _, c := range row {
		h = (h ^ uint64(c)) * 0x9e3779b97f4a7c15
		h ^= h >> 29
	}
	for at := int(h & uint64(len(x.slots)-1)); ; at = (at + 1) & (len(x.slots) - 1) {
		n := int(x.slots[at])
		if n == 0 || slices.Equal(x.codes[(n-1)*width:n*width], row) {
			return at
		}
	}
}

// rehash makes room for twice the moments there are.
func (x *momentIndex) rehash() {
	size := 64
	for size < 3*x.len() {
		size *= 2
	}
	x.slots = make([]uint32, size)
	width := len(x.columns)
	for n := range x.len() {
		x.slots[x.slot(x.codes[n*width:(n+1)*width])] = uint32(n + 1)
	}
}

// of gives the moment of a live event.
func (x *momentIndex) of(e *dataset.Interaction, s *dataset.Schema) uint32 {
	if len(x.columns) == 0 {
		return 0
	}
	for i, f := range x.fields {
		x.row[i] = 0
		if f >= 0 {
			x.row[i] = x.code(i, e.Cell(s, f))
		}
	}
	return x.number(x.row)
}

// frozen gives the moments so far for readers.
func (x *momentIndex) frozen() moments {
	return moments{slices.Clone(x.columns), x.codes[:len(x.codes):len(x.codes)], x.full}
}

// reading takes the cells of a part in, column by column.
type reading struct {
	index *momentIndex
	at    map[int]int // column by field
	codes [][]uint32  // by column and row
}

// read begins with a part.
func (x *momentIndex) read() *reading {
	r := &reading{x, map[int]int{}, make([][]uint32, len(x.columns))}
	for i, f := range x.fields {
		if f >= 0 {
			r.at[f] = i
		}
	}
	return r
}

// visit takes one cell.
func (r *reading) visit(row, field int, v dataset.Value) {
	at, ok := r.at[field]
	if !ok {
		return
	}
	for len(r.codes[at]) < row { // not asked about
		r.codes[at] = append(r.codes[at], 0)
	}
	r.codes[at] = append(r.codes[at], r.index.code(at, v))
}

// moments gives the moments of all rows, nil where none says anything.
func (r *reading) moments(rows int) []uint32 {
	if !slices.ContainsFunc(r.codes, func(c []uint32) bool { return len(c) > 0 }) {
		return nil
	}
	out := make([]uint32, rows)
	for row := range out {
		for i, codes := range r.codes {
			r.index.row[i] = 0
			if row < len(codes) {
				r.index.row[i] = codes[row]
			}
		}
		out[row] = r.index.number(r.index.row)
	}
	return out
}

// compact gives the moments that events have, in the order of first use, and lists of
// events with the new numbers: what was erased is in neither.
func (m *moments) compact(lists ...*packed) (out moments, renumbered []*packed) {
	x := newMomentIndex()
	x.most = math.MaxInt64
	for _, c := range m.columns {
		x.columns, x.places = append(x.columns, ownColumn{name: c.name}), append(x.places, map[ownValue]uint32{})
	}
	x.row = make([]uint32, len(x.columns))
	x.rehash()
	numbers := make([]uint32, m.len()+1)
	for _, p := range lists {
		next := *p
		next.own = nil
		if p.own != nil {
			next.own = make([]uint32, len(p.own))
		}
		for i, n := range p.own {
			if n != 0 && numbers[n] == 0 {
				for c := range x.columns {
					x.row[c] = x.code(c, m.Cell(n, c))
				}
				numbers[n] = x.number(x.row)
			}
			next.own[i] = numbers[n]
		}
		renumbered = append(renumbered, &next)
	}
	x.full = m.full
	return x.moments, renumbered
}
