package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

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

func TestBiasedSoftmax(t *testing.T) {
	check := func(t *testing.T) {
		r := rand.New(rand.NewPCG(2, 4))
		for _, n := range lengths()[1:] {
			x, bias, scale := random(r, n), random(r, n), float32(3*r.Float64())
			want, sum := make([]float64, n), 0.
			for i := range x {
				x[i] *= 5
				want[i] = math.Exp(float64(x[i])*float64(scale) + float64(bias[i]))
				sum += want[i]
			}
			y, b := guard(x, r.IntN(8)), guard(bias, r.IntN(8))
			BiasedSoftmax(y.x, b.x, scale)
			for i := range want {
				// arguments are up to 80 half-ulps off
				if w := want[i] / sum; math.Abs(float64(y.x[i])-w) > w*eps*(200+float64(n)/8)+1e-37 {
					t.Fatalf("length %d: [%d] %v, want %v", n, i, y.x[i], w)
				}
			}
			y.check(t, "x")
			b.check(t, "bias")
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

// All paths give the same bits: counters answer alike on every machine.
func TestAddLog(t *testing.T) {
	onPaths(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(5, 1))
		for _, n := range lengths() {
			for _, values := range []func(*rand.Rand, int) []float32{random, odds} {
				x, y0, w, s := values(r, n), random(r, n), float32(r.NormFloat64()), float32(10*r.Float64())
				for i, v := range x {
					if v != v || math.IsInf(float64(v), 0) {
						x[i] = float32(math.Exp(20 * r.NormFloat64()))
					}
				}
				y, gx, want := guard(y0, r.IntN(8)), guard(x, r.IntN(8)), append([]float32(nil), y0...)
				AddLog(y.x, gx.x, w, s)
				byTwin(func() { AddLog(want, x, w, s) })
				for i := range want {
					if math.Float32bits(y.x[i]) != math.Float32bits(want[i]) {
						t.Fatalf("length %d: y[%d] = %v, twin %v, of x %v, w %v, s %v", n, i, y.x[i], want[i], x[i], w, s)
					}
				}
				y.check(t, "y")
				gx.check(t, "x")
			}
		}
	})
}

func TestAddLogIsALogarithm(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 2))
	for range 100_000 {
		x := float32(math.Exp(10 * r.NormFloat64()))
		y := []float32{0, 1}
		AddLog(y, []float32{x, -x}, 1, 1)
		want := math.Log(float64(1 + x))
		if math.Abs(float64(y[0])-want) > 1.5e-7*math.Max(want, 1) || y[1] != 1 {
			t.Fatalf("log(1+%v) = %v, want %v; below 0: %v added", x, y[0], want, y[1]-1)
		}
	}
	for name, x := range map[string]float32{"infinite": float32(math.Inf(1)), "no number": float32(math.NaN())} {
		y := []float32{1, 1, 1}
		AddLog(y, []float32{0, x, 0}, 2, 3)
		if y[0] != 1 || y[2] != 1 {
			t.Errorf("beside one that is %s: %v", name, y)
		}
	}
}
