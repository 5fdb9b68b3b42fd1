package dataset

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/parquet-go/parquet-go"
)

// Part is one file of bulk data: Parquet columns with local numbers, its own
// dictionaries in order of first appearance, a version and checksums. Any
// Parquet tool can read it (docs/formats.md).
type Part struct {
	Type Type
	Rows int64

	// Interactions: local dictionaries and columns. Of ActionInteractions the
	// items are the actions.
	UserIDs, ItemIDs, EventTypes []string
	Users, Items                 []Index   // (Rows) local numbers
	Types                        []uint16  // (Rows) local numbers; nil without EVENT_TYPE
	Times                        []int64   // (Rows) Unix seconds
	Values                       []float32 // (Rows) NaN when absent; nil without EVENT_VALUE

	// Interactions' other columns, and all of items' and users': row by row in
	// schema order; nil when the schema has no further columns. The cells of
	// columns that have a place above are null.
	Cells []Row
	Rest  []uint32 // (Rows) what stands for the cells where ReadEvents has left them out; nil without any
	IDs   []string // (Rows) of items and users
}

// ReadPart reads a part written by Import. The schema must be the one it was
// written with, or one that has more columns which may be null.
func ReadPart(r io.ReaderAt, size int64, s *Schema) (*Part, error) {
	return readPart(r, size, s, &partReader{})
}

// ReadEvents is ReadPart without the further columns of interactions, which take
// many times the memory of the others: Rest has Schema.Rest of each row.
func ReadEvents(r io.ReaderAt, size int64, s *Schema) (*Part, error) {
	return readPart(r, size, s, &partReader{rests: s.Type == Interactions || s.Type == ActionInteractions})
}

// VisitPart is ReadPart with visit in the place of Part.Cells: it gets the cells of
// the further columns one column after the other, each from the first row to the
// last. Columns that the schema got after the part was written are left out.
func VisitPart(r io.ReaderAt, size int64, s *Schema, visit func(row, field int, v Value)) (*Part, error) {
	return readPart(r, size, s, &partReader{visit: visit})
}

func readPart(r io.ReaderAt, size int64, s *Schema, p *partReader) (part *Part, err error) {
	// The checksum is over what the columns say, so damage can reach the Parquet
	// decoder first, which panics on some of it.
	defer func() {
		if x := recover(); x != nil {
			part, err = nil, fmt.Errorf("read part: damaged file: %v", x)
		}
	}()
	file, err := openColumns(r, size)
	if err != nil {
		return nil, fmt.Errorf("read part: %w", err)
	}
	p.schema, p.file, p.part = s, file, &Part{Type: s.Type}
	if err := p.read(size); err != nil {
		return nil, fmt.Errorf("read part: %w", err)
	}
	return p.part, nil
}

// ReadPartIDs reads a part's dictionaries, and the IDs of items and users, alone:
// what numbers are given by. Damage to them is found by the file's own page
// checksums.
func ReadPartIDs(r io.ReaderAt, size int64, s *Schema) (*Part, error) {
	return readPart(r, size, s, &partReader{idsOnly: true})
}

// partReader fills a Part.
type partReader struct {
	schema  *Schema
	file    *parquet.File
	part    *Part
	sums    []partSum
	idsOnly bool
	raw     *columns // takes the cells, in the place of Part.Cells
	visit   func(row, field int, v Value)
	begin   func(*Part) (visit func(row, field int, v Value)) // makes visit; may be nil
	rests   bool                                              // of interactions' further columns only what Schema.Rest says
	texts   map[string]string                                 // of one column, so that equal texts share their bytes; nil where few are equal
}

func (p *partReader) read(size int64) error {
	if v, ok := p.file.Lookup(keyVersion); !ok || v != partVersion {
		return fmt.Errorf("version %q, want %q", v, partVersion)
	}
	if t, _ := p.file.Lookup(keyType); t != string(p.schema.Type) {
		return fmt.Errorf("a part of type %q, want %q", t, p.schema.Type)
	}
	rows, _ := p.file.Lookup(keyRows)
	p.part.Rows = p.file.NumRows()
	if rows != strconv.FormatInt(p.part.Rows, 10) || p.part.Rows < 0 || p.part.Rows >= int64(NoIndex) {
		return fmt.Errorf("%d rows, want %q", p.part.Rows, rows)
	}
	if p.part.Rows/maxRowsPerByte > size {
		return fmt.Errorf("%d rows in %d bytes", p.part.Rows, size)
	}
	var cols []partColumn
	for _, c := range partColumns(p.schema) {
		if _, ok := p.file.Schema().Lookup(c.name); !ok {
			if f := p.schema.Fields[c.field]; f.Nullable && !c.dictionary && !c.numbers {
				continue // the schema got this column after the part was written
			}
			return fmt.Errorf("column %s is missing", c.name)
		}
		if p.idsOnly && !c.dictionary && (c.numbers || c.field != p.schema.ID()) {
			continue
		}
		cols = append(cols, c)
	}
	if !p.idsOnly && p.raw == nil && (p.visit == nil || p.rests) {
		p.makeCells()
	}
	p.sums = make([]partSum, len(cols))
	if err := p.columns(cols, true); err != nil {
		return err
	}
	if p.begin != nil {
		p.visit = p.begin(p.part)
	}
	if err := p.columns(cols, false); err != nil {
		return err
	}
	if p.idsOnly {
		return nil
	}
	if want, _ := p.file.Lookup(keySum); sumOf(p.sums) != want {
		return fmt.Errorf("checksum %s, want %q", sumOf(p.sums), want)
	}
	return p.check()
}

