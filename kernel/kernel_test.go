package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// lengths of slices: all tails of all unrolled loops, and some long ones.
func lengths() (out []int) {
	for n := range 68 {
		out = append(out, n)
	}
	return append(out, 96, 127, 200, 255, 256, 257, 1000, 1682, 4099)
}

// onPaths runs f with each path that is not the twin; on some machines there is none.
func onPaths(t *testing.T, f func(t *testing.T)) {
	for _, name := range Paths() {
		if name == "go" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			restore, err := Use(name)
			if err != nil {
				t.Fatal(err)
			}
			defer restore()
			f(t)
		})
	}
}

// byTwin runs f with the twin.
func byTwin(f func()) {
	old := active
	active = plain
	defer func() { active = old }()
	f()
}

// fence is put around every slice of the tests, to see whether it is stepped over.
const fence = float32(-12345.5)

// guarded is a slice at an odd address with fences around it.
type guarded struct{ all, x []float32 }

// guard makes a copy of x that starts at places 0…7 of a 32-byte line.
func guard(x []float32, shift int) guarded {
	all := make([]float32, len(x)+24)
	for i := range all {
		all[i] = fence
	}
	at := 8 + shift&7
	copy(all[at:], x)
	return guarded{all, all[at : at+len(x) : at+len(x)]}
}

func (g guarded) check(t *testing.T, name string) {
	t.Helper()
	n := 0
	for _, v := range g.all {
		if v == fence {
			n++
		}
	}
	if n != 24 {
		t.Errorf("%s: %d of 24 floats around a slice are as they were", name, n)
	}
}

func random(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// odd are values that arithmetic stumbles over.
var odd = []float32{
	0, float32(math.Copysign(0, -1)), 1, -1, float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)),
	math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32, 1e-39, -3e-41, math.MaxFloat32, -math.MaxFloat32,
	-87, -87.0001, -86.99999, 88.72283, 88.7229, 88.3, -103, 104, 16777216, 0.5, 3e38,
}

// odds gives n values, most of them odd.
func odds(r *rand.Rand, n int) []float32 {
	x := random(r, n)
	for i := range x {
		if r.IntN(3) > 0 {
			x[i] = odd[r.IntN(len(odd))]
		}
	}
	return x
}

// same says whether two results are equal within a bound, relative to size
// (which is the sum of what was added up, or the result itself). NaN and Inf
// have to be the same. Rounding of numbers below the smallest normal one is
// absolute.
func same(got, want, size, bound float64) bool {
	switch {
	case math.IsNaN(want) || math.IsNaN(got):
		return math.IsNaN(want) == math.IsNaN(got)
	case math.IsInf(want, 0) || math.IsInf(got, 0):
		return want == got
	}
	return math.Abs(got-want) <= bound*max(math.Abs(size), 0x1p-126)
}

// eps is the rounding error of one float32 operation.
const eps = 1.0 / (1 << 24)

// compare checks each element against the twin's, relative to its own size.
func compare(t *testing.T, name string, got, want []float32, ulps float64) {
	t.Helper()
	for i := range want {
		if !same(float64(got[i]), float64(want[i]), float64(want[i]), 2*ulps*eps) {
			t.Fatalf("%s [%d of %d]: %v, twin %v", name, i, len(want), got[i], want[i])
		}
	}
}

// elementwise tests a function of ins slices: the path against the twin on
// random and odd values, at all alignments, and that an element's value does
// not depend on its place. The bound is in ulps of the result.
func elementwise(t *testing.T, ins int, ulps float64, f func(x [][]float32)) {
	onPaths(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for _, n := range lengths() {
			for _, values := range []func(*rand.Rand, int) []float32{random, odds} {
				x := make([]guarded, ins)
				y := make([]guarded, ins)
				var xs, ys [][]float32
				for i := range x {
					v := values(r, n)
					x[i], y[i] = guard(v, r.IntN(8)), guard(v, 0)
					xs, ys = append(xs, x[i].x), append(ys, y[i].x)
				}
				again := cloneAll(xs)
				f(xs)
				byTwin(func() { f(ys) })
				for i := range xs {
					compare(t, fmt.Sprintf("length %d, slice %d", n, i), xs[i], ys[i], ulps)
					x[i].check(t, fmt.Sprintf("length %d, slice %d", n, i))
				}
				if n > 9 { // from the fourth on: other lanes, another tail
					part := make([][]float32, ins)
					for i := range part {
						part[i] = again[i][3 : n-1]
					}
					f(part)
					for i := range part {
						for j, v := range part[i] {
							if math.Float32bits(v) != math.Float32bits(xs[i][j+3]) && v == v {
								t.Fatalf("length %d, slice %d: element %d is %v, elsewhere %v", n, i, j+3, xs[i][j+3], v)
							}
						}
					}
				}
			}
		}
	})
}

