package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// scanOf gives the products of rows from…to-1 with queries, fences around them.
func scanOf(t *testing.T, x *Quantised, queries [][]float32, from, to int) []float32 {
	t.Helper()
	var q ByteQueries
	q.Set(x, queries)
	n := to - from
	out := guard(make([]float32, len(queries)*n), n)
	x.Scan(out.x, n, &q, from, to)
	out.check(t, fmt.Sprintf("%d queries, rows %d to %d", len(queries), from, to))
	return out.x
}

// Sums are whole numbers and products are rounded in one order: equal bits.
func TestScan(t *testing.T) {
	onPaths(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(8, 9))
		for _, dim := range []int{1, 3, 4, 5, 31, 32, 64, 65, 128, 300} {
			for _, rows := range []int{1, 15, 16, 17, 33, 64, 2100} {
				x := random(r, rows*dim)
				q := Quantise(x, rows, dim)
				for queries := 1; queries <= 17; queries += 1 + rows/100 {
					asked := make([][]float32, queries)
					for i := range asked {
						asked[i] = random(r, dim)
					}
					from := r.IntN(rows) / 16 * 16
					to := from + 1 + r.IntN(rows-from)
					got := scanOf(t, q, asked, from, to)
					var want []float32
					byTwin(func() { want = scanOf(t, q, asked, from, to) })
					if !slices.Equal(got, want) {
						t.Fatalf("%d×%d, %d queries, rows %d to %d: not the twin's bits", rows, dim, queries, from, to)
					}
				}
			}
		}
	})
}

// The largest values that there are do not overflow a sum.
func TestScanOfExtremes(t *testing.T) {
	const rows, dim = 32, 4096
	x := make([]float32, rows*dim)
	v := make([]float32, dim)
	for i := range x {
		x[i] = 1
		if i/dim%2 == 1 {
			x[i] = -1
		}
	}
	for i := range v {
		v[i] = 1
	}
	check := func(t *testing.T) {
		q := Quantise(x, rows, dim)
		for i, got := range scanOf(t, q, [][]float32{v, v, v}, 0, rows) {
			want := float64(dim)
			if i%2 == 1 {
				want = -want
			}
			if !same(float64(got), want, want, 8*eps) {
				t.Fatalf("[%d] %v, want %v", i, got, want)
			}
		}
	}
	onPaths(t, check)
	byTwin(func() { check(t) })
}

// Products are within the slack of the exact ones, and the slack is small: below
// 4 parts in 100 of the largest product there can be.
func TestSlack(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 3))
	for _, dim := range []int{2, 16, 64, 128} {
		const rows = 500
		x, v := random(r, rows*dim), random(r, dim)
		for i := range rows {
			row := x[i*dim : (i+1)*dim]
			Normalise(row, row)
			if i%10 == 0 { // one large element takes the others' precision
				row[0] = 3
			}
			if i%10 == 1 {
				Scale(row, 1e-30)
			}
		}
		clear(x[7*dim : 8*dim])
		q := Quantise(x, rows, dim)
		var asked ByteQueries
		asked.Set(q, [][]float32{random(r, dim), v}) // what was there before is gone
		asked.Set(q, [][]float32{v})
		slack, worst := float64(q.Slack(&asked, 0)), 0.
		for i, got := range scanOf(t, q, [][]float32{v}, 0, rows) {
			var want float64
			for j, a := range v {
				want += float64(a) * float64(x[i*dim+j])
			}
			worst = max(worst, math.Abs(want-float64(got)))
		}
		if worst > slack || slack > .04*norm(v)*math.Hypot(3, 1) {
			t.Errorf("width %d: products are off by %v, slack %v of %v", dim, worst, slack, norm(v))
		}
	}
}

// What is no number stays in its row, or in its query.
func TestScanKeepsNaN(t *testing.T) {
	const rows, dim = 40, 9
	check := func(t *testing.T) {
		r := rand.New(rand.NewPCG(8, 4))
		x := random(r, rows*dim)
		x[17*dim+4], x[39*dim+8] = float32(math.NaN()), float32(math.Inf(-1))
		q := Quantise(x, rows, dim)
		v := random(r, dim)
		infinite := append([]float32{float32(math.Inf(1))}, v[1:]...)
		for i, got := range scanOf(t, q, [][]float32{v, infinite}, 0, rows) {
			if want := i == 17 || i == 39 || i >= rows; want != (got != got) {
				t.Errorf("product %d: %v", i, got)
			}
		}
	}
	onPaths(t, check)
	byTwin(func() { check(t) })
}

// BenchmarkScan is the products of a catalogue with one query and with eight.
func BenchmarkScan(b *testing.B) {
	for _, c := range []struct{ rows, dim int }{{100_000, 64}, {100_000, 128}, {1 << 20, 128}} {
		r := rand.New(rand.NewPCG(1, 2))
		x := make([]float32, c.rows*c.dim)
		for i := range x {
			x[i] = r.Float32() - .5
		}
		q := Quantise(x, c.rows, c.dim)
		const chunk = 1024
		out := make([]float32, 8*chunk)
		for _, queries := range []int{1, 2, 8} {
			asked := make([][]float32, queries)
			for i := range asked {
				asked[i] = x[i*c.dim:]
			}
			var together ByteQueries
			together.Set(q, asked)
			b.Run(fmt.Sprintf("%dx%d/%d", c.rows, c.dim, queries), func(b *testing.B) {
				eachPath(b, func(b *testing.B) {
					if Path() == "go" {
						b.Skip("the twin takes long")
					}
					for b.Loop() {
						for at := 0; at < c.rows; at += chunk {
							q.Scan(out, chunk, &together, at, min(c.rows, at+chunk))
						}
					}
					b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*queries), "µs/query")
				})
			})
		}
	}
}
