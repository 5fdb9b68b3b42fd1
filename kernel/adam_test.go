package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// Products are fused on the path: one rounding less in each moment. The weight
// differs by the rounding of itself and of the step.
func TestAdam(t *testing.T) {
	steps := []AdamStep{
		{LR: 1e-3, Beta1: .9, Beta2: .999, Eps: 1e-8, T: 1},
		{LR: 3e-3, Beta1: .9, Beta2: .98, Eps: 1e-8, Decay: .1, T: 700},
	}
	onPaths(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(6, 1))
		for _, n := range lengths() {
			for _, s := range steps {
				w, m, v, g := random(r, n), random(r, n), random(r, n), random(r, n)
				for i := range v {
					v[i] *= v[i]
				}
				gw, gm, gv := guard(w, r.IntN(8)), guard(m, r.IntN(8)), guard(v, r.IntN(8))
				Adam(gw.x, gm.x, gv.x, g, s.Update(.5))
				for _, x := range []guarded{gw, gm, gv} {
					x.check(t, "moments")
				}
				tw, tm, tv := append([]float32(nil), w...), append([]float32(nil), m...), append([]float32(nil), v...)
				byTwin(func() { Adam(tw, tm, tv, g, s.Update(.5)) })
				b1, b2, at := float64(s.Beta1), float64(s.Beta2), float64(s.T)
				for i := range w {
					x := .5 * float64(g[i])
					m1 := b1*float64(m[i]) + (1-b1)*x
					v1 := b2*float64(v[i]) + (1-b2)*x*x
					step := float64(s.LR) * m1 / (1 - math.Pow(b1, at)) / (math.Sqrt(v1/(1-math.Pow(b2, at))) + float64(s.Eps))
					w1 := float64(w[i])*(1-float64(s.LR)*float64(s.Decay)) - step
					size := b1*math.Abs(float64(m[i])) + (1-b1)*math.Abs(x)
					wide := step * size / math.Abs(m1) // what the moment's error may do
					for _, got := range [][3]float32{{gw.x[i], gm.x[i], gv.x[i]}, {tw[i], tm[i], tv[i]}} {
						if !same(float64(got[1]), m1, size, 3*eps) || !same(float64(got[2]), v1, v1, 5*eps) ||
							!same(float64(got[0]), w1, math.Abs(float64(w[i]))+8*math.Abs(wide), 3*eps) {
							t.Fatalf("length %d, step %d: [%d] w %v m %v v %v, want %v %v %v", n, s.T, i, got[0], got[1], got[2], w1, m1, v1)
						}
					}
				}
			}
		}
		for _, bad := range odd { // the same odd results as the twin
			x := [][]float32{{1}, {.1}, {.2}, {bad}}
			y := cloneAll(x)
			Adam(x[0], x[1], x[2], x[3], steps[0].Update(1))
			byTwin(func() { Adam(y[0], y[1], y[2], y[3], steps[0].Update(1)) })
			for i := range x {
				compare(t, fmt.Sprintf("gradient %v, slice %d", bad, i), x[i], y[i], 6)
			}
		}
	})
}
