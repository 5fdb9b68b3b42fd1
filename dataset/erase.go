package dataset

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// Erasure names ids, of one column, whose records are to be gone.
type Erasure struct {
	Column string // USER_ID or ITEM_ID
	IDs    map[string]struct{}
}

// has says whether an id is one of them.
func (e *Erasure) has(id string) bool {
	_, ok := e.IDs[id]
	return ok
}

// Concerns says whether a part with these ids (ReadPartIDs, ReadIDs) has records
// that are to be gone, or so much as one of the ids.
func (e *Erasure) Concerns(p *Part) bool {
	return slices.ContainsFunc(e.list(p), e.has)
}

// list gives the ids of the column that are in a part.
func (e *Erasure) list(p *Part) []string {
	switch {
	case p.Type == Interactions || p.Type == ActionInteractions:
		if e.Column == "USER_ID" {
			return p.UserIDs
		}
		if p.Type == Interactions && e.Column == "ITEM_ID" {
			return p.ItemIDs
		}
	case p.Type == Users && e.Column == "USER_ID", p.Type == Items && e.Column == "ITEM_ID":
		return p.IDs
	}
	return nil
}

// IDsOf gives a part's ids without those that are to be gone, for WriteIDs.
func (e *Erasure) IDsOf(p *Part) *Part {
	out := *p
	for _, list := range []*[]string{&out.UserIDs, &out.ItemIDs, &out.IDs} {
		if mine := e.list(p); len(mine) > 0 && len(*list) > 0 && &mine[0] == &(*list)[0] {
			*list = slices.DeleteFunc(slices.Clone(mine), e.has)
		}
	}
	return &out
}

// ConcernsPart is Concerns of a part, which may also show one of the items in an
// impression: that is only found by reading it all.
func (e *Erasure) ConcernsPart(r io.ReaderAt, size int64, s *Schema) (rows int64, concerned bool, err error) {
	p, err := ReadPartIDs(r, size, s)
	if err != nil {
		return 0, false, err
	}
	if e.Concerns(p) {
		return p.Rows, true, nil
	}
	f := e.impressions(s)
	if f < 0 {
		return p.Rows, false, nil
	}
	raw := newColumns(s)
	if _, err := readPart(r, size, s, &partReader{raw: raw}); err != nil {
		return 0, false, err
	}
	return p.Rows, slices.ContainsFunc(raw.ids[f], func(text string) bool { return e.unseen(text) != text }), nil
}

// impressions gives the column that lists items which were shown; -1 where there is
// none, or where users are to be gone.
func (e *Erasure) impressions(s *Schema) int {
	if e.Column != "ITEM_ID" {
		return -1
	}
	return s.Column("IMPRESSION")
}

// unseen gives an impression without the items that are to be gone.
func (e *Erasure) unseen(impression string) string {
	return strings.Join(slices.DeleteFunc(strings.Split(impression, separator), e.has), separator)
}

// Part writes a part without the records that are to be gone; neither their ids nor
// anything that they alone said is in it. It gives the number of rows left.
func (e *Erasure) Part(ctx context.Context, r io.ReaderAt, size int64, s *Schema, w io.Writer) (int64, error) {
	raw := newColumns(s)
	p, err := readPart(r, size, s, &partReader{raw: raw})
	if err != nil {
		return 0, err
	}
	raw.dedicated(s, p)
	keep := make([]bool, p.Rows)
	f := s.Column(e.Column)
	if f < 0 {
		return 0, fmt.Errorf("erase from part: there is no column %s", e.Column)
	}
	gone := make([]bool, len(raw.ids[f]))
	for n, id := range raw.ids[f] {
		gone[n] = e.has(id)
	}
	for i, n := range raw.chunks[0].cols[f].refs {
		keep[i] = n == uint32(NoIndex) || !gone[n]
	}
	if f := e.impressions(s); f >= 0 {
		raw.texts(f, s.Fields[f].Nullable, e.unseen)
	}
	raw.keep(keep)
	return raw.rows, writePart(ctx, w, s, raw, nil)
}

