package dataset

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// A part is a Parquet file with one column for each field of the schema, by its
// name, one row for each row of the CSV files. In parts of interactions the ids and
// the event types are uint32 numbers, and "dictionary-of-USER_ID" and its like hold
// in row n the text of number n, null behind the last. All else is stored as it
// is. Metadata: version, type, rows, and a CRC32C over the columns' values.

const (
	partVersion = "1"
	keyVersion  = "usher.part.version"
	keyType     = "usher.part.type"
	keyRows     = "usher.part.rows"
	keySum      = "usher.part.crc32c"

	dictionaryOf = "dictionary-of-" // no field can be named so

	groupRows = 1 << 20 // a row group ends with the chunk in which it has so many
	batchRows = 1 << 10
)

// partColumn is one column of the file.
type partColumn struct {
	name       string
	field      int
	dictionary bool // the texts of the field's numbers
	numbers    bool // the field's numbers
}

// partColumns lists the columns of a part in the order of the checksum: by name,
// so that a schema with the same columns in another order reads the part too.
func partColumns(s *Schema) (list []partColumn) {
	for i, f := range s.Fields {
		numbers := s.dedicated(i) && f.Kind == String
		list = append(list, partColumn{name: f.Name, field: i, numbers: numbers})
		if numbers {
			list = append(list, partColumn{name: dictionaryOf + f.Name, field: i, dictionary: true})
		}
	}
	slices.SortFunc(list, func(a, b partColumn) int { return strings.Compare(a.name, b.name) })
	return list
}

// node says how a column is stored.
func (c partColumn) node(s *Schema) parquet.Node {
	f := s.Fields[c.field]
	switch {
	case c.numbers:
		return parquet.Uint(32)
	case c.dictionary:
		return parquet.Optional(parquet.String())
	case s.dedicated(c.field) && f.Name == "TIMESTAMP":
		return parquet.Encoded(parquet.Int(64), &parquet.DeltaBinaryPacked)
	case s.dedicated(c.field): // EVENT_VALUE
		return parquet.Leaf(parquet.FloatType)
	}
	var n parquet.Node
	switch f.Kind {
	case String:
		n = parquet.String()
		if !f.Textual && c.field != s.ID() {
			n = parquet.Encoded(n, &parquet.RLEDictionary)
		}
	case Int:
		n = parquet.Int(32)
	case Long:
		n = parquet.Int(64)
	case Boolean:
		n = parquet.Leaf(parquet.BooleanType)
	default:
		n = parquet.Leaf(parquet.DoubleType) // a float keeps the digits it was written with
	}
	return parquet.Optional(n)
}

// partSum is the checksum of one column's values, each as little-endian bytes.
type partSum struct {
	crc uint32
	buf []byte
}

func (s *partSum) u32(list []uint32) {
	for _, x := range list {
		s.buf = binary.LittleEndian.AppendUint32(s.buf, x)
	}
	s.flush()
}

func (s *partSum) i64(list []int64) {
	for _, x := range list {
		s.buf = binary.LittleEndian.AppendUint64(s.buf, uint64(x))
	}
	s.flush()
}

func (s *partSum) f32(list []float32) {
	for _, x := range list {
		s.buf = binary.LittleEndian.AppendUint32(s.buf, math.Float32bits(x))
	}
	s.flush()
}

func (s *partSum) value(v Value) error {
	var err error
	if s.buf, err = appendValue(s.buf, v); len(s.buf) > 1<<16 {
		s.flush()
	}
	return err
}

func (s *partSum) flush() {
	s.crc = crc32.Update(s.crc, castagnoli, s.buf)
	s.buf = s.buf[:0]
}

// sumOf joins the columns' checksums.
func sumOf(list []partSum) string {
	var all []byte
	for i := range list {
		list[i].flush()
		all = binary.BigEndian.AppendUint32(all, list[i].crc)
	}
	return hex.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.Checksum(all, castagnoli)))
}

// partWriter writes columns of chunks as a Parquet file.
type partWriter struct {
	schema *Schema
	data   *columns
	cols   []partColumn
	at     []int // the column's place in the file
	out    *parquet.GenericWriter[any]
	sums   []partSum
	values []parquet.Value
	def    []int // definition level of a value that is there
	tell   func(done, total int64)
}

// writePart writes the part. Equal columns give equal bytes. tell, if not nil, hears
// of each row group.
func writePart(ctx context.Context, w io.Writer, s *Schema, data *columns, tell func(done, total int64)) error {
	p := &partWriter{schema: s, data: data, cols: partColumns(s), tell: tell, values: make([]parquet.Value, 0, batchRows)}
	group := parquet.Group{}
	for _, c := range p.cols {
		group[c.name] = c.node(s)
	}
	file := parquet.NewSchema("part", group)
	for _, c := range p.cols {
		leaf, _ := file.Lookup(c.name)
		p.at = append(p.at, leaf.ColumnIndex)
		p.def = append(p.def, leaf.MaxDefinitionLevel)
	}
	p.sums = make([]partSum, len(p.cols))
	p.out = parquet.NewGenericWriter[any](w, file, parquet.Compression(&zstd.Codec{Level: zstd.SpeedFastest}), parquet.CreatedBy("usher", partVersion, ""))
	if err := p.write(ctx); err != nil {
		return fmt.Errorf("write part: %w", err)
	}
	return nil
}