// columns reads those that are dedicated, or the others.
func (p *partReader) columns(cols []partColumn, dedicated bool) error {
	for i, c := range cols {
		if p.schema.dedicated(c.field) != dedicated {
			continue
		}
		if err := p.column(c, &p.sums[i]); err != nil {
			return fmt.Errorf("column %s: %w", c.name, err)
		}
	}
	return nil
}

// maxRowsPerByte bounds what a damaged footer can make us allocate: equal values
// compress very well, but not better than this.
const maxRowsPerByte = 1 << 14

// makeCells makes the rows, all null, in one piece.
func (p *partReader) makeCells() {
	n, fields := int(p.part.Rows), len(p.schema.Fields)
	more := false
	for i := range fields {
		more = more || !p.schema.dedicated(i)
	}
	if !more {
		return
	}
	if p.rests {
		p.part.Rest = make([]uint32, n)
		return
	}
	p.part.Cells = make([]Row, n)
	all := make([]Value, n*fields)
	for i := range n {
		p.part.Cells[i] = all[i*fields : (i+1)*fields : (i+1)*fields]
	}
}

// column reads one column of all row groups into its place.
func (p *partReader) column(c partColumn, sum *partSum) error {
	rows := int(p.part.Rows)
	name := p.schema.Fields[c.field].Name
	switch {
	case c.dictionary:
		return p.dictionary(c, sum)
	case c.numbers:
		list := make([]uint32, 0, rows)
		err := readAll(p, c, &list, readUint32s)
		sum.u32(list)
		p.placeNumbers(name, list)
		return err
	case p.schema.dedicated(c.field) && name == "TIMESTAMP":
		p.part.Times = make([]int64, 0, rows)
		err := readAll(p, c, &p.part.Times, readInt64s)
		sum.i64(p.part.Times)
		return err
	case p.schema.dedicated(c.field):
		p.part.Values = make([]float32, 0, rows)
		err := readAll(p, c, &p.part.Values, readFloats)
		sum.f32(p.part.Values)
		return err
	}
	return p.cells(c, sum)
}

func (p *partReader) placeNumbers(name string, list []uint32) {
	if name == "EVENT_TYPE" {
		p.part.Types = make([]uint16, len(list))
		for i, x := range list {
			p.part.Types[i] = uint16(x) // the checksum was over x; dictionaries have at most 65536 texts
		}
		return
	}
	out := make([]Index, len(list))
	for i, x := range list {
		out[i] = Index(x)
	}
	if name == "USER_ID" {
		p.part.Users = out
	} else {
		p.part.Items = out
	}
}

// pages calls f for each page of a column, in the order of rows.
func (p *partReader) pages(c partColumn, f func(parquet.Page) error) error {
	leaf, _ := p.file.Schema().Lookup(c.name)
	for _, g := range p.file.RowGroups() {
		err := func() error {
			pages := g.ColumnChunks()[leaf.ColumnIndex].Pages()
			defer pages.Close()
			for {
				page, err := pages.ReadPage()
				if err == io.EOF {
					return nil
				}
				if err != nil {
					return err
				}
				err = f(page)
				parquet.Release(page)
				if err != nil {
					return err
				}
			}
		}()
		if err != nil {
			return err
		}
	}
	return nil
}

// readAll appends a column of plain numbers to a list with room for all rows.
func readAll[T any](p *partReader, c partColumn, to *[]T, read func(parquet.ValueReader, []T) (int, error)) error {
	err := p.pages(c, func(page parquet.Page) error {
		from, n := len(*to), int(page.NumValues())
		if n > cap(*to)-from || page.NumNulls() > 0 {
			return errDamaged
		}
		*to = (*to)[:from+n]
		got, err := read(page.Values(), (*to)[from:])
		if err != nil && err != io.EOF {
			return err
		}
		if got < n {
			return errDamaged
		}
		return nil
	})
	if err == nil && int64(len(*to)) != p.part.Rows {
		return errDamaged
	}
	return err
}

var errKind = errors.New("the column has another type than the schema says")

func readUint32s(r parquet.ValueReader, to []uint32) (int, error) {
	if x, ok := r.(interface{ ReadUint32s([]uint32) (int, error) }); ok {
		return x.ReadUint32s(to)
	}
	return 0, errKind
}

func readInt64s(r parquet.ValueReader, to []int64) (int, error) {
	if x, ok := r.(parquet.Int64Reader); ok {
		return x.ReadInt64s(to)
	}
	return 0, errKind
}

