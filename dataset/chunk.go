package dataset

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// layout is how a column is held while it is being built.
type layout byte

const (
	asRef   layout = iota // strings: a number in a byteDict; NoIndex is null
	asInt                 // int, long
	asFloat               // float, double: NaN is null
	asValue               // EVENT_VALUE: the same in float32
	asBool                // 0, 1; 2 is null
)

func (s *Schema) layout(f *Field) layout {
	switch f.Kind {
	case String:
		return asRef
	case Int, Long:
		return asInt
	case Boolean:
		return asBool
	}
	if s.Type == Interactions && f.Name == "EVENT_VALUE" {
		return asValue
	}
	return asFloat
}

// column is one field's cells of some rows; one of the slices is used.
type column struct {
	refs   []uint32
	ints   []int64
	nulls  []bool // of ints when the field may be null
	floats []float64
	values []float32
	bools  []byte
}

// chunk is what was read from a stretch of a file.
type chunk struct {
	worker   int // whose dictionaries refs point into
	rows     int
	lines    int64
	cols     []column // by field
	bad      []RowError
	badTotal int64
	badRows  int64
	torn     bool // a quote is never closed: where rows end is not known
}

// chunkReader is one worker: it turns bytes into chunks.
type chunkReader struct {
	in      *importer
	worker  int
	layouts []layout
	times   []bool
	lacks   []bool // may be empty whatever the schema says
	chars   []int
	dicts   []*byteDict // by field; nil for those that are no strings
	waiting [][]key     // by field: texts of the last rowsWaiting rows, which have no number yet
	found   []uint64    // room for looking waiting texts up
	buf     []byte
	fields  [][]byte

	src         *source // where out comes from
	out         *chunk
	rowsWaiting int
}

// waitingRows is how many rows wait for their numbers before these are looked up at
// once: many, so that lookups do not wait for one another, and few, so that the
// keys stay in the processor's cache.
const waitingRows = 256

func newChunkReader(in *importer, worker int) *chunkReader {
	n := len(in.schema.Fields)
	r := &chunkReader{in: in, worker: worker, found: make([]uint64, waitingRows),
		layouts: make([]layout, n), times: make([]bool, n), lacks: make([]bool, n), chars: make([]int, n), dicts: make([]*byteDict, n), waiting: make([][]key, n)}
	for i := range in.schema.Fields {
		f := &in.schema.Fields[i]
		r.layouts[i], r.times[i], r.chars[i] = in.schema.layout(f), f.isTime(), f.maxChars()
		r.lacks[i] = in.schema.mayLack(f)
		if r.layouts[i] == asRef {
			r.dicts[i] = newByteDict()
			r.waiting[i] = make([]key, 0, waitingRows)
		}
	}
	return r
}

// begin starts a chunk that has room for so many rows.
func (r *chunkReader) begin(src *source, rows int) {
	r.src, r.out = src, &chunk{worker: r.worker, cols: make([]column, len(r.layouts))}
	for f := range r.out.cols {
		col := &r.out.cols[f]
		switch r.layouts[f] {
		case asRef:
			col.refs = make([]uint32, 0, rows)
		case asInt:
			col.ints = make([]int64, 0, rows)
			if r.in.schema.Fields[f].Nullable {
				col.nulls = make([]bool, 0, rows)
			}
		case asFloat:
			col.floats = make([]float64, 0, rows)
		case asValue:
			col.values = make([]float32, 0, rows)
		case asBool:
			col.bools = make([]byte, 0, rows)
		}
	}
}

// plain reads chunk k of a file in which a line is a record. A line belongs to the
// chunk that has its first byte.
func (r *chunkReader) plain(src *source, k int) error {
	if r.in.isQuoted(src) {
		return nil
	}
	lo := src.header.size + int64(k)*r.in.opt.chunk
	hi := min(lo+r.in.opt.chunk, src.Size)
	b, err := r.load(src, lo, hi)
	if err != nil {
		return err
	}
	if bytes.IndexByte(b, '"') >= 0 {
		r.in.sawQuote(src)
		return nil
	}
	r.begin(src, bytes.Count(b, []byte("\n"))+1)
	wrong := !utf8.Valid(b)
	for len(b) > 0 {
		line := b
		if i := bytes.IndexByte(b, '\n'); i >= 0 {
			line, b = b[:i], b[i+1:]
		} else {
			b = nil
		}
		r.out.lines++
		if wrong && !utf8.Valid(line) {
			r.notUTF8(line)
			continue
		}
		r.line(line)
	}
	r.lookUp()
	src.chunks[k] = r.out
	r.in.progress(src, hi-lo, int64(r.out.rows))
	return nil
}

