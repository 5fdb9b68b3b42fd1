package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// A product of rounded matrices is that of its twin but for the order of a pair's sums,
// at any height and place; a row does not depend on the others.
func TestRoundedMatMul(t *testing.T) {
	onPaths(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(7, 1))
		for _, size := range [][2]int{{16, 32}, {64, 64}, {64, 128}, {128, 96}, {256, 128}} {
			k, n := size[0], size[1]
			ldb := n + r.IntN(4)
			b := random(r, k*ldb)
			rounded := Round(b, ldb, k, n)
			if rounded == nil {
				t.Skip("this path has no instructions for it")
			}
			for _, m := range []int{1, 2, 3, 7, 12, 13, 24, 47, 48, 49, 101} {
				lda, ldc := k+r.IntN(4), n+r.IntN(4)
				a, c0 := random(r, m*lda), random(r, m*ldc)
				c, twin := guard(c0, r.IntN(8)), append([]float32(nil), c0...)
				rounded.MatMul(c.x, ldc, a, lda, m)
				byTwin(func() { rounded.MatMul(twin, ldc, a, lda, m) })
				for i := range c0 {
					row, col := i/ldc, i%ldc
					if col >= n {
						if c.x[i] != c0[i] {
							t.Fatalf("%d x %d x %d: written beside the matrix", m, n, k)
						}
						continue
					}
					size := 0.
					for p := range k {
						size += math.Abs(float64(a[row*lda+p]) * float64(b[p*ldb+col]))
					}
					if !same(float64(c.x[i]), float64(twin[i]), size, eps*8) {
						t.Fatalf("%d x %d x %d: [%d,%d] = %v, twin %v", m, n, k, row, col, c.x[i], twin[i])
					}
				}
				c.check(t, "C")
				last := make([]float32, n)
				if rounded.MatMul(last, n, a[(m-1)*lda:], lda, 1); m > 1 {
					for j, x := range last {
						if x != c.x[(m-1)*ldc+j] {
							t.Fatalf("%d x %d x %d: the last row alone has %v, with others %v", m, n, k, x, c.x[(m-1)*ldc+j])
						}
					}
				}
			}
		}
		for _, size := range [][2]int{{8, 32}, {16, 16}, {0, 32}} {
			if Round(make([]float32, 32*32), 32, size[0], size[1]) != nil {
				t.Errorf("a matrix of %v is rounded", size)
			}
		}
	})
}

// Numbers are rounded to the nearest with 8 bits.
func TestBfloat16(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 2))
	for range 10_000 {
		x := float32(math.Ldexp(r.NormFloat64(), r.IntN(40)-20))
		y := math.Float32frombits(bfloat16(x) << 16)
		if math.Abs(float64(y-x)) > math.Abs(float64(x))/256 {
			t.Fatalf("%v becomes %v", x, y)
		}
	}
	for x, want := range map[float32]uint32{1: 0x3f80, 1 + 1./256: 0x3f80, 1 + 3./256: 0x3f82, -2: 0xc000, 0: 0, math.MaxFloat32: 0x7f80} {
		if got := bfloat16(x); got != want {
			t.Errorf("%v becomes %#x, want %#x", x, got, want)
		}
	}
	if got := bfloat16(float32(math.NaN())); got&0x7f80 != 0x7f80 || got&0x7f == 0 {
		t.Errorf("NaN becomes %#x", got)
	}
}

// BenchmarkRounded is the feed-forward part of a history of 200 events.
func BenchmarkRounded(b *testing.B) {
	r := rand.New(rand.NewPCG(7, 3))
	for _, d := range []int{64, 128} {
		x, w, y := random(r, 200*d), random(r, d*2*d), make([]float32, 200*2*d)
		rounded := Round(w, 2*d, d, 2*d)
		if rounded == nil {
			b.Skip("this machine has no instructions for it")
		}
		name := map[int]string{64: "64", 128: "128"}[d]
		b.Run(name+"/float", func(b *testing.B) {
			for b.Loop() {
				MatMul(y, 2*d, x, d, w, 2*d, 200, 2*d, d, false)
			}
		})
		b.Run(name+"/rounded", func(b *testing.B) {
			for b.Loop() {
				rounded.MatMul(y, 2*d, x, d, 200)
			}
		})
	}
}