// texts puts what to gives in the place of each text of a column; an empty one is
// null where that may be.
func (d *columns) texts(f int, nullable bool, to func(string) string) {
	dict := NewDict()
	number := make([]uint32, len(d.ids[f]))
	for n, text := range d.ids[f] {
		number[n] = uint32(NoIndex)
		if text = to(text); text != "" || !nullable {
			number[n] = uint32(dict.Intern(text))
		}
	}
	refs := d.chunks[0].cols[f].refs
	for i, n := range refs {
		if n != uint32(NoIndex) {
			refs[i] = number[n]
		}
	}
	d.ids[f] = dict.IDs()
}

// newColumns gives columns for the rows of one part.
func newColumns(s *Schema) *columns {
	return &columns{chunks: []*chunk{{cols: make([]column, len(s.Fields))}}, ids: make([][]string, len(s.Fields))}
}

// dedicated takes over what has a place of its own in a part, and makes columns
// null that the part does not have.
func (d *columns) dedicated(s *Schema, p *Part) {
	c := d.chunks[0]
	c.rows, d.rows = int(p.Rows), p.Rows
	for i := range s.Fields {
		f, col := &s.Fields[i], &c.cols[i]
		if !s.dedicated(i) {
			col.fill(s.layout(f), f.Nullable, c.rows)
			continue
		}
		switch f.Name {
		case "USER_ID":
			col.refs, d.ids[i] = refsOf(p.Users), p.UserIDs
		case "ITEM_ID", "ACTION_ID":
			col.refs, d.ids[i] = refsOf(p.Items), p.ItemIDs
		case "EVENT_TYPE":
			col.refs, d.ids[i] = refsOf(p.Types), p.EventTypes
		case "TIMESTAMP":
			col.ints = p.Times
		default:
			col.values = p.Values
			for len(col.values) < c.rows { // the schema got it later
				col.values = append(col.values, float32(math.NaN()))
			}
		}
	}
}

func refsOf[T Index | uint16](list []T) []uint32 {
	out := make([]uint32, len(list))
	for i, x := range list {
		out[i] = uint32(x)
	}
	return out
}

// put appends a cell. Texts are numbered by texts.
func (c *column) put(v Value, lay layout, nullable bool, texts *Dict) {
	null := v.Kind == ""
	switch lay {
	case asRef:
		n := uint32(NoIndex)
		if !null {
			n = uint32(texts.Intern(v.Str))
		}
		c.refs = append(c.refs, n)
	case asInt:
		c.ints = append(c.ints, v.Int)
		if nullable {
			c.nulls = append(c.nulls, null)
		}
	case asBool:
		b := byte(v.Num)
		if null {
			b = 2
		}
		c.bools = append(c.bools, b)
	default:
		x := v.Num
		if null {
			x = math.NaN()
		}
		c.floats = append(c.floats, x)
	}
}

// fill makes a column of nulls unless it has cells.
func (c *column) fill(lay layout, nullable bool, rows int) {
	for len(c.refs)+len(c.ints)+len(c.bools)+len(c.floats) < rows {
		c.put(Value{}, lay, nullable, nil)
	}
}

// keep drops rows, and texts that no row has any more. Numbers are by first
// appearance again.
func (d *columns) keep(keep []bool) {
	c := d.chunks[0]
	c.rows = 0
	for _, k := range keep {
		if k {
			c.rows++
		}
	}
	d.rows = int64(c.rows)
	for f := range c.cols {
		col := &c.cols[f]
		col.refs, col.ints, col.nulls = kept(col.refs, keep), kept(col.ints, keep), kept(col.nulls, keep)
		col.floats, col.values, col.bools = kept(col.floats, keep), kept(col.values, keep), kept(col.bools, keep)
		to := make([]uint32, len(d.ids[f])) // the new number plus 1
		var texts []string
		for i, n := range col.refs {
			if n == uint32(NoIndex) {
				continue
			}
			if to[n] == 0 {
				texts = append(texts, d.ids[f][n])
				to[n] = uint32(len(texts))
			}
			col.refs[i] = to[n] - 1
		}
		d.ids[f] = texts
	}
}

// kept gives the elements that are kept, in the place of list.
func kept[T any](list []T, keep []bool) []T {
	out := list[:0]
	for i := range list {
		if keep[i] {
			out = append(out, list[i])
		}
	}
	return out
}
