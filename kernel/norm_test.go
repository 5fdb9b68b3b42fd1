package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// layer is the arguments of a layer norm, forward and backward.
type layer struct {
	y, x, gain, bias, mean, rstd, dx, dgain, dbias, dy []float32
	rows, d                                            int
}

func newLayer(r *rand.Rand, values func(*rand.Rand, int) []float32, rows, d int) *layer {
	n := rows * d
	return &layer{
		y: make([]float32, n), x: values(r, n), gain: random(r, d), bias: random(r, d),
		mean: make([]float32, rows), rstd: make([]float32, rows),
		dx: random(r, n), dgain: random(r, d), dbias: random(r, d), dy: random(r, n), rows: rows, d: d,
	}
}

func (l *layer) slices() []*[]float32 {
	return []*[]float32{&l.y, &l.x, &l.gain, &l.bias, &l.mean, &l.rstd, &l.dx, &l.dgain, &l.dbias, &l.dy}
}

func (l *layer) run() {
	LayerNorm(l.y, l.x, l.gain, l.bias, l.mean, l.rstd, l.rows, l.d)
	LayerNormBackward(l.dx, l.dgain, l.dbias, l.dy, l.x, l.gain, l.mean, l.rstd, l.rows, l.d)
}

// inDouble gives y, dx, dgain and dbias computed in float64.
func (l *layer) inDouble() (y, dx, dgain, dbias []float64) {
	double := func(x []float32) (out []float64) {
		for _, v := range x {
			out = append(out, float64(v))
		}
		return out
	}
	y, dx, dgain, dbias = make([]float64, len(l.y)), double(l.dx), double(l.dgain), double(l.dbias)
	d := float64(l.d)
	for r := range l.rows {
		x := double(l.x[r*l.d : (r+1)*l.d])
		var mean, square, sum, product float64
		for _, v := range x {
			mean += v / d
		}
		for _, v := range x {
			square += (v - mean) * (v - mean) / d
		}
		rstd := 1 / math.Sqrt(square+1e-5)
		for i, v := range x {
			h, g := (v-mean)*rstd, float64(l.dy[r*l.d+i])
			y[r*l.d+i] = h*float64(l.gain[i]) + float64(l.bias[i])
			dgain[i] += g * h
			dbias[i] += g
			sum += g * float64(l.gain[i]) / d
			product += g * float64(l.gain[i]) * h / d
		}
		for i, v := range x {
			h, g := (v-mean)*rstd, float64(l.dy[r*l.d+i])*float64(l.gain[i])
			dx[r*l.d+i] += rstd * (g - sum - h*product)
		}
	}
	return y, dx, dgain, dbias
}

// Both paths agree with float64. The sums over d have d half-ulps of error at
// worst, relative to numbers of size 1 to 5; over rows likewise. rstd scales
// what dx differs by: it is at most 317, for a row of equal numbers, and about
// 1 here but for the shortest rows.
func TestLayerNorm(t *testing.T) {
	check := func(t *testing.T) {
		r := rand.New(rand.NewPCG(8, 8))
		for _, d := range lengths() {
			if d > 300 {
				continue
			}
			for _, rows := range []int{0, 1, 5} {
				l := newLayer(r, random, rows, d)
				y, dx, dgain, dbias := l.inDouble()
				var all []guarded
				for _, s := range l.slices() {
					g := guard(*s, r.IntN(8))
					*s = g.x
					all = append(all, g)
				}
				l.run()
				for _, g := range all {
					g.check(t, fmt.Sprintf("%d rows of %d", rows, d))
				}
				near := func(name string, got []float32, want []float64, scale float64) {
					for i := range want {
						if !(math.Abs(float64(got[i])-want[i]) <= scale*eps*float64(d+20)) {
							t.Fatalf("%d rows of %d: %s[%d] = %v, want %v", rows, d, name, i, got[i], want[i])
						}
					}
				}
				top := 1.0 // the largest rstd: of few numbers some lie close together
				for _, s := range l.rstd {
					top = max(top, float64(s))
				}
				near("y", l.y, y, 10*top)
				near("dx", l.dx, dx, 30*top*top)
				near("dgain", l.dgain, dgain, 20*top*float64(rows))
				near("dbias", l.dbias, dbias, 5*float64(rows))
			}
		}
	}
	onPaths(t, check)
	byTwin(func() { check(t) })
}

