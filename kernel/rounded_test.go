package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// onRounding runs f on the paths that have instructions for bfloat16.
func onRounding(t *testing.T, f func(t *testing.T, r *rand.Rand)) {
	ran := false
	onPaths(t, func(t *testing.T) {
		if active.rounded == nil {
			t.Skip("this path has no instructions for bfloat16")
		}
		ran = true
		f(t, rand.New(rand.NewPCG(7, 1)))
	})
	if !ran {
		t.Log("no path of this machine has instructions for bfloat16")
	}
}

// roundedOdds gives n values, most of them odd, but none whose sums overflow in one order
// only.
func roundedOdds(r *rand.Rand, n int) []float32 {
	odd := []float32{0, float32(math.Copysign(0, -1)), 1e-39, -3e-41, 0x1p-126, float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))}
	x := random(r, n)
	for i := range x {
		if r.IntN(40) == 0 {
			x[i] = odd[r.IntN(len(odd))]
		}
	}
	return x
}

// What is rounded is the twin's to the bit, given by rows and by columns, at any place.
func TestRoundedPairs(t *testing.T) {
	onRounding(t, func(t *testing.T, r *rand.Rand) {
		for _, size := range [][2]int{{1, 32}, {2, 64}, {15, 32}, {32, 32}, {64, 96}, {257, 64}, {128, 160}} {
			k, n := size[0], size[1]
			ld := n + r.IntN(5)
			x := odds(r, k*ld+8)[r.IntN(8):]
			var got, want Rounded
			got.SetRows(x, ld, k, n)
			byTwin(func() { want.SetRows(x, ld, k, n) })
			if !slices.Equal(got.pairs, want.pairs) {
				t.Errorf("%d rows of %d columns are rounded otherwise than by the twin", k, n)
			}
			if k%32 != 0 {
				continue
			}
			turned := make([]float32, n*(k+3))
			for i := range k {
				for j := range n {
					turned[j*(k+3)+i] = x[i*ld+j]
				}
			}
			got.SetColumns(turned, k+3, k, n)
			if !slices.Equal(got.pairs, want.pairs) {
				t.Errorf("%d rows of %d columns are rounded otherwise when the transpose is given", k, n)
			}
			byTwin(func() { want.SetColumns(turned, k+3, k, n) })
			if !slices.Equal(got.pairs, want.pairs) {
				t.Errorf("the transpose of %d rows of %d columns is rounded otherwise than by the twin", k, n)
			}
		}
	})
}

// A product of rounded matrices is that of its twin but for the order of a pair's sums,
// at any height, depth and place, with odd values, written or added; a row does not depend
// on the others.
func TestRoundedMatMul(t *testing.T) {
	onRounding(t, func(t *testing.T, r *rand.Rand) {
		for _, size := range [][2]int{{32, 32}, {64, 64}, {64, 128}, {128, 96}, {288, 64}, {544, 32}} {
			k, n := size[0], size[1]
			for _, m := range []int{1, 2, 3, 7, 12, 13, 24, 47, 48, 49, 101} {
				p := newRoundedProduct(r, m, n, k, m, k)
				p.check(t, func(b *Rounded, c []float32, add bool) { b.MatMul(c, p.ldc, p.a, p.lda, m, add) },
					func(row, i int) float32 { return p.a[row*p.lda+i] })
				last := make([]float32, n)
				if p.b.MatMul(last, n, p.a[(m-1)*p.lda:], p.lda, 1, false); m > 1 {
					for j, x := range last {
						if old := p.written[(m-1)*p.ldc+j]; x != old && x == x {
							t.Fatalf("%d x %d x %d: the last row alone has %v, with others %v", m, n, k, x, old)
						}
					}
				}
			}
		}
		for _, size := range [][2]int{{16, 32}, {32, 16}, {0, 32}} {
			if Round(make([]float32, 32*32), 32, size[0], size[1]) != nil {
				t.Errorf("a matrix of %v is rounded", size)
			}
		}
	})
}

// The same is true of products with a transpose, whose depth may be odd.
func TestRoundedMatMulTN(t *testing.T) {
	onRounding(t, func(t *testing.T, r *rand.Rand) {
		for _, size := range [][2]int{{32, 32}, {64, 64}, {192, 32}, {224, 96}} {
			m, n := size[0], size[1]
			for _, k := range []int{1, 2, 3, 24, 31, 255, 256, 257, 259, 513} {
				p := newRoundedProduct(r, m, n, k, k, m)
				p.check(t, func(b *Rounded, c []float32, add bool) { b.MatMulTN(c, p.ldc, p.a, p.lda, m, add) },
					func(row, i int) float32 { return p.a[i*p.lda+row] })
			}
		}
	})
}

