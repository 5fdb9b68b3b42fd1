package kernel

import "math"

// panelRows is how many rows of a Quantised lie in one panel.
const panelRows = 16

// Quantised is a matrix in eight bits, for products of all its rows with a few
// queries that read a quarter of the memory that floats take. Each row has a
// scale of its own: its largest element is 127. Products are approximations; how
// far off they are at most is known (Slack). All paths give the same bits.
type Quantised struct {
	rows, dim, groups int
	bytes             []byte    // (panels,groups,16,4): 128 stands for 0
	scale             []float32 // (panels·16)
	longest, off      float64   // the longest row as quantised; the largest distance of a row from that
}

// Quantise makes x (rows,dim) one of eight bits. A row with NaN or Inf in it has
// NaN for all products.
func Quantise(x []float32, rows, dim int) *Quantised {
	need(x, rows, dim, dim)
	q := &Quantised{rows: rows, dim: dim, groups: groupsOf(dim)}
	bytes, scales := StoredSizes(int64(rows), int64(dim))
	q.bytes, q.scale = make([]byte, bytes), make([]float32, scales)
	for i := range q.bytes {
		q.bytes[i] = 128
	}
	values := make([]int8, dim)
	for r := range rows {
		row := x[r*dim : (r+1)*dim]
		scale, length, off := quantise(values, row)
		q.scale[r] = scale
		q.longest, q.off = max(q.longest, length), max(q.off, off)
		panel := q.bytes[r/panelRows*q.panelSize():]
		for i, v := range values {
			panel[(i/4*panelRows+r%panelRows)*4+i%4] = byte(int(v) + 128)
		}
	}
	return q
}

// groupsOf counts the groups of four columns.
func groupsOf[T int | int64](dim T) T { return (dim + 3) / 4 }

func (x *Quantised) panelSize() int { return x.groups * panelRows * 4 }

// Rows counts the rows.
func (x *Quantised) Rows() int { return x.rows }

// quantise writes x/scale, rounded, to values, so that the largest is 127. It
// gives the scale, the length of values·scale and its distance from x.
func quantise(values []int8, x []float32) (scale float32, length, off float64) {
	var largest float32
	for _, v := range x {
		if v != v || math.IsInf(float64(v), 0) {
			clear(values)
			return float32(math.NaN()), math.NaN(), math.NaN()
		}
		largest = max(largest, max(v, -v))
	}
	scale = largest / 127
	if scale == 0 { // zero, or too small for a float32
		clear(values)
		return 0, 0, norm(x)
	}
	for i, v := range x {
		values[i] = int8(math.RoundToEven(float64(v) / float64(scale)))
		exact := float64(values[i]) * float64(scale)
		length += exact * exact
		off += (float64(v) - exact) * (float64(v) - exact)
	}
	return scale, math.Sqrt(length), math.Sqrt(off)
}

func norm(x []float32) float64 {
	var sum float64
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}

// ByteQuery is a query in eight bits. Its memory is used again by the next Set.
type ByteQuery struct {
	values []int8 // (groups,4)
	scale  float32
	zero   int32 // -128·Σ values: what the zero of rows adds to a product
	length float64
	off    float64
}

// Set makes q the query v (dim) to rows of x.
func (q *ByteQuery) Set(x *Quantised, v []float32) {
	if len(q.values) != x.groups*4 {
		q.values = make([]int8, x.groups*4)
	}
	clear(q.values)
	var length float64
	q.scale, length, q.off = quantise(q.values[:x.dim], v[:x.dim])
	q.length, q.zero = length+q.off, 0
	for _, b := range q.values {
		q.zero -= 128 * int32(b)
	}
}

// Slack is the largest difference that there can be between a product that Scan
// gives for q and the exact one: by the inequality of Cauchy and Schwarz, with
// what rounding adds.
func (x *Quantised) Slack(q *ByteQuery) float32 {
	s := q.length*x.off + q.off*x.longest + 4*eps*q.length*(x.longest+x.off)
	return float32(s) * (1 + 4*eps)
}

// eps is the rounding error of one float32 operation.
const eps = 1.0 / (1 << 24)

// scanPanels is how many panels one call in assembly does, and how many all
// queries go over while these are in the cache.
const scanPanels = 64

// Scan computes products of the rows from…to-1 with queries: out (queries,to-from)
// with leading dimension ld. from is a multiple of 16.
func (x *Quantised) Scan(out []float32, ld int, queries []ByteQuery, from, to int) {
	if to <= from || len(queries) == 0 {
		return
	}
	need(out, len(queries), to-from, ld)
	if from%panelRows != 0 || to > x.rows {
		panic("kernel: scan of rows that do not begin with a panel, or do not exist")
	}
	whole := from + (to-from)/panelRows*panelRows
	for at := from; at < whole; at += scanPanels * panelRows {
		n := min(scanPanels*panelRows, whole-at)
		active.scan(x, queries, at/panelRows, n/panelRows, out[at-from:], ld)
	}
	if whole < to {
		x.scanRest(out[whole-from:], ld, queries, whole, to-whole)
	}
}

// scanRest does the rows of a panel that is not full.
func (x *Quantised) scanRest(out []float32, ld int, queries []ByteQuery, from, rows int) {
	var aside [panelRows]float32
	for i := range queries {
		active.scan(x, queries[i:i+1], from/panelRows, 1, aside[:], panelRows)
		copy(out[i*ld:i*ld+rows], aside[:rows])
	}
}

// plainScan computes some panels' products with queries.
func plainScan(x *Quantised, queries []ByteQuery, panel, panels int, out []float32, ld int) {
	for i := range queries {
		q := &queries[i]
		for p := range panels {
			bytes := x.bytes[(panel+p)*x.panelSize():][:x.panelSize()]
			for r := range panelRows {
				sum := q.zero
				for g := range x.groups {
					b, v := bytes[(g*panelRows+r)*4:][:4], q.values[g*4:][:4]
					sum += int32(b[0])*int32(v[0]) + int32(b[1])*int32(v[1]) + int32(b[2])*int32(v[2]) + int32(b[3])*int32(v[3])
				}
				out[i*ld+p*panelRows+r] = float32(float32(sum)*q.scale) * x.scale[(panel+p)*panelRows+r]
			}
		}
	}
}

// Find gives the place of the first element that is least or more, len(x) if
// there is none.
func Find(x []float32, least float32) int {
	if len(x) == 0 {
		return 0
	}
	i := active.find(x, least)
	for i < len(x) && !(x[i] >= least) {
		i++
	}
	return i
}

func plainFind(x []float32, least float32) int {
	for i, v := range x {
		if v >= least {
			return i
		}
	}
	return len(x)
}
