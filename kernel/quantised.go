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

// ByteQueries is some queries in eight bits, side by side, so that they go over the
// rows together. Its memory is used again by the next Set.
type ByteQueries struct {
	queryRange
	bounds []queryBounds // (queries)
	values []int8        // of one query
}

// queryRange is some queries of a ByteQueries.
type queryRange struct {
	bytes []int8      // four values of each query, then from step to step the next four
	step  int         // bytes from four values of a query to its next four
	terms []queryTerm // (queries)
}

// queryTerm is what makes a product of a sum: (sum+zero)·scale, times the row's scale.
type queryTerm struct {
	zero  int32 // -128·Σ values: what the zero of rows adds to a sum
	scale float32
}

// queryBounds say how long a query is, and how far from what it is quantised to.
type queryBounds struct{ length, off float64 }

// Set makes q the queries to rows of x, each (dim).
func (q *ByteQueries) Set(x *Quantised, queries [][]float32) {
	n := len(queries)
	q.step = 4 * n
	q.bytes = cleared(q.bytes, x.groups*q.step)
	q.terms, q.bounds = cleared(q.terms, n), cleared(q.bounds, n)
	q.values = cleared(q.values, x.dim)
	for i, v := range queries {
		t, b := &q.terms[i], &q.bounds[i]
		t.scale, b.length, b.off = quantise(q.values, v[:x.dim])
		b.length += b.off
		for j, value := range q.values {
			q.bytes[j/4*q.step+4*i+j%4] = value
			t.zero -= 128 * int32(value)
		}
	}
}

// cleared gives n elements of their zero value, in the memory of old if that is enough.
func cleared[T any](old []T, n int) []T {
	if cap(old) < n {
		return make([]T, n)
	}
	old = old[:n]
	clear(old)
	return old
}

// Slack is the largest difference that there can be between a product that Scan
// gives for query i and the exact one: by the inequality of Cauchy and Schwarz, with
// what rounding adds.
func (x *Quantised) Slack(q *ByteQueries, i int) float32 {
	b := q.bounds[i]
	s := b.length*x.off + b.off*x.longest + 4*eps*b.length*(x.longest+x.off)
	return float32(s) * (1 + 4*eps)
}

// only gives some of the queries.
func (q queryRange) only(from, n int) queryRange {
	return queryRange{q.bytes[4*from:], q.step, q.terms[from : from+n]}
}

// eps is the rounding error of one float32 operation.
const eps = 1.0 / (1 << 24)

// scanPanels is how many panels one call in assembly does, and how many all
// queries go over while these are in the cache.
const scanPanels = 64

// Scan computes products of the rows from…to-1 with queries: out (queries,to-from)
// with leading dimension ld. from is a multiple of 16.
func (x *Quantised) Scan(out []float32, ld int, queries *ByteQueries, from, to int) {
	q := queries.queryRange
	if to <= from || len(q.terms) == 0 {
		return
	}
	need(out, len(q.terms), to-from, ld)
	if from%panelRows != 0 || to > x.rows {
		panic("kernel: scan of rows that do not begin with a panel, or do not exist")
	}
	whole := from + (to-from)/panelRows*panelRows
	for at := from; at < whole; at += scanPanels * panelRows {
		n := min(scanPanels*panelRows, whole-at)
		active.scan(x, q, at/panelRows, n/panelRows, out[at-from:], ld)
	}
	if whole < to {
		x.scanRest(out[whole-from:], ld, q, whole, to-whole)
	}
}

// scanRest does the rows of a panel that is not full.
func (x *Quantised) scanRest(out []float32, ld int, q queryRange, from, rows int) {
	var aside [panelRows]float32
	for i := range q.terms {
		active.scan(x, q.only(i, 1), from/panelRows, 1, aside[:], panelRows)
		copy(out[i*ld:i*ld+rows], aside[:rows])
	}
}

// plainScan computes some panels' products with queries.
func plainScan(x *Quantised, q queryRange, panel, panels int, out []float32, ld int) {
	for i, t := range q.terms {
		for p := range panels {
			bytes := x.bytes[(panel+p)*x.panelSize():][:x.panelSize()]
			for r := range panelRows {
				sum := t.zero
				for g := range x.groups {
					b, v := bytes[(g*panelRows+r)*4:][:4], q.bytes[g*q.step+4*i:][:4]
					sum += int32(b[0])*int32(v[0]) + int32(b[1])*int32(v[1]) + int32(b[2])*int32(v[2]) + int32(b[3])*int32(v[3])
				}
				out[i*ld+p*panelRows+r] = float32(float32(sum)*t.scale) * x.scale[(panel+p)*panelRows+r]
			}
		}
	}
}
