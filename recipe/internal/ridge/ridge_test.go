package ridge

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"usher/internal/seed"
)

// system makes A = BᵀB + λI, X and C = A·X in float64, rounded.
func system(n, m int, from seed.Seed) (a, x, c []float32) {
	r := from.Rand()
	b := make([]float64, n*n)
	for i := range b {
		if r.IntN(4) == 0 {
			b[i] = r.NormFloat64()
		}
	}
	a, x, c = make([]float32, n*n), make([]float32, n*m), make([]float32, n*m)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	full := make([]float64, n*n)
	for p := range n {
		for i, bi := range b[p*n : (p+1)*n] {
			for j := range i + 1 {
				full[i*n+j] += bi * b[p*n+j]
			}
		}
	}
	for i := range n {
		full[i*n+i] += float64(n) / 8
		for j := range i + 1 {
			a[i*n+j] = float32(full[i*n+j])
			full[i*n+j] = float64(a[i*n+j])
			full[j*n+i] = full[i*n+j]
		}
	}
	for i := range n {
		for k := range m {
			var s float64
			for j := range n {
				s += full[i*n+j] * float64(x[j*m+k])
			}
			c[i*m+k] = float32(s)
		}
	}
	return a, x, c
}

func TestSolve(t *testing.T) {
	for _, n := range []int{1, 2, 5, 95, 96, 97, 192, 200, 500} {
		for _, m := range []int{1, 3, 400} {
			if n*m > 50_000 {
				continue
			}
			a, x, c := system(n, m, seed.Seed(n*1000+m))
			for i := range n { // above the diagonal nothing is read
				for j := i + 1; j < n; j++ {
					a[i*n+j] = float32(math.NaN())
				}
			}
			f, err := NewFactor(context.Background(), a, n, 2)
			if err != nil {
				t.Fatalf("n %d: %v", n, err)
			}
			if err := f.Solve(context.Background(), c, m, 2); err != nil {
				t.Fatal(err)
			}
			for i := range x {
				if d := math.Abs(float64(c[i] - x[i])); !(d < 1e-3) {
					t.Fatalf("n %d, m %d: x[%d] is %v, want %v", n, m, i, c[i], x[i])
				}
			}
		}
	}
}

func TestWorkersDoNotChangeTheSolution(t *testing.T) {
	const n, m = 900, 500
	r := seed.Seed(1).Rand()
	a, c := make([]float32, n*n), make([]float32, n*m)
	for i := range c {
		c[i] = float32(r.NormFloat64())
	}
	for i := range n {
		for j := range i {
			a[i*n+j] = float32(r.NormFloat64())
		}
		a[i*n+i] = 4 * n
	}
	solve := func(workers int) []float32 {
		f, err := NewFactor(context.Background(), slices.Clone(a), n, workers)
		if err != nil {
			t.Fatal(err)
		}
		x := slices.Clone(c)
		if err := f.Solve(context.Background(), x, m, workers); err != nil {
			t.Fatal(err)
		}
		return x
	}
	if !slices.Equal(solve(1), solve(3)) {
		t.Error("3 workers give another solution than 1")
	}
}

func TestBadMatrices(t *testing.T) {
	nan := float32(math.NaN())
	for name, a := range map[string][]float32{
		"indefinite": {1, 0, 2, 1}, "zero": {0, 0, 0, 0}, "NaN": {1, 0, nan, 1}, "infinite": {float32(math.Inf(1)), 0, 0, 1},
	} {
		if _, err := NewFactor(context.Background(), a, 2, 1); !errors.Is(err, ErrNotPositive) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("enough")
	f, err := NewFactor(ctx, []float32{1, 0, 0, 1}, 2, 1)
	cancel(why)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Solve(ctx, []float32{1, 2}, 1, 1); !errors.Is(err, why) {
		t.Errorf("stopped: %v", err)
	}
	a, _, _ := system(200, 1, 1)
	if _, err := NewFactor(ctx, a, 200, 1); !errors.Is(err, why) {
		t.Errorf("stopped: %v", err)
	}
}

// BenchmarkSolve is the ridge of catalogues of so many items on one core: n³/6 + n³
// multiplications and as many additions, with what symmetry saves.
func BenchmarkSolve(b *testing.B) {
	for _, n := range []int{1024, 5000, 12_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				a, c := make([]float32, n*n), make([]float32, n*n)
				for i := range n {
					for j := range i {
						a[i*n+j] = float32(i^j) / float32(n)
					}
					a[i*n+i] = 2 * float32(n)
				}
				f, err := NewFactor(context.Background(), a, n, 1)
				if err != nil {
					b.Fatal(err)
				}
				if err := f.Solve(context.Background(), c, n, 1); err != nil {
					b.Fatal(err)
				}
			}
			x := float64(n)
			b.ReportMetric(float64(b.N)*(1./6+1)*2*x*x*x/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}
