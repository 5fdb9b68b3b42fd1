package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
)

// This file reads Parquet files of the customer's, an extension: columns are found
// by name as in a CSV's header, each value is judged as its text in a CSV would be,
// and null is the empty text. Times with a unit become Unix seconds.

// parquetMagic begins and ends a Parquet file. No CSV that could be imported begins
// so: a header has no such field.
var parquetMagic = []byte("PAR1")

// isParquet says whether a file is of Parquet, by its first bytes.
func isParquet(f File) (bool, error) {
	if f.Size < int64(2*len(parquetMagic)) {
		return false, nil
	}
	b := make([]byte, len(parquetMagic))
	if n, err := f.R.ReadAt(b, 0); n < len(b) {
		return false, fmt.Errorf("read %q: %w", f.Name, cmpErr(err))
	}
	return bytes.Equal(b, parquetMagic), nil
}

// parquetFile is an open Parquet file and where its columns are.
type parquetFile struct {
	file    *parquet.File
	r       *keptError
	columns []parquetColumn // by column of the header
}

// parquetColumn says how a column's values become texts.
type parquetColumn struct {
	leaf   int
	second int64 // units of a time in a second; 0: no time
}

// keptError keeps the first error of a reader that is not the file's own fault.
type keptError struct {
	io.ReaderAt
	err atomic.Pointer[error]
}

func (r *keptError) ReadAt(p []byte, at int64) (int, error) {
	n, err := r.ReaderAt.ReadAt(p, at)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err.CompareAndSwap(nil, &err)
	}
	return n, err
}

// fault says why a Parquet file could not be read.
func (r *keptError) fault(name string, cause any) error {
	if err := r.err.Load(); err != nil {
		return fmt.Errorf("read %q: %w", name, *err)
	}
	return importError("%s is not a whole Parquet file: %v. Write it again.", name, cause)
}

// openParquet reads a file's footer: its columns are the header.
func openParquet(f File, s *Schema) (h header, p *parquetFile, err error) {
	r := &keptError{ReaderAt: f.R}
	defer func() { // parquet-go panics on some damage
		if x := recover(); x != nil {
			err = r.fault(f.Name, x)
		}
	}()
	file, err := openColumns(r, f.Size)
	if err != nil {
		return h, nil, r.fault(f.Name, err)
	}
	if n := file.NumRows(); n < 0 || n/maxRowsPerByte > f.Size {
		return h, nil, r.fault(f.Name, fmt.Sprintf("it says that it has %d rows", n))
	}
	p = &parquetFile{file: file, r: r}
	for _, c := range file.Root().Columns() {
		h.names = append(h.names, c.Name())
		p.columns = append(p.columns, parquetColumn{leaf: c.Index()})
	}
	if err := h.match(f.Name, s); err != nil {
		return h, nil, err
	}
	for i, c := range file.Root().Columns() {
		if h.fields[i] < 0 {
			continue
		}
		if !c.Leaf() || c.Repeated() {
			return h, nil, importError("%s: the column %s holds lists or records. A column must hold plain values; join several categories with |.", f.Name, c.Name())
		}
		second, advice := timeUnit(c.Type())
		if advice != "" {
			return h, nil, importError("%s: the column %s is of the type %s. %s", f.Name, c.Name(), c.Type(), advice)
		}
		p.columns[i].second = second
	}
	return h, p, nil
}

// timeUnit gives the units in a second of a type of times, 0 for other plain types;
// for what cannot be read, how else to write it.
func timeUnit(t parquet.Type) (second int64, advice string) {
	switch t.Kind() {
	case parquet.Int96, parquet.FixedLenByteArray:
		return 0, "Write it as a number or a string."
	}
	logical := t.LogicalType()
	if logical == nil {
		return 0, ""
	}
	switch text := logical.String(); {
	case strings.HasPrefix(text, "DECIMAL"), strings.HasPrefix(text, "DATE"), strings.HasPrefix(text, "TIME("):
		return 0, "Write it as a number, a time in Unix seconds or a string."
	case !strings.HasPrefix(text, "TIMESTAMP"):
		return 0, ""
	case strings.Contains(text, "MILLI"):
		return 1e3, ""
	case strings.Contains(text, "MICRO"):
		return 1e6, ""
	}
	return 1e9, ""
}

// parquet reads one row group of a Parquet file as chunk k.
func (r *chunkReader) parquet(src *source, k int) (err error) {
	p := src.parquet
	defer func() {
		if x := recover(); x != nil {
			err = p.r.fault(src.Name, x)
		}
	}()
	group := p.file.RowGroups()[k]
	r.begin(src, int(min(group.NumRows(), src.Size))) // a damaged footer may name any number
	rows := group.Rows()
	defer rows.Close()
	buf := make([]parquet.Row, 64)
	for {
		n, err := rows.ReadRows(buf)
		if n == 0 && err == nil || r.out.lines+int64(n) > p.file.NumRows() {
			return p.r.fault(src.Name, "it has more rows than it says")
		}
		for _, row := range buf[:n] {
			r.out.lines++
			r.parquetRow(row)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return p.r.fault(src.Name, err)
		}
	}
	r.lookUp()
	src.chunks[k] = r.out
	r.in.progress(src, src.Size/int64(len(src.chunks)), int64(r.out.rows))
	return nil
}

// parquetRow takes one row.
func (r *chunkReader) parquetRow(row parquet.Row) {
	p := r.src.parquet
	r.fields = r.fields[:0]
	if r.rowsWaiting == 0 { // no key looks at these texts any more
		r.buf = r.buf[:0]
	}
	at := 0
	for _, c := range p.columns {
		for at < len(row) && row[at].Column() < c.leaf {
			at++
		}
		var v parquet.Value
		if at < len(row) && row[at].Column() == c.leaf {
			v = row[at]
		}
		from := len(r.buf)
		r.buf = c.appendText(r.buf, v)
		text := r.buf[from:]
		if !utf8.Valid(text) {
			r.bad(r.out.lines, fmt.Sprintf("the value %s is not UTF-8", shorten(string(text))))
			return
		}
		r.fields = append(r.fields, text)
	}
	r.row(r.out.lines)
}

// appendText writes a value as a CSV would have it.
func (c parquetColumn) appendText(b []byte, v parquet.Value) []byte {
	if v.IsNull() {
		return b
	}
	switch v.Kind() {
	case parquet.Boolean:
		return strconv.AppendBool(b, v.Boolean())
	case parquet.Int32:
		return strconv.AppendInt(b, int64(v.Int32()), 10)
	case parquet.Int64:
		n := v.Int64()
		if c.second > 0 {
			n /= c.second
		}
		return strconv.AppendInt(b, n, 10)
	case parquet.Float:
		return appendNumber(b, float64(v.Float()), 32)
	case parquet.Double:
		return appendNumber(b, v.Double(), 64)
	}
	return append(b, v.ByteArray()...)
}

// appendNumber writes a number; what is none is null, as pandas writes it.
func appendNumber(b []byte, x float64, bits int) []byte {
	if math.IsNaN(x) {
		return b
	}
	format := byte('f')
	if math.Abs(x) >= 1e21 {
		format = 'e'
	}
	return strconv.AppendFloat(b, x, format, -1, bits)
}