// load reads the lines that begin in [lo, hi).
func (r *chunkReader) load(src *source, lo, hi int64) ([]byte, error) {
	from := lo
	if lo > src.header.size {
		from-- // the byte before says whether a line begins at lo
	}
	b, err := r.append(r.buf[:0], src, from, hi)
	if err != nil {
		return nil, err
	}
	skip := 0
	if from < lo {
		if skip = bytes.IndexByte(b, '\n') + 1; skip == 0 || skip == len(b) {
			return nil, nil // no line begins here
		}
	}
	for at := hi; at < src.Size && b[len(b)-1] != '\n'; {
		end := min(at+64<<10, src.Size)
		if at-hi > maxLine {
			return nil, tooLong(src, hi)
		}
		was := len(b)
		if b, err = r.append(b, src, at, end); err != nil {
			return nil, err
		}
		if i := bytes.IndexByte(b[was:], '\n'); i >= 0 {
			b = b[:was+i+1]
		}
		at = end
	}
	return b[skip:], nil
}

func tooLong(src *source, at int64) error {
	return importError("%s has a line of more than %d bytes near byte %d. Each record must be on a line of its own.", src.Name, maxLine, at)
}

func (r *chunkReader) append(b []byte, src *source, from, to int64) ([]byte, error) {
	n := len(b)
	if need := n + int(to-from); cap(b) < need {
		b = append(make([]byte, 0, need+need/8), b...)
	}
	b = b[:n+int(to-from)]
	r.buf = b
	if got, err := src.R.ReadAt(b[n:], from); got < len(b)-n {
		return nil, fmt.Errorf("read %q: %w", src.Name, cmpErr(err))
	}
	return b, nil
}

// line splits a line without quotes.
func (r *chunkReader) line(b []byte) {
	if n := len(b); n > 0 && b[n-1] == '\r' {
		b = b[:n-1]
	}
	if len(b) == 0 {
		return
	}
	r.fields = r.fields[:0]
	for {
		i := bytes.IndexByte(b, ',')
		if i < 0 {
			break
		}
		r.fields = append(r.fields, b[:i])
		b = b[i+1:]
	}
	r.fields = append(r.fields, b)
	r.row(r.out.lines)
}

// row takes r.fields as a record that began on that line of the chunk.
func (r *chunkReader) row(line int64) {
	h := &r.src.header
	if len(r.fields) != len(h.fields) {
		r.bad(line, fmt.Sprintf("the row has %d columns, the header has %d; a value with a comma must be in double quotes", len(r.fields), len(h.fields)))
		return
	}
	good := true
	for c, f := range h.fields {
		if f < 0 {
			continue
		}
		if err := r.cell(f, r.fields[c]); err != nil {
			bad, ok := err.(*cellError)
			if !ok {
				bad = &cellError{"", err.Error()}
			}
			r.badValue(line, r.in.schema.Fields[f].Name, bad.value, bad.want)
			good = false
		}
	}
	if !good {
		r.out.badRows++
		r.undo()
		return
	}
	r.out.rows++
	if r.rowsWaiting++; r.rowsWaiting == waitingRows {
		r.lookUp()
	}
}

// undo takes away the cells of a row that is not counted yet.
func (r *chunkReader) undo() {
	rows := r.out.rows
	for f := range r.out.cols {
		col := &r.out.cols[f]
		switch r.layouts[f] {
		case asRef:
			r.waiting[f] = r.waiting[f][:r.rowsWaiting]
		case asInt:
			col.ints = col.ints[:rows]
			col.nulls = col.nulls[:min(rows, len(col.nulls))]
		case asFloat:
			col.floats = col.floats[:rows]
		case asValue:
			col.values = col.values[:rows]
		case asBool:
			col.bools = col.bools[:rows]
		}
	}
}

