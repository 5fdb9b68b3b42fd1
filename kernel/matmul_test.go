package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// product is one of the three, with the strides of an element of A and B.
type product struct {
	name string
	mul  func(c []float32, ldc int, a []float32, lda int, b []float32, ldb int, m, n, k int, add bool)
	a, b bool // transposed
}

var products = []product{{"NN", MatMul, false, false}, {"NT", MatMulNT, false, true}, {"TN", MatMulTN, true, false}}

// problem is one product to compute: C is m×n, lda and so on exceed the widths.
type problem struct {
	product
	m, n, k       int
	lda, ldb, ldc int
	a, b, c       []float32
	add           bool
}

func newProblem(r *rand.Rand, p product, m, n, k, extra int) *problem {
	x := &problem{product: p, m: m, n: n, k: k, lda: k + extra, ldb: n + 2*extra, ldc: n + extra, add: r.IntN(2) == 0}
	aRows, bRows := m, k
	if p.a {
		aRows, x.lda = k, m+extra
	}
	if p.b {
		bRows, x.ldb = n, k+2*extra
	}
	cut := func(rows, width, ld int) []float32 { // no float more than is needed
		if rows*width == 0 {
			return nil
		}
		return guard(random(r, (rows-1)*ld+width), r.IntN(8)).x
	}
	x.a, x.b, x.c = cut(aRows, x.lda-extra, x.lda), cut(bRows, x.ldb-2*extra, x.ldb), cut(m, n, x.ldc)
	return x
}

func (x *problem) at(i, p, j int) (a, b float64) {
	ai, bi := i*x.lda+p, p*x.ldb+j
	if x.product.a {
		ai = p*x.lda + i
	}
	if x.product.b {
		bi = j*x.ldb + p
	}
	return float64(x.a[ai]), float64(x.b[bi])
}

// check computes C and compares it with float64; the bound is k half-ulps of
// the sum of the absolute products. What lies between rows of C stays.
func (x *problem) check(t *testing.T) {
	t.Helper()
	before := slices.Clone(x.c)
	c := guard(x.c, x.m+x.n)
	x.mul(c.x, x.ldc, x.a, x.lda, x.b, x.ldb, x.m, x.n, x.k, x.add)
	where := func() string {
		return fmt.Sprintf("%s %d×%d×%d ld %d %d %d add %v", x.name, x.m, x.n, x.k, x.lda, x.ldb, x.ldc, x.add)
	}
	c.check(t, where())
	for i, got := range c.x {
		row, col := i/x.ldc, i%x.ldc
		if col >= x.n {
			if got != before[i] {
				t.Fatalf("%s: a float between rows is changed", where())
			}
			continue
		}
		var want, size float64
		if x.add {
			want = float64(before[i])
			size = math.Abs(want)
		}
		for p := range x.k {
			a, b := x.at(row, p, col)
			want += a * b
			size += math.Abs(a * b)
		}
		if !same(float64(got), want, size, eps*float64(x.k+2)) {
			t.Fatalf("%s: C[%d,%d] = %v, want %v", where(), row, col, got, want)
		}
	}
}

func TestMatMul(t *testing.T) {
	check := func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 1))
		for _, p := range products {
			for m := range 15 { // all tails of tiles
				for n := range 35 {
					newProblem(r, p, m, n, []int{0, 1, 3, 7, 8, 9, 32, 33}[r.IntN(8)], r.IntN(4)).check(t)
				}
			}
			for range 60 {
				newProblem(r, p, r.IntN(60), r.IntN(80), r.IntN(70), r.IntN(9)).check(t)
			}
			for _, s := range [][3]int{{1, 200, 64}, {2, 67, 65}, {250, 19, 5}, {3, 5, 700}, {245, 17, 257}, {1, 1, 1000}, {13, 33, 512}, {1, 5003, 9}} {
				newProblem(r, p, s[0], s[1], s[2], 1).check(t)
			}
			far := newProblem(r, p, 14, 18, 20, 1100) // rows far apart: panels are copied
			far.check(t)
		}
	}
	onPaths(t, check)
	byTwin(func() { check(t) })
}

