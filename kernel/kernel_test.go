package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

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