// lookUp gives the texts that wait their numbers.
func (r *chunkReader) lookUp() {
	for f, keys := range r.waiting {
		if keys == nil {
			continue
		}
		col := &r.out.cols[f]
		col.refs = r.dicts[f].intern(keys, r.found, col.refs)
		r.waiting[f] = keys[:0]
	}
	r.rowsWaiting = 0
}

// bad notes what is wrong with a whole row, which is not taken.
func (r *chunkReader) bad(line int64, want string) {
	r.out.badRows++
	r.badValue(line, "", "", want)
}

// badValue notes what is wrong with a value of a row.
func (r *chunkReader) badValue(line int64, column, value, want string) {
	r.out.badTotal++
	if len(r.out.bad) < mostReported {
		r.out.bad = append(r.out.bad, RowError{File: r.src.Name, Line: line, Row: r.src.parquet != nil, Column: column, Value: value, Want: want})
	}
}

func (r *chunkReader) notUTF8(line []byte) {
	at := 0
	for at < len(line) {
		c, n := utf8.DecodeRune(line[at:])
		if c == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	r.bad(r.out.lines, fmt.Sprintf("the byte 0x%02X at position %d of the line is not UTF-8; save the file as UTF-8", line[at], at+1))
}

// cell appends one cell to its column. What is usual is done here; all else, and
// every error, is Field.parse's.
func (r *chunkReader) cell(f int, text []byte) error {
	col := &r.out.cols[f]
	field := &r.in.schema.Fields[f]
	switch r.layouts[f] {
	case asRef:
		if len(text) > 0 && len(text) <= r.chars[f] {
			r.waiting[f] = append(r.waiting[f], keyOf(text))
			return nil
		}
	case asInt:
		if n, ok := digits(text); ok && (n <= r.in.last || !r.times[f]) && (field.Kind == Long || n <= math.MaxInt32) {
			col.ints = append(col.ints, n)
			if field.Nullable {
				col.nulls = append(col.nulls, false)
			}
			return nil
		}
	case asFloat, asValue:
		if x, ok := decimal(text); ok && !r.times[f] {
			r.appendFloat(col, f, x)
			return nil
		}
	}
	var v Value
	if len(text) > 0 || !r.lacks[f] {
		var err error
		if v, err = field.parse(string(text), r.in.last); err != nil {
			return err
		}
	}
	r.appendValue(col, f, v)
	return nil
}

func (r *chunkReader) appendFloat(col *column, f int, x float64) {
	if r.layouts[f] == asValue {
		col.values = append(col.values, float32(x))
		return
	}
	col.floats = append(col.floats, x)
}

func (r *chunkReader) appendValue(col *column, f int, v Value) {
	null := v.Kind == ""
	switch r.layouts[f] {
	case asRef:
		k := key{null: true}
		if !null {
			k = keyOf([]byte(v.Str))
		}
		r.waiting[f] = append(r.waiting[f], k)
	case asInt:
		col.ints = append(col.ints, v.Int)
		if r.in.schema.Fields[f].Nullable {
			col.nulls = append(col.nulls, null)
		}
	case asBool:
		b := byte(v.Num)
		if null {
			b = 2
		}
		col.bools = append(col.bools, b)
	default:
		x := v.Num
		if null {
			x = math.NaN()
		}
		r.appendFloat(col, f, x)
	}
}

// digits reads a plain whole number.
func digits(b []byte) (n int64, ok bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// decimal reads digits with at most one point, exactly as strconv does: both parts
// are below 2^53 and a power of ten, so one division rounds once.
func decimal(b []byte) (float64, bool) {
	if len(b) == 0 || len(b) > 15 {
		return 0, false
	}
	n, point := int64(0), -1
	for i, c := range b {
		switch {
		case c == '.' && point < 0 && len(b) > 1:
			point = i
		case '0' <= c && c <= '9':
			n = n*10 + int64(c-'0')
		default:
			return 0, false
		}
	}
	if point < 0 {
		return float64(n), true
	}
	return float64(n) / pow10[len(b)-1-point], true
}

var pow10 = func() (p [16]float64) {
	for i := range p {
		p[i], _ = strconv.ParseFloat("1e"+strconv.Itoa(i), 64)
	}
	return p
}()