// A NaN in A spoils its row of C, one in B its column, and nothing else.
func TestMatMulKeepsNaN(t *testing.T) {
	onPaths(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 5))
		for _, p := range products {
			for _, s := range [][3]int{{1, 9, 11}, {5, 13, 3}, {8, 40, 17}, {13, 17, 9}, {6, 16, 8}} {
				x := newProblem(r, p, s[0], s[1], s[2], 2)
				i, q, j := r.IntN(x.m), r.IntN(x.k), r.IntN(x.n)
				ai, bi := i*x.lda+q, q*x.ldb+j
				if p.a {
					ai = q*x.lda + i
				}
				if p.b {
					bi = j*x.ldb + q
				}
				nan, inf := float32(math.NaN()), float32(math.Inf(1))
				for _, side := range []string{"A", "B"} {
					for _, bad := range []float32{nan, inf} {
						to := &x.a[ai]
						if side == "B" {
							to = &x.b[bi]
						}
						old := *to
						*to = bad
						c := make([]float32, len(x.c))
						for f := range c { // what is overwritten does not matter
							c[f] = nan
						}
						x.mul(c, x.ldc, x.a, x.lda, x.b, x.ldb, x.m, x.n, x.k, false)
						*to = old
						for r := range x.m {
							for s := range x.n {
								v := float64(c[r*x.ldc+s])
								hit := side == "A" && r == i || side == "B" && s == j
								if got := math.IsNaN(v) || math.IsInf(v, 0); got != hit {
									t.Fatalf("%s %d×%d×%d: %v in %s, C[%d,%d] = %v", p.name, x.m, x.n, x.k, bad, side, r, s, v)
								}
							}
						}
					}
				}
			}
		}
	})
}

// An element of C has the same bits wherever the tiles fall: a product of some
// rows and columns is a part of the whole one. Only a single row by a transposed
// B is summed another way.
func TestMatMulDoesNotDependOnTiles(t *testing.T) {
	check := func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 5))
		for _, p := range products {
			x := newProblem(r, p, 23, 41, 300, 3)
			whole := make([]float32, x.m*x.n)
			x.mul(whole, x.n, x.a, x.lda, x.b, x.ldb, x.m, x.n, x.k, false)
			for range 30 {
				m, n := 2+r.IntN(12), 1+r.IntN(20)
				i, j := r.IntN(x.m-m+1), r.IntN(x.n-n+1)
				a, b := x.a[i*x.lda:], x.b[j:]
				if p.a {
					a = x.a[i:]
				}
				if p.b {
					b = x.b[j*x.ldb:]
				}
				part := make([]float32, m*n)
				p.mul(part, n, a, x.lda, b, x.ldb, m, n, x.k, false)
				for at, v := range part {
					if want := whole[(i+at/n)*x.n+j+at%n]; v != want {
						t.Fatalf("%s: C[%d,%d] is %v in a part, %v in the whole", p.name, i+at/n, j+at%n, v, want)
					}
				}
			}
		}
	}
	onPaths(t, check)
	byTwin(func() { check(t) })
}

// Short slices panic before anything is written.
func TestShortSlicesPanic(t *testing.T) {
	x := func(n int) []float32 { return make([]float32, n) }
	for name, f := range map[string]func(){
		"A": func() { MatMul(x(6), 3, x(7), 4, x(12), 3, 2, 3, 4, false) },
		"B": func() { MatMulNT(x(6), 3, x(8), 4, x(11), 4, 2, 3, 4, false) },
		"C": func() { MatMulTN(x(5), 3, x(8), 2, x(12), 3, 2, 3, 4, false) },
		"b": func() { Dot(x(9), x(8)) }, "y": func() { Axpy(x(3), 1, x(4)) },
		"rows": func() { LayerNorm(x(8), x(8), x(4), x(4), x(1), x(2), 2, 4) },
		"mask": func() { Dropout(x(9), x(8), .5, 1, 1) }, "moment": func() { Adam(x(9), x(9), x(8), x(9), AdamStep{T: 1}.Update(1)) },
		"du": func() { GateBackward(x(9), x(8), x(9), x(9)) }, "da": func() { SwiGLUBackward(x(3), x(9), x(9), x(9), x(9)) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("short %s does not panic", name)
				}
			}()
			f()
		}()
	}
}

func TestPaths(t *testing.T) {
	names := Paths()
	if names[len(names)-1] != "go" || Path() != names[0] {
		t.Errorf("paths %q, in use %q: want the twin last and the first in use", names, Path())
	}
	restore, err := Use("go")
	if err != nil || Path() != "go" {
		t.Errorf("use go: %v, in use %q", err, Path())
	}
	restore()
	if Path() != names[0] {
		t.Errorf("restored %q", Path())
	}
	if _, err := Use("avx9"); err == nil || Path() != names[0] {
		t.Errorf("use avx9: %v, in use %q", err, Path())
	}
}
