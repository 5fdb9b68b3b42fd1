package nn

import (
	"math"

	"usher/internal/seed"
)

// reference is the network written down in the plainest way in float64: what
// the fast code must agree with. Its parameters are one slice, table first.
type reference struct {
	s   Shape
	w   []float64
	dr  dropper
	mul map[[2]int][]float32 // masks by place, made once
}

func newReference(n *Net, dr dropper) *reference {
	r := &reference{s: n.Shape, dr: dr, mul: map[[2]int][]float32{}}
	for _, x := range n.Table {
		r.w = append(r.w, float64(x))
	}
	for _, x := range n.Dense {
		r.w = append(r.w, float64(x))
	}
	return r
}

// mask gives the factors of dropout at a place for n values.
func (r *reference) mask(block, place, n int) []float32 {
	m := r.mul[[2]int{block, place}]
	if m == nil {
		m = make([]float32, n)
		for i := range m {
			m[i] = 1
		}
		r.dr.apply(m, block, place)
		r.mul[[2]int{block, place}] = m
	}
	return m
}

type matrix [][]float64

func zeros(n, m int) matrix {
	x := make(matrix, n)
	for i := range x {
		x[i] = make([]float64, m)
	}
	return x
}

// times computes a·w for a (n,k) and w (k,m) row-major.
func times(a matrix, w []float64, m int) matrix {
	y := zeros(len(a), m)
	for i := range a {
		for k, x := range a[i] {
			for j := range m {
				y[i][j] += x * w[k*m+j]
			}
		}
	}
	return y
}

func norm(x matrix, gain, bias []float64) matrix {
	y := zeros(len(x), len(gain))
	for i, r := range x {
		var mean, vr float64
		for _, v := range r {
			mean += v / float64(len(r))
		}
		for _, v := range r {
			vr += (v - mean) * (v - mean) / float64(len(r))
		}
		for j, v := range r {
			y[i][j] = (v-mean)/math.Sqrt(vr+1e-5)*gain[j] + bias[j]
		}
	}
	return y
}

func (r *reference) drop(x matrix, block, place int) {
	m := len(x[0])
	mask := r.mask(block, place, len(x)*m)
	for i := range x {
		for j := range x[i] {
			x[i][j] *= float64(mask[i*m+j])
		}
	}
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// queries is forward without the normalisation.
func (r *reference) queries(b *Batch) matrix {
	s, d := r.s, r.s.Dim
	p := r.w[s.Rows*d:]
	cut := func(n int) []float64 { out := p[:n]; p = p[n:]; return out }
	x := zeros(len(b.Tokens), d)
	for i, t := range b.Tokens {
		for j := range d {
			x[i][j] = r.w[int(t&0xfffffff)*d+j] * math.Sqrt(float64(d))
		}
	}
	r.drop(x, 0, placeInput)
	for i := range s.Blocks {
		if i == s.Blocks-1 {
			r.mark(x, b.Tokens)
		}
		g1, b1 := cut(d), cut(d)
		wqkv, wg, rel, wo := cut(3*d*d), cut(d*d), cut(s.Heads*s.Window), cut(d*d)
		g2, b2 := cut(d), cut(d)
		wa, wb, wd := cut(d*s.Inner), cut(d*s.Inner), cut(s.Inner*d)
		h := norm(x, g1, b1)
		o := r.attend(times(h, wqkv, 3*d), rel, b.Lens)
		u := times(h, wg, d)
		for t := range o {
			for j := range o[t] {
				o[t][j] *= sigmoid(u[t][j])
			}
		}
		y := times(o, wo, d)
		r.drop(y, i, placeAttention)
		add(x, y)
		h = norm(x, g2, b2)
		a, l := times(h, wa, s.Inner), times(h, wb, s.Inner)
		for t := range a {
			for j, v := range a[t] {
				a[t][j] = v * sigmoid(v) * l[t][j]
			}
		}
		r.drop(a, i, placeInner)
		y = times(a, wd, d)
		r.drop(y, i, placeOut)
		add(x, y)
	}
	return norm(x, cut(d), cut(d))
}

// mark adds the vectors of the tokens' marks, which are the last parameters.
func (r *reference) mark(x matrix, tokens []uint32) {
	marks := r.w[len(r.w)-r.s.Marks*r.s.Dim:]
	for i, t := range tokens {
		if m := int(t >> 28); m > 0 {
			for j := range x[i] {
				x[i][j] += marks[(m-1)*r.s.Dim+j] * math.Sqrt(float64(r.s.Dim))
			}
		}
	}
}

func add(x, y matrix) {
	for i := range x {
		for j := range x[i] {
			x[i][j] += y[i][j]
		}
	}
}

func (r *reference) attend(qkv matrix, rel []float64, lens []int) matrix {
	d, s := r.s.Dim, r.s
	width := d / s.Heads
	o := zeros(len(qkv), d)
	at := 0
	for _, l := range lens {
		for h := range s.Heads {
			for i := range l {
				p, sum := make([]float64, i+1), 0.
				for j := range p {
					for k := range width {
						p[j] += qkv[at+i][h*width+k] * qkv[at+j][d+h*width+k]
					}
					p[j] = math.Exp(p[j]/math.Sqrt(float64(width)) + rel[h*s.Window+s.Window-1-(i-j)])
					sum += p[j]
				}
				for j := range p {
					for k := range width {
						o[at+i][h*width+k] += p[j] / sum * qkv[at+j][2*d+h*width+k]
					}
				}
			}
		}
		at += l
	}
	return o
}

func unit(x []float64) []float64 {
	sq := 1e-9 // as in kernel.Normalise
	for _, v := range x {
		sq += v * v
	}
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = v / math.Sqrt(sq)
	}
	return y
}

