package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// kind says what a number is, as far as these tests ask: NaN, an infinity, or neither.
func kind(x float32) string {
	switch v := float64(x); {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 0):
		return fmt.Sprint(v)
	}
	return "a number"
}

// sameKinds checks that NaN and the infinities are where the twin has them.
func sameKinds(t *testing.T, name string, got, twin []float32) {
	t.Helper()
	for i := range twin {
		if g, w := kind(got[i]), kind(twin[i]); g != w {
			t.Fatalf("%s: [%d of %d] is %s, by the twin %s", name, i, len(twin), g, w)
		}
	}
}

// TestOneThatIsNotFinite: a NaN or an infinity in any slice, at any place, goes where the
// twin lets it go. The loops here sum over slices, so their values are compared
// elsewhere, with finite numbers.
func TestOneThatIsNotFinite(t *testing.T) {
	loops := map[string]struct {
		slices int
		f      func(x [][]float32)
	}{
		"BiasedSoftmax":     {2, func(x [][]float32) { BiasedSoftmax(x[0], x[1], .5) }},
		"SoftmaxBackward":   {2, func(x [][]float32) { SoftmaxBackward(x[0], x[1]) }},
		"Softmax":           {1, func(x [][]float32) { Softmax(x[0]) }},
		"Normalise":         {2, func(x [][]float32) { x[0][0] = Normalise(x[1], x[1]) }},
		"NormaliseBackward": {3, func(x [][]float32) { NormaliseBackward(x[0], x[1], x[2], .25) }},
		"Adam": {4, func(x [][]float32) {
			Adam(x[0], x[1], x[2], x[3], AdamStep{LR: 1e-3, Beta1: .9, Beta2: .98, Eps: 1e-8, Decay: .01, T: 5}.Update(.5))
		}},
		"Axpy": {2, func(x [][]float32) { Axpy(x[0], .5, x[1]) }},
	}
	for name, loop := range loops {
		onPaths(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(8, 8))
			for _, n := range []int{1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 130} {
				for at := range n {
					for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
						x := make([][]float32, loop.slices)
						for k := range x {
							x[k] = random(r, n)
							for i := range x[k] { // second moments and probabilities are above 0
								x[k][i] = float32(math.Abs(float64(x[k][i]))) + .1
							}
						}
						x[r.IntN(loop.slices)][at] = float32(bad)
						twin := cloneAll(x)
						loop.f(x)
						byTwin(func() { loop.f(twin) })
						for k := range x {
							sameKinds(t, fmt.Sprintf("%s with %v at %d, slice %d", name, bad, at, k), x[k], twin[k])
						}
					}
				}
			}
		})
	}
}

// TestRoundedMatMulKeepsNaN: one number that is none spoils its row of the product, or
// its column, as it does by the twin.
func TestRoundedMatMulKeepsNaN(t *testing.T) {
	onPaths(t, func(t *testing.T) {
		const m, k, n = 13, 64, 64
		r := rand.New(rand.NewPCG(8, 9))
		for range 60 {
			a, b := random(r, m*k), random(r, k*n)
			bad := []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), math.MaxFloat32}[r.IntN(4)]
			if r.IntN(2) == 0 {
				a[r.IntN(len(a))] = bad
			} else {
				b[r.IntN(len(b))] = bad
			}
			rounded := Round(b, n, k, n)
			if rounded == nil {
				t.Skip("this path has no instructions for it")
			}
			c, twin := make([]float32, m*n), make([]float32, m*n)
			rounded.MatMul(c, n, a, k, m, false)
			byTwin(func() { rounded.MatMul(twin, n, a, k, m, false) })
			sameKinds(t, fmt.Sprintf("with %v", bad), c, twin)
		}
	})
}