func readFloats(r parquet.ValueReader, to []float32) (int, error) {
	if x, ok := r.(parquet.FloatReader); ok {
		return x.ReadFloats(to)
	}
	return 0, errKind
}

// each calls f with every value of an optional column.
func (p *partReader) each(c partColumn, f func(row int, v parquet.Value) error) error {
	row := 0
	buf := make([]parquet.Value, batchRows)
	err := p.pages(c, func(page parquet.Page) error {
		values := page.Values()
		for {
			n, err := values.ReadValues(buf)
			for _, v := range buf[:n] {
				if row >= int(p.part.Rows) {
					return errDamaged
				}
				if err := f(row, v); err != nil {
					return err
				}
				row++
			}
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
		}
	})
	if err == nil && row != int(p.part.Rows) {
		return errDamaged
	}
	return err
}

// dictionary reads the texts of a field's numbers.
func (p *partReader) dictionary(c partColumn, sum *partSum) error {
	var ids []string
	err := p.each(c, func(row int, v parquet.Value) error {
		if v.IsNull() {
			return nil
		}
		if v.Kind() != parquet.ByteArray || row != len(ids) {
			return errDamaged
		}
		ids = append(ids, string(v.ByteArray()))
		return sum.value(Value{Kind: String, Str: ids[row]})
	})
	switch p.schema.Fields[c.field].Name {
	case "USER_ID":
		p.part.UserIDs = ids
	case "EVENT_TYPE":
		p.part.EventTypes = ids
	default:
		p.part.ItemIDs = ids
	}
	return err
}

// cells reads a column that is stored as it is.
func (p *partReader) cells(c partColumn, sum *partSum) error {
	f := &p.schema.Fields[c.field]
	id := c.field == p.schema.ID()
	if id {
		p.part.IDs = make([]string, 0, p.part.Rows)
	}
	p.texts = nil
	if !id && !f.Textual && f.Name != "RECOMMENDATION_ID" && f.Name != "IMPRESSION" {
		p.texts = map[string]string{}
	}
	if p.raw != nil {
		return p.rawCells(c, sum)
	}
	return p.each(c, func(row int, v parquet.Value) error {
		x, err := p.cell(f, v)
		if err != nil {
			return err
		}
		if id {
			p.part.IDs = append(p.part.IDs, x.Str)
		}
		if p.visit != nil {
			p.visit(row, c.field, x)
		}
		if p.rests {
			p.part.Rest[row] += restOf(f, x)
		} else if p.part.Cells != nil {
			p.part.Cells[row][c.field] = x
		}
		return sum.value(x)
	})
}

// rawCells is cells for raw.
func (p *partReader) rawCells(c partColumn, sum *partSum) error {
	f := &p.schema.Fields[c.field]
	col, lay, texts := &p.raw.chunks[0].cols[c.field], p.schema.layout(f), NewDict()
	err := p.each(c, func(_ int, v parquet.Value) error {
		x, err := p.cell(f, v)
		if err != nil {
			return err
		}
		col.put(x, lay, f.Nullable, texts)
		return sum.value(x)
	})
	p.raw.ids[c.field] = texts.IDs()
	return err
}

func (p *partReader) cell(f *Field, v parquet.Value) (Value, error) {
	if v.IsNull() {
		return Value{}, nil
	}
	if v.Kind() != stored(f.Kind) {
		return Value{}, errKind
	}
	switch f.Kind {
	case String:
		b := v.ByteArray()
		if p.texts == nil {
			return Value{Kind: String, Str: string(b)}, nil
		}
		s, ok := p.texts[string(b)]
		if !ok {
			s = string(b)
			p.texts[s] = s
		}
		return Value{Kind: String, Str: s}, nil
	case Int:
		return Value{Kind: Int, Num: float64(v.Int32()), Int: int64(v.Int32())}, nil
	case Long:
		return Value{Kind: Long, Num: float64(v.Int64()), Int: v.Int64()}, nil
	case Boolean:
		x := Value{Kind: Boolean}
		if v.Boolean() {
			x.Num = 1
		}
		return x, nil
	}
	return Value{Kind: f.Kind, Num: v.Double()}, nil
}

// stored gives the Parquet type of a kind's cells.
func stored(k Kind) parquet.Kind {
	switch k {
	case String:
		return parquet.ByteArray
	case Int:
		return parquet.Int32
	case Long:
		return parquet.Int64
	case Boolean:
		return parquet.Boolean
	}
	return parquet.Double
}

// check sees to it that every number has a text. What Import wrote is so; a file
// with a right checksum that somebody else wrote need not be.
func (p *partReader) check() error {
	q := p.part
	if len(q.EventTypes) > math.MaxUint16+1 {
		return fmt.Errorf("%d event types", len(q.EventTypes))
	}
	return cmp.Or(within("user", q.Users, q.UserIDs), within("item", q.Items, q.ItemIDs), within("event type", q.Types, q.EventTypes))
}

func within[T Index | uint16](what string, numbers []T, ids []string) error {
	for _, n := range numbers {
		if int(n) >= len(ids) {
			return fmt.Errorf("%s %d of %d", what, n, len(ids))
		}
	}
	return nil
}
