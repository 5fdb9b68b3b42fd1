package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

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