func cloneAll(x [][]float32) [][]float32 {
	out := make([][]float32, len(x))
	for i := range x {
		out[i] = append([]float32(nil), x[i]...)
	}
	return out
}

// One product and one sum: the twin rounds twice, the path once. The error is
// one rounding of the product, which is an ulp of the result unless the sum
// cancels; so the bound is relative to the product.
func TestAxpy(t *testing.T) {
	onPaths(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 4))
		for _, n := range lengths() {
			for _, values := range []func(*rand.Rand, int) []float32{random, odds} {
				for _, s := range []float32{1, -.7, 0} { // larger ones overflow in the twin only
					x, y0 := guard(values(r, n), r.IntN(8)), values(r, n)
					y, want := guard(append(y0, 5, 6), r.IntN(8)), append([]float32(nil), y0...)
					Axpy(y.x, s, x.x)
					byTwin(func() { Axpy(want, s, x.x) })
					for i := range want {
						if !same(float64(y.x[i]), float64(want[i]), math.Abs(float64(s*x.x[i]))+math.Abs(float64(want[i])), 2*eps) {
							t.Fatalf("length %d, %v: [%d] %v, twin %v", n, s, i, y.x[i], want[i])
						}
					}
					if y.x[n] != 5 || y.x[n+1] != 6 {
						t.Fatalf("length %d: what is beyond x is changed", n)
					}
					y.check(t, "y")
				}
			}
		}
	})
}

func TestScale(t *testing.T) { // one rounding, the same
	elementwise(t, 1, 0, func(x [][]float32) { Scale(x[0], .3) })
}

func TestMultiply(t *testing.T) { // one rounding, the same
	elementwise(t, 3, 0, func(x [][]float32) { Multiply(x[0], x[1], x[2]) })
}

func TestGateBackward(t *testing.T) { // the same roundings in the same order
	elementwise(t, 4, 0, func(x [][]float32) { GateBackward(x[0], x[1], x[2], x[3]) })
}

// The exponential differs by 2 ulp (each is within 1 of the truth), 1+e and the
// quotient add half an ulp each on both sides.
func TestSigmoid(t *testing.T) {
	elementwise(t, 2, 4, func(x [][]float32) { Sigmoid(x[0], x[1]) })
}

func TestSwiGLU(t *testing.T) { // as sigmoid, and two more roundings
	elementwise(t, 3, 5, func(x [][]float32) { SwiGLU(x[0], x[1], x[2]) })
}

func TestSwiGLUBackward(t *testing.T) {
	onPaths(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(5, 6))
		for _, n := range lengths() {
			for _, values := range []func(*rand.Rand, int) []float32{random, odds} {
				dy, a, b := values(r, n), values(r, n), values(r, n)
				da, db := guard(make([]float32, n), r.IntN(8)), guard(make([]float32, n), r.IntN(8))
				da2, db2 := make([]float32, n), make([]float32, n)
				SwiGLUBackward(da.x, db.x, dy, a, b)
				byTwin(func() { SwiGLUBackward(da2, db2, dy, a, b) })
				compare(t, "db", db.x, db2, 6) // as sigmoid, and two more roundings
				da.check(t, "da")
				db.check(t, "db")
				for i := range da2 {
					// 1 + a·(1-s) cancels near a = -1.28, and 1-s where s is near 1:
					// the bound is relative to the terms before they cancel.
					s := 1 / (1 + math.Exp(-float64(a[i])))
					// Below the smallest normal number rounding is absolute.
					size := max(0x1p-126, math.Abs(float64(dy[i])*float64(b[i])*s)) * (1 + math.Abs(float64(a[i])))
					if !same(float64(da.x[i]), float64(da2[i]), size, 12*eps) {
						t.Fatalf("length %d: da[%d] = %v, twin %v for dy %v, a %v, b %v", n, i, da.x[i], da2[i], dy[i], a[i], b[i])
					}
				}
			}
		}
	})
}

// The mask is made of whole numbers, and x·scale is one rounding: equal bits.
func TestDropout(t *testing.T) {
	elementwiseDropout := func(x [][]float32) { Dropout(x[0], x[1], .3, 77, 0) }
	onPaths(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(7, 8))
		for _, n := range lengths() {
			for _, first := range []uint64{0, 5, 1<<32 - 20, 1<<40 + 3} {
				for _, p := range []float32{0, .2, .999, 1} {
					x := odds(r, n)
					y, want := guard(make([]float32, n), r.IntN(8)), make([]float32, n)
					Dropout(y.x, x, p, 99, first)
					byTwin(func() { Dropout(want, x, p, 99, first) })
					compare(t, fmt.Sprintf("length %d from %d, p %v", n, first, p), y.x, want, 0)
					y.check(t, "y")
				}
			}
		}
		x := [][]float32{make([]float32, 40), random(r, 40)}
		elementwiseDropout(x)
		inPlace := append([]float32(nil), x[1]...)
		Dropout(inPlace, inPlace, .3, 77, 0)
		compare(t, "in place", inPlace, x[0], 0)
	})
}

