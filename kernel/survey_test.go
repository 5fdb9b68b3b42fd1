package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// surveyOf is Survey of guarded copies of x and extra; it checks that nothing around
// them and behind the marks is written to.
func surveyOf(t *testing.T, x, extra []float32, least, shift float32) (added []float32, marks []uint64, largest, sum float32) {
	t.Helper()
	name := fmt.Sprintf("length %d", len(x))
	words := (len(x) + 63) / 64
	marks = slices.Repeat([]uint64{1<<64 - 1}, words+1)
	at, plus := guard(x, len(x)), guard(extra, 3*len(x))
	if extra == nil {
		plus.x = nil
	}
	largest, sum = Survey(marks, at.x, plus.x, least, shift)
	at.check(t, name)
	plus.check(t, name)
	if marks[words] != 1<<64-1 {
		t.Fatalf("%s: marks behind the end", name)
	}
	return at.x, marks[:words], largest, sum
}

// What is added is exact, so are the marks; the largest is that of Max; the sums are of
// positive numbers.
func TestSurvey(t *testing.T) {
	check := func(t *testing.T) {
		r := rand.New(rand.NewPCG(2, 11))
		least := append([]float32{2.5, 3, 4, -9}, odd...)
		for _, n := range lengths() {
			for _, values := range []func(*rand.Rand, int) []float32{random, odds} {
				for _, shift := range []float32{0, 2.5, -3, float32(math.Inf(-1))} {
					for _, extra := range [][]float32{nil, values(r, n)} {
						x, from := values(r, n), least[r.IntN(len(least))]
						name := fmt.Sprintf("length %d, shift %v, %d added, from %v", n, shift, len(extra), from)
						added, marks, largest, sum := surveyOf(t, x, extra, from, shift)
						Axpy(x, 1, extra)
						compare(t, name, added, x, 0)
						checkMarks(t, name, marks, x, from)
						var wantSum float32
						byTwin(func() { _, wantSum = Survey(make([]uint64, n/64+1), x, nil, 0, shift) })
						if largest != Max(x) || !same(float64(sum), float64(wantSum), float64(wantSum), eps*float64(n/8+8)) {
							t.Fatalf("%s: largest %v, sum %v, twin %v, %v", name, largest, sum, Max(x), wantSum)
						}
					}
				}
			}
		}
	}
	onPaths(t, check)
	byTwin(func() { check(t) })
}

func checkMarks(t *testing.T, name string, marks []uint64, x []float32, least float32) {
	t.Helper()
	for i := range 64 * len(marks) {
		if got, want := marks[i/64]>>(i%64)&1 == 1, i < len(x) && x[i] >= least; got != want {
			t.Fatalf("%s: element %d is marked: %v", name, i, got)
		}
	}
}

// Exponents are as right as the comment says, over all that does not count 0.
func TestSurveyAgainstExponents(t *testing.T) {
	check := func(t *testing.T) {
		r := rand.New(rand.NewPCG(2, 13))
		for range 20_000 {
			x, shift := 174*r.Float32()-87, 10*r.Float32()-5
			_, sum := Survey(make([]uint64, 1), []float32{x + shift}, nil, 0, shift)
			far := float64(x+shift) - float64(shift)
			bound := 3e-6 + 1e-7*(math.Abs(far)+math.Abs(float64(shift)))
			if want := math.Exp(far); !same(float64(sum), want, want, bound) {
				t.Fatalf("e to the power of %v: %v, want %v", far, sum, want)
			}
		}
	}
	onPaths(t, check)
	byTwin(func() { check(t) })
}

// What is added first is all that is different: the same bits, so an answer does not
// depend on how it was added.
func TestSurveyOfWhatWasAdded(t *testing.T) {
	check := func(t *testing.T) {
		r := rand.New(rand.NewPCG(2, 12))
		for _, n := range lengths() {
			x, extra := random(r, n), random(r, n)
			before := slices.Clone(x)
			Axpy(before, 1, extra)
			_, marks, largest, sum := surveyOf(t, x, extra, 1, 1)
			if _, m, l, s := surveyOf(t, before, nil, 1, 1); l != largest || s != sum || !slices.Equal(m, marks) {
				t.Fatalf("length %d: %v, %v; added before: %v, %v", n, largest, sum, l, s)
			}
		}
	}
	onPaths(t, check)
	byTwin(func() { check(t) })
}

// BenchmarkSurvey is a look over scores in the cache, with what is added or without.
func BenchmarkSurvey(b *testing.B) {
	const n = 512
	r := rand.New(rand.NewPCG(1, 2))
	x, marks := random(r, n), make([]uint64, n/64)
	for _, extra := range [][]float32{nil, make([]float32, n)} {
		b.Run(fmt.Sprintf("%d added", len(extra)), func(b *testing.B) {
			eachPath(b, func(b *testing.B) {
				for b.Loop() {
					Survey(marks, x, extra, 2, 3)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/element")
			})
		})
	}
}
