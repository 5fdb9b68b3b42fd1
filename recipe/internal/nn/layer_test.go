package nn

import (
	"math"
	"math/rand/v2"
	"testing"

	"usher/internal/seed"
	"usher/kernel"
)

func normals(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

func doubles(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// slope checks got, the gradient of f at x, by central differences. The bound
// is one part in 1000 of the largest gradient: float32 sums against float64.
func slope(t *testing.T, name string, f func() float64, x []float64, got []float32) {
	t.Helper()
	const eps = 1e-5
	var top float64
	for _, g := range got {
		top = max(top, math.Abs(float64(g)))
	}
	for i := range x {
		old := x[i]
		x[i] = old + eps
		up := f()
		x[i] = old - eps
		down := f()
		x[i] = old
		if want := (up - down) / (2 * eps); !(math.Abs(want-float64(got[i])) <= top/1000) {
			t.Errorf("%s[%d]: gradient %.6g, reference %.6g (largest %.3g)", name, i, got[i], want, top)
		}
	}
}

func TestAttentionGradient(t *testing.T) {
	s := Shape{Dim: 6, Heads: 3, Window: 60}
	for _, l := range []int{1, 2, 7, 51} { // 51 is more than one strip
		r := seed.Seed(l).Rand()
		qkv, rel, weight := normals(r, l*18), normals(r, 3*60), normals(r, l*6)
		o, p := make([]float32, l*6), make([]float32, 3*l*l)
		s.attention(o, p, qkv, rel, l, 0)

		ref := &reference{s: s}
		q, b := doubles(qkv), doubles(rel)
		attend := func() matrix {
			rows := make(matrix, l)
			for i := range rows {
				rows[i] = q[i*18 : (i+1)*18]
			}
			return ref.attend(rows, b, []int{l})
		}
		loss := func() (sum float64) {
			for i, row := range attend() {
				for j, v := range row {
					sum += v * float64(weight[i*6+j])
				}
			}
			return sum
		}
		for i, row := range attend() {
			for j, want := range row {
				if math.Abs(want-float64(o[i*6+j])) > 1e-5 {
					t.Fatalf("length %d: o[%d,%d] = %v, reference %v", l, i, j, o[i*6+j], want)
				}
			}
		}
		dqkv, drel := make([]float32, len(qkv)), make([]float32, len(rel))
		s.attentionBackward(dqkv, drel, weight, p, qkv, l, make([]float32, attentionRows*l))
		if l < 50 {
			slope(t, "qkv", loss, q, dqkv)
		}
		slope(t, "rel", loss, b, drel)
	}
}

func TestNormaliseGradient(t *testing.T) {
	r := seed.Seed(4).Rand()
	x, weight := normals(r, 9), normals(r, 9)
	y, dx := make([]float32, 9), make([]float32, 9)
	inv := kernel.Normalise(y, x)
	kernel.NormaliseBackward(dx, weight, y, inv)
	at := doubles(x)
	slope(t, "x", func() (sum float64) {
		for i, v := range unit(at) {
			sum += v * float64(weight[i])
		}
		return sum
	}, at, dx)
}

func TestGateGradient(t *testing.T) {
	r := seed.Seed(5).Rand()
	o, u, dy := normals(r, 21), normals(r, 21), normals(r, 21)
	s := make([]float32, 21)
	for i, v := range u {
		s[i] = float32(sigmoid(float64(v)))
	}
	do, du := append([]float32(nil), dy...), make([]float32, 21)
	kernel.GateBackward(do, du, o, s)
	oo, uu := doubles(o), doubles(u)
	loss := func() (sum float64) {
		for i := range oo {
			sum += oo[i] * sigmoid(uu[i]) * float64(dy[i])
		}
		return sum
	}
	slope(t, "o", loss, oo, do)
	slope(t, "u", loss, uu, du)
}