// loss is the mean loss of the batch with these candidates.
func (r *reference) loss(b *Batch, cand []uint32, items int) float64 {
	d, tau := r.s.Dim, float64(r.s.Tau)
	logit := func(q []float64, item uint32) (z float64) {
		for j, v := range unit(r.w[int(item)*d : int(item+1)*d]) {
			z += tau * v * q[j]
		}
		return z
	}
	var sum, weight float64
	for i, y := range r.queries(b) {
		w := float64(b.Weights[i])
		if w == 0 {
			continue
		}
		q := unit(y)
		own := logit(q, b.Targets[i])
		z := math.Exp(own)
		for _, c := range cand {
			if c != b.Targets[i] {
				z += math.Exp(logit(q, c)) * float64(items) / float64(len(cand))
			}
		}
		sum += w * (math.Log(z) - own)
		weight += w
	}
	return sum / weight
}

// candidatesOf repeats the draw that Trainer.batch makes.
func candidatesOf(items, sample int, key seed.Seed) []uint32 {
	if sample <= 0 || sample >= items {
		sample = items
	}
	var w lossWork
	w.draw(items, sample, key.Branch("sample"))
	return w.perm[:sample]
}

// example is a small network and a ragged batch for it.
func example(s Shape) (*Net, *Batch) {
	n := New(s, 7)
	r := seed.Seed(3).Rand()
	for i := range n.Dense { // biases and the like start at 0 and would hide faults
		n.Dense[i] += float32(r.NormFloat64() * .1)
	}
	for i := range n.Table {
		n.Table[i] *= 5
	}
	b := &Batch{Lens: []int{1, s.Window, 3}}
	for _, l := range b.Lens {
		for range l {
			b.Tokens = append(b.Tokens, Marked(uint32(r.IntN(s.Rows)), r.IntN(s.Marks+1)))
			b.Targets = append(b.Targets, uint32(r.IntN(s.Rows-1)))
			b.Weights = append(b.Weights, float32(r.IntN(3))*.5)
		}
	}
	b.Weights[0] = 1
	return n, b
}