func (p *partWriter) write(ctx context.Context) error {
	var done, rows int64
	for from, i := 0, 0; i < len(p.data.chunks); i++ {
		rows += int64(p.data.chunks[i].rows)
		if rows-done < groupRows && i < len(p.data.chunks)-1 {
			continue
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := p.group(p.data.chunks[from:i+1], done, rows); err != nil {
			return err
		}
		from, done = i+1, rows
		if p.tell != nil {
			p.tell(done, p.data.rows)
		}
	}
	p.out.SetKeyValueMetadata(keyVersion, partVersion)
	p.out.SetKeyValueMetadata(keyType, string(p.schema.Type))
	p.out.SetKeyValueMetadata(keyRows, strconv.FormatInt(rows, 10))
	p.out.SetKeyValueMetadata(keySum, sumOf(p.sums))
	return p.out.Close()
}

// group writes the rows [lo, hi), which these chunks hold, as a row group.
func (p *partWriter) group(chunks []*chunk, lo, hi int64) error {
	if lo == hi {
		return nil
	}
	for c := range p.cols {
		var err error
		if p.cols[c].dictionary {
			err = p.texts(c, lo, hi)
		} else {
			for _, k := range chunks {
				if err = p.column(c, k); err != nil {
					break
				}
			}
		}
		if err == nil {
			err = p.flush(c)
		}
		if err != nil {
			return fmt.Errorf("column %s: %w", p.cols[c].name, err)
		}
	}
	return p.out.Flush()
}

func (p *partWriter) put(c int, v parquet.Value) error {
	if p.values = append(p.values, v); len(p.values) == batchRows {
		return p.flush(c)
	}
	return nil
}

func (p *partWriter) flush(c int) error {
	if len(p.values) == 0 {
		return nil
	}
	_, err := p.out.ColumnWriters()[p.at[c]].WriteRowValues(p.values)
	p.values = p.values[:0]
	return err
}

// texts writes the dictionary's texts [lo, hi), and nulls behind its end.
func (p *partWriter) texts(c int, lo, hi int64) error {
	ids := p.data.ids[p.cols[c].field]
	for n := lo; n < min(hi, int64(len(ids))); n++ {
		v := Value{Kind: String, Str: ids[n]}
		if err := p.sums[c].value(v); err != nil {
			return err
		}
		if err := p.put(c, p.parquet(c, v)); err != nil {
			return err
		}
	}
	if err := p.flush(c); err != nil {
		return err
	}
	for n := max(lo, int64(len(ids))); n < hi; n += batchRows { // nearly all rows: worth a loop of its own
		p.values = p.values[:min(batchRows, hi-n)]
		null := p.parquet(c, Value{})
		for i := range p.values {
			p.values[i] = null
		}
		if err := p.flush(c); err != nil {
			return err
		}
	}
	return nil
}

// column writes one chunk's rows.
func (p *partWriter) column(c int, k *chunk) error {
	col := &k.cols[p.cols[c].field]
	if !p.schema.dedicated(p.cols[c].field) {
		return p.cells(c, k, col)
	}
	p.sums[c].u32(col.refs)
	p.sums[c].i64(col.ints)
	p.sums[c].f32(col.values)
	return cmp.Or(
		batches(p, c, col.refs, func(x uint32) parquet.Value { return parquet.Int32Value(int32(x)) }),
		batches(p, c, col.ints, parquet.Int64Value),
		batches(p, c, col.values, parquet.FloatValue))
}

// batches writes a column of plain numbers.
func batches[T any](p *partWriter, c int, list []T, value func(T) parquet.Value) error {
	for part := range slices.Chunk(list, batchRows) {
		p.values = p.values[:len(part)]
		for i, x := range part {
			p.values[i] = value(x)
		}
		if err := p.flush(c); err != nil {
			return err
		}
	}
	return nil
}

// cells writes a chunk's rows of a column that is stored as it is.
func (p *partWriter) cells(c int, k *chunk, col *column) error {
	f := &p.schema.Fields[p.cols[c].field]
	lay := p.schema.layout(f)
	for i := range k.rows {
		v := col.at(i, lay, f.Kind, p.data.ids[p.cols[c].field])
		if err := p.sums[c].value(v); err != nil {
			return err
		}
		if err := p.put(c, p.parquet(c, v)); err != nil {
			return err
		}
	}
	return nil
}

// at gives row i as a cell.
func (c *column) at(i int, lay layout, k Kind, ids []string) Value {
	switch lay {
	case asRef:
		if n := c.refs[i]; n != uint32(NoIndex) {
			return Value{Kind: String, Str: ids[n]}
		}
	case asInt:
		if c.nulls == nil || !c.nulls[i] {
			return Value{Kind: k, Num: float64(c.ints[i]), Int: c.ints[i]}
		}
	case asBool:
		if b := c.bools[i]; b != 2 {
			return Value{Kind: Boolean, Num: float64(b)}
		}
	default:
		if x := c.floats[i]; !math.IsNaN(x) {
			return Value{Kind: k, Num: x}
		}
	}
	return Value{}
}

// parquet gives a cell as a value of an optional column.
func (p *partWriter) parquet(c int, v Value) parquet.Value {
	var x parquet.Value
	switch v.Kind {
	case "":
		return parquet.NullValue().Level(0, 0, p.at[c])
	case String:
		x = parquet.ByteArrayValue([]byte(v.Str))
	case Int:
		x = parquet.Int32Value(int32(v.Int))
	case Long:
		x = parquet.Int64Value(v.Int)
	case Boolean:
		x = parquet.BooleanValue(v.Num != 0)
	default:
		x = parquet.DoubleValue(v.Num)
	}
	return x.Level(0, p.def[c], p.at[c])
}
