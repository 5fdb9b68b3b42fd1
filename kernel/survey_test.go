package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// What is added is exact; the largest is that of Max; the sums are of positive numbers.
func TestSumExp(t *testing.T) {
	onPaths(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(2, 11))
		for _, n := range lengths() {
			for _, values := range []func(*rand.Rand, int) []float32{random, odds} {
				for _, shift := range []float32{0, 2.5, -3, float32(math.Inf(-1))} {
					for _, extra := range [][]float32{nil, values(r, n)} {
						x0 := values(r, n)
						name := fmt.Sprintf("length %d, shift %v, %d added", n, shift, len(extra))
						x, want, added := guard(x0, r.IntN(8)), slices.Clone(x0), guard(extra, r.IntN(8))
						if extra == nil {
							added.x = nil
						}
						largest, sum := SumExp(x.x, added.x, shift)
						Axpy(want, 1, extra)
						compare(t, name, x.x, want, 0)
						x.check(t, name)
						var wantSum float32
						byTwin(func() { _, wantSum = SumExp(want, nil, shift) })
						if largest != Max(want) || !same(float64(sum), float64(wantSum), float64(wantSum), eps*float64(n/8+8)) {
							t.Fatalf("%s: largest %v, sum %v, twin %v, %v", name, largest, sum, Max(want), wantSum)
						}
					}
				}
			}
		}
	})
}

// What is added first is all that is different: the same bits, so an answer does not
// depend on how it was added.
func TestSumExpOfWhatWasAdded(t *testing.T) {
	check := func(t *testing.T) {
		r := rand.New(rand.NewPCG(2, 12))
		for _, n := range lengths() {
			x, extra := random(r, n), random(r, n)
			before := slices.Clone(x)
			Axpy(before, 1, extra)
			largest, sum := SumExp(x, extra, 1)
			if l, s := SumExp(before, nil, 1); l != largest || s != sum {
				t.Fatalf("length %d: %v, %v; added before: %v, %v", n, largest, sum, l, s)
			}
		}
	}
	onPaths(t, check)
	byTwin(func() { check(t) })
}

func TestMark(t *testing.T) { // exact
	check := func(t *testing.T) {
		r := rand.New(rand.NewPCG(8, 5))
		for _, n := range lengths() {
			for _, values := range []func(*rand.Rand, int) []float32{random, odds} {
				x := guard(values(r, n), r.IntN(8)).x
				for _, least := range append([]float32{2.5, 3, 4, -9}, odd...) {
					words := (n + 63) / 64
					marks := slices.Repeat([]uint64{1<<64 - 1}, words+1)
					Mark(marks, x, least)
					if marks[words] != 1<<64-1 {
						t.Fatalf("length %d: marks behind the end", n)
					}
					for i := range 64 * words {
						if got, want := marks[i/64]>>(i%64)&1 == 1, i < n && x[i] >= least; got != want {
							t.Fatalf("length %d, %v: element %d is marked: %v", n, least, i, got)
						}
					}
				}
			}
		}
	}
	onPaths(t, check)
	byTwin(func() { check(t) })
}
