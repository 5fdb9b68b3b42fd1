package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// lengths of slices: all tails of all unrolled loops, and some long ones.
func lengths() (out []int) {
	for n := range 132 {
		out = append(out, n)
	}
	return append(out, 200, 255, 256, 257, 1000, 1682, 4099)
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