// Element i is kept by (key, first+i) alone; the rate is p; masks of other keys
// and of neighbours have nothing in common.
func TestDropoutMask(t *testing.T) {
	const n, p = 1 << 16, .2
	ones := make([]float32, n)
	for i := range ones {
		ones[i] = 1
	}
	drawn := func(key, first uint64) []float32 {
		y := make([]float32, n)
		Dropout(y, ones, p, key, first)
		return y
	}
	a := drawn(1, 1<<32-1000)
	kept, sum := 0, 0.0
	for _, v := range a {
		if v != 0 {
			kept++
			if v != 1.25 {
				t.Fatalf("kept as %v, want 1.25", v)
			}
		}
		sum += float64(v)
	}
	if rate := float64(kept) / n; math.Abs(rate-.8) > .007 { // 4.5 standard deviations
		t.Errorf("kept %.4f, want .8", rate)
	}
	for i := range n - 7 {
		if b := []float32{0}; i%997 == 0 {
			Dropout(b, ones[:1], p, 1, 1<<32-1000+uint64(i))
			if b[0] != a[i] {
				t.Fatalf("element %d alone is %v, in the slice %v", i, b[0], a[i])
			}
		}
	}
	agree := func(name string, x, y []float32) {
		both := 0
		for i := range y {
			if x[i] != 0 && y[i] != 0 {
				both++
			}
		}
		// kept in both: .64 when independent, 4.5 standard deviations .0085
		if part := float64(both) / float64(len(y)); math.Abs(part-.64) > .009 {
			t.Errorf("%s: kept in both %.4f, want .64", name, part)
		}
	}
	agree("next key", a, drawn(2, 1<<32-1000))
	agree("key with another upper half", a, drawn(1|1<<60, 1<<32-1000))
	agree("neighbour", a, a[1:])
	agree("eighth neighbour", a, a[8:])
	agree("upper half of the counter", a, drawn(1, 1<<34-1000))
}

// Sums are bounded by half an ulp of the sum of the absolute terms for each
// addition in a chain: n for the twin's worst, and as many products.
func TestDot(t *testing.T) {
	onPaths(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(9, 1))
		for _, n := range lengths() {
			a, b := guard(random(r, n), r.IntN(8)), guard(random(r, n+3), r.IntN(8))
			var want, size float64
			for i, x := range a.x {
				p := float64(x) * float64(b.x[i])
				want, size = want+p, size+math.Abs(p)
			}
			bound := eps * float64(n/4+5)
			if got := Dot(a.x, b.x); !same(float64(got), want, size, bound) {
				t.Errorf("length %d: %v, in float64 %v", n, got, want)
			}
			byTwin(func() {
				if got := Dot(a.x, b.x); !same(float64(got), want, size, bound) {
					t.Errorf("length %d: twin %v, in float64 %v", n, got, want)
				}
			})
			for i := range a.x { // a NaN or Inf at every place
				old := a.x[i]
				a.x[i] = float32(math.NaN())
				if got := Dot(a.x, b.x); got == got {
					t.Fatalf("length %d: NaN at %d gives %v", n, i, got)
				}
				a.x[i] = float32(math.Inf(1))
				if got, want := Dot(a.x, b.x), math.Inf(int(math.Copysign(1, float64(b.x[i])))); float64(got) != want {
					t.Fatalf("length %d: Inf at %d gives %v", n, i, got)
				}
				a.x[i] = old
				if i > 80 {
					break
				}
			}
		}
	})
}

func TestMax(t *testing.T) { // exact
	onPaths(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(2, 1))
		for _, n := range lengths() {
			for _, values := range []func(*rand.Rand, int) []float32{random, odds} {
				x := guard(values(r, n), r.IntN(8))
				if n < 200 {
					for i := range x.x { // alone below zero, so that no padding wins
						for j := range x.x {
							x.x[j] = -5
						}
						x.x[i] = -2
						if got := Max(x.x); got != -2 {
							t.Fatalf("length %d, largest at %d: %v", n, i, got)
						}
						x.x[i] = float32(math.NaN())
						if got, want := Max(x.x), float32(-5); n > 1 && got != want {
							t.Fatalf("length %d, NaN at %d: %v", n, i, got)
						}
					}
				}
				copy(x.x, values(r, n))
				var want float32
				byTwin(func() { want = Max(x.x) })
				if got := Max(x.x); got != want {
					t.Fatalf("length %d: %v, twin %v", n, got, want)
				}
			}
		}
		if got := Max([]float32{float32(math.NaN()), float32(math.NaN())}); !math.IsInf(float64(got), -1) {
			t.Errorf("only NaN: %v", got)
		}
	})
}

