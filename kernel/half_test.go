package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// All paths give the same bits, and those of bfloat16.
func TestRoundHalf(t *testing.T) {
	elementwise(t, 1, 0, func(x [][]float32) { RoundHalf(x[0]) })
	check := func(t *testing.T) {
		r := rand.New(rand.NewPCG(8, 8))
		x := append(random(r, 1000), 1+0x1p-8, 1+3*0x1p-8, -1-0x1p-8, float32(math.NaN()), float32(math.Inf(1)), math.MaxFloat32)
		want := slices.Clone(x)
		RoundHalf(x)
		for i, v := range want {
			if math.Float32bits(x[i]) != bfloat16(v)<<16 {
				t.Errorf("%v is rounded to %v", v, x[i])
			}
		}
	}
	onPaths(t, check)
	byTwin(func() { check(t) })
}

func TestWidenIsInverse(t *testing.T) {
	check := func(t *testing.T) {
		r := rand.New(rand.NewPCG(8, 9))
		for _, n := range lengths() {
			x := odds(r, 2*n)
			RoundHalf(x)
			words, y := make([]uint32, n), guard(make([]float32, 2*n), n)
			Narrow(words, x)
			Widen(y.x, words)
			y.check(t, "widened")
			for i, v := range x {
				if math.Float32bits(v) != math.Float32bits(y.x[i]) {
					t.Fatalf("length %d: element %d is %v, was %v", n, i, y.x[i], v)
				}
			}
		}
	}
	onPaths(t, check)
	byTwin(func() { check(t) })
}