// roundedProduct is a product to be tested.
type roundedProduct struct {
	m, n, k           int
	ldb, lda, ldc     int
	x, a, c0, written []float32
	b                 *Rounded
	shift             int
}

// newRoundedProduct makes one with an A of rows and cols.
func newRoundedProduct(r *rand.Rand, m, n, k, rows, cols int) *roundedProduct {
	p := &roundedProduct{m: m, n: n, k: k, ldb: n + r.IntN(4), lda: cols + r.IntN(4), ldc: n + r.IntN(4), b: &Rounded{}, shift: r.IntN(8)}
	values := random
	if r.IntN(2) == 0 {
		values = roundedOdds
	}
	p.x, p.a, p.c0 = values(r, k*p.ldb), values(r, rows*p.lda), random(r, m*p.ldc)
	p.b.SetRows(p.x, p.ldb, k, n)
	return p
}

// check compares with the twin what multiply makes; at gives the elements of A.
func (p *roundedProduct) check(t *testing.T, multiply func(b *Rounded, c []float32, add bool), at func(row, i int) float32) {
	t.Helper()
	name := fmt.Sprintf("%d x %d x %d", p.m, p.n, p.k)
	for _, add := range []bool{true, false} {
		c, twin := guard(p.c0, p.shift), append([]float32(nil), p.c0...)
		multiply(p.b, c.x, add)
		byTwin(func() { multiply(p.b, twin, add) })
		for i := range p.c0 {
			row, col := i/p.ldc, i%p.ldc
			if col >= p.n {
				if c.x[i] != p.c0[i] {
					t.Fatalf("%s: written beside the matrix", name)
				}
				continue
			}
			size := math.Abs(float64(p.c0[i]))
			for j := range p.k {
				size += math.Abs(float64(at(row, j)) * float64(p.x[j*p.ldb+col]))
			}
			if !same(float64(c.x[i]), float64(twin[i]), size, eps*8) {
				t.Fatalf("%s, added %v: [%d,%d] = %v, twin %v", name, add, row, col, c.x[i], twin[i])
			}
		}
		c.check(t, "C")
		p.written = c.x
	}
}

// Numbers are rounded to the nearest with 8 bits.
func TestBfloat16(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 2))
	for range 10_000 {
		x := float32(math.Ldexp(r.NormFloat64(), r.IntN(40)-20))
		y := math.Float32frombits(bfloat16(x) << 16)
		if math.Abs(float64(y-x)) > math.Abs(float64(x))/256 {
			t.Fatalf("%v becomes %v", x, y)
		}
	}
	for x, want := range map[float32]uint32{1: 0x3f80, 1 + 1./256: 0x3f80, 1 + 3./256: 0x3f82, -2: 0xc000, 0: 0, math.MaxFloat32: 0x7f80} {
		if got := bfloat16(x); got != want {
			t.Errorf("%v becomes %#x, want %#x", x, got, want)
		}
	}
	if got := bfloat16(float32(math.NaN())); got&0x7f80 != 0x7f80 || got&0x7f == 0 {
		t.Errorf("NaN becomes %#x", got)
	}
}

// BenchmarkRounded is the feed-forward part of a history of 200 events.
func BenchmarkRounded(b *testing.B) {
	r := rand.New(rand.NewPCG(7, 3))
	for _, d := range []int{64, 128} {
		x, w, y := random(r, 200*d), random(r, d*2*d), make([]float32, 200*2*d)
		rounded := Round(w, 2*d, d, 2*d)
		if rounded == nil {
			b.Skip("this machine has no instructions for it")
		}
		name := map[int]string{64: "64", 128: "128"}[d]
		b.Run(name+"/float", func(b *testing.B) {
			for b.Loop() {
				MatMul(y, 2*d, x, d, w, 2*d, 200, 2*d, d, false)
			}
		})
		b.Run(name+"/rounded", func(b *testing.B) {
			for b.Loop() {
				rounded.MatMul(y, 2*d, x, d, 200, false)
			}
		})
	}
}