// exp is within 1 ulp of the truth on both paths, for arguments all over its range.
func TestExp(t *testing.T) {
	check := func(t *testing.T) {
		const n = 1 << 17
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(-90 + 180*float64(i)/n)
		}
		x = append(x, odd...)
		y := append([]float32(nil), x...)
		ExpSum(y, 1, 0)
		worst := 0.0
		for i, v := range x {
			want := math.Exp(float64(v))
			switch {
			case v < -87:
				want = 0
			case want > math.MaxFloat32:
				want = math.Inf(1)
			}
			got := float64(y[i])
			if !same(got, want, want, 2*eps) {
				t.Fatalf("exp(%v) = %v, want %v", v, got, want)
			}
			if want > 0 && want < 1e38 {
				ulp := float64(math.Nextafter32(float32(want), 3e38) - float32(want))
				worst = max(worst, math.Abs(got-want)/ulp)
			}
		}
		if worst > 1 {
			t.Errorf("worst error %.3f ulp, want at most 1", worst)
		}
		t.Logf("worst error %.3f ulp", worst)
	}
	onPaths(t, check)
	byTwin(func() { check(t) })
}

// The argument is rounded once on both paths (the twin may round twice, in the
// rarest case); the sums are of positive numbers.
func TestExpSum(t *testing.T) {
	onPaths(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(2, 9))
		for _, n := range lengths() {
			for _, values := range []func(*rand.Rand, int) []float32{random, odds} {
				for _, c := range [][2]float32{{1, 0}, {15, -15}, {-.5, 3}} {
					x0 := values(r, n)
					x, want := guard(x0, r.IntN(8)), append([]float32(nil), x0...)
					got := ExpSum(x.x, c[0], c[1])
					var sum float32
					byTwin(func() { sum = ExpSum(want, c[0], c[1]) })
					compare(t, fmt.Sprintf("length %d, %v", n, c), x.x, want, 2)
					x.check(t, "x")
					if !same(float64(got), float64(sum), float64(sum), eps*float64(n/8+8)) {
						t.Fatalf("length %d, %v: sum %v, twin %v", n, c, got, sum)
					}
				}
			}
		}
	})
}

func TestSoftmax(t *testing.T) {
	check := func(t *testing.T) {
		r := rand.New(rand.NewPCG(2, 3))
		for _, n := range lengths() {
			x := random(r, n)
			for i := range x {
				x[i] *= 20
			}
			y := append([]float32(nil), x...)
			Softmax(y)
			top, sum := math.Inf(-1), 0.
			for _, v := range x {
				top = max(top, float64(v))
			}
			for _, v := range x {
				sum += math.Exp(float64(v) - top)
			}
			for i, v := range x {
				// the difference to the maximum is rounded: up to 60 half-ulps of relative error
				want := math.Exp(float64(v)-top) / sum
				if math.Abs(float64(y[i])-want) > want*eps*(140+float64(n)/8)+1e-37 {
					t.Fatalf("length %d: [%d] %v, want %v", n, i, y[i], want)
				}
			}
		}
		x := []float32{float32(math.Inf(-1)), 0, 0}
		if Softmax(x); x[0] != 0 || x[1] != .5 {
			t.Errorf("-Inf, 0, 0: %v", x)
		}
		x = []float32{1, float32(math.Inf(1))}
		if Softmax(x); x[0] == x[0] && x[1] == x[1] {
			t.Errorf("1, Inf: %v, want NaN", x)
		}
	}
	onPaths(t, check)
	byTwin(func() { check(t) })
}

func TestSoftmaxBackward(t *testing.T) {
	onPaths(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(4, 3))
		for _, n := range lengths() {
			p, dp := random(r, n), random(r, n)
			Softmax(p)
			var mean, size float64
			for i := range p {
				mean += float64(p[i]) * float64(dp[i])
				size = max(size, math.Abs(float64(dp[i])))
			}
			got, twin := guard(dp, r.IntN(8)), append([]float32(nil), dp...)
			SoftmaxBackward(got.x, p)
			byTwin(func() { SoftmaxBackward(twin, p) })
			got.check(t, "dp")
			for i := range p {
				want := float64(p[i]) * (float64(dp[i]) - mean)
				// the mean's error is that of a dot product whose terms sum to size at most
				bound := eps * float64(n/4+8)
				if s := float64(p[i]) * 2 * size; !same(float64(got.x[i]), want, s, bound) || !same(float64(twin[i]), want, s, bound) {
					t.Fatalf("length %d: [%d] %v, twin %v, want %v", n, i, got.x[i], twin[i], want)
				}
			}
		}
	})
}