// A NaN or Inf spoils its row (and the sums over rows), no other; so it does in the twin.
func TestLayerNormKeepsRowsApart(t *testing.T) {
	onPaths(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(8, 1))
		for _, d := range []int{1, 3, 8, 13, 64, 71} {
			for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
				l := newLayer(r, random, 3, d)
				l.x[d+r.IntN(d)] = float32(bad)
				twin := *l
				for i, s := range twin.slices() {
					*s = append([]float32(nil), *l.slices()[i]...)
				}
				l.run()
				byTwin(twin.run)
				for i := range l.y {
					spoilt := l.y[i] != l.y[i]
					if in := i/d == 1; in != spoilt || spoilt != (twin.y[i] != twin.y[i]) || in != (l.dx[i] != l.dx[i]) {
						t.Fatalf("%v in row 1 of width %d: y[%d] = %v, twin %v, dx %v", bad, d, i, l.y[i], twin.y[i], l.dx[i])
					}
				}
			}
		}
	})
}

func TestLayerNormOfEqualNumbers(t *testing.T) {
	check := func(t *testing.T) {
		x, y, one := []float32{2, 2, 2, 2}, make([]float32, 4), []float32{1, 1, 1, 1}
		mean, rstd := []float32{0}, []float32{0}
		LayerNorm(y, x, one, make([]float32, 4), mean, rstd, 1, 4)
		if y[0] != 0 || mean[0] != 2 || math.Abs(float64(rstd[0])-1/math.Sqrt(1e-5)) > 1e-3 {
			t.Errorf("y %v, mean %v, rstd %v", y, mean, rstd)
		}
	}
	onPaths(t, check)
	byTwin(func() { check(t) })
}

// As a dot product; its relative error halves under the root. In the gradient
// what lies along y cancels: the bound is relative to dy.
func TestNormalise(t *testing.T) {
	check := func(t *testing.T) {
		r := rand.New(rand.NewPCG(7, 7))
		for _, n := range lengths() {
			x, dy, dx0 := random(r, n), random(r, n), random(r, n)
			y, dx := guard(make([]float32, n), r.IntN(8)), guard(dx0, r.IntN(8))
			inv := Normalise(y.x, x)
			NormaliseBackward(dx.x, dy, y.x, inv)
			y.check(t, "y")
			dx.check(t, "dx")
			square, along, size := 1e-9, 0., 0.
			for _, v := range x {
				square += float64(v) * float64(v)
			}
			want := 1 / math.Sqrt(square)
			for i, v := range x {
				along += float64(dy[i]) * float64(v) * want
				size += math.Abs(float64(dy[i]) * float64(v) * want)
			}
			bound := eps * float64(n/4+8)
			if !same(float64(inv), want, want, bound) {
				t.Fatalf("length %d: 1/length %v, want %v", n, inv, want)
			}
			for i, v := range x {
				yi := float64(v) * want
				if !same(float64(y.x[i]), yi, yi, bound) {
					t.Fatalf("length %d: y[%d] = %v, want %v", n, i, y.x[i], yi)
				}
				d := float64(dx0[i]) + want*(float64(dy[i])-along*yi)
				terms := math.Abs(float64(dx0[i])) + want*(math.Abs(float64(dy[i]))+size*math.Abs(yi))
				if !same(float64(dx.x[i]), d, terms, 3*bound) {
					t.Fatalf("length %d: dx[%d] = %v, want %v", n, i, dx.x[i], d)
				}
			}
			inPlace := append([]float32(nil), x...)
			Normalise(inPlace, inPlace)
			compare(t, "in place", inPlace, y.x, 0)
		}
		zero := make([]float32, 9)
		if inv := Normalise(zero, zero); zero[0] != 0 || math.Abs(float64(inv)-1/math.Sqrt(1e-9)) > 1 {
			t.Errorf("zeros: %v, 1/length %v", zero, inv)
		}
		bad := []float32{1, float32(math.NaN()), 2}
		if inv := Normalise(bad, bad); inv == inv || bad[0] == bad[0] {
			t.Errorf("with NaN: %v, 1/length %v", bad, inv)
		}
	}
	onPaths(t, check)
	byTwin(func() { check(t) })
}
