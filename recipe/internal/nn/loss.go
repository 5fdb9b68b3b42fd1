package nn

import (
	"math"
	"slices"

	"usher/internal/seed"
	"usher/kernel"
)

// lossOptions say how the softmax is made.
type lossOptions struct {
	items  int     // rows below it are items
	sample int     // negatives, drawn uniformly and shared by the batch; all items when it is 0 or ≥ items
	scale  float32 // 1 / sum of all weights of the step
	key    seed.Seed
}

// lossWork is memory of softmaxLoss. C is the number of candidates.
type lossWork struct {
	perm  []uint32 // a permutation of the items; the first C are the candidates
	swap  []int32  // how to undo it
	pos   []int32  // (items) place among the candidates, or -1
	drawn int

	cand, dcand, inv []float32 // (C,d) normalised vectors and their gradient; (C)
	at               []int     // tokens with a weight
	q, qinv, dq, qw  []float32 // (n,d) normalised queries of a strip; (n); their gradient; queries × weight
	tgt, tinv        []float32 // (n,d) normalised targets; (n)
	dt, factor       []float32 // (n) gradient of the target's logit, and what it is to be multiplied with
	logits           []float32 // (n,C+1)
	dy, row          []float32 // (T,d); (d)
}

// lossFloats is how many logits a strip of rows has: they stay in the L2 cache. Its
// rows are a multiple of those of a kernel's tile.
const (
	lossFloats = 1 << 17
	lossRows   = 12
)

// softmaxLoss adds loss and gradients for y (T,d) to g, and gives the gradient
// of y. The loss of a token is -log softmax of its target's logit Tau·cos. With
// sampled negatives each stands for items/sample items: its logit is raised by
// the log of that (here: the target's lowered), which makes the sum an unbiased
// estimate of the full one (Jean et al., ACL 2015). A negative that is the
// token's own target is left out.
func (n *Net) softmaxLoss(w *lossWork, b *Batch, y []float32, g *Gradient, o lossOptions) []float32 {
	d := n.Dim
	sampled := o.sample > 0 && o.sample < o.items
	c := o.items
	if sampled {
		c = o.sample
	}
	w.draw(o.items, c, o.key)
	n.candidates(w, c)
	w.at = w.at[:0]
	for i, x := range b.Weights {
		if x > 0 {
			w.at = append(w.at, i)
		}
	}
	dy := room(&w.dy, len(y))
	clear(dy)
	strip := min(192, max(2*lossRows, lossFloats/(c+1)/lossRows*lossRows))
	for r0 := 0; r0 < len(w.at); r0 += strip {
		at := w.at[r0:min(len(w.at), r0+strip)]
		n.lossStrip(w, b, at, y, dy, g, o, c, sampled)
	}
	for i := range c {
		kernel.NormaliseBackward(g.row(w.perm[i]), w.dcand[i*d:(i+1)*d], w.cand[i*d:(i+1)*d], w.inv[i])
	}
	w.undo()
	return dy
}

// lossStrip does softmaxLoss for the tokens at.
func (n *Net) lossStrip(w *lossWork, b *Batch, at []int, y, dy []float32, g *Gradient, o lossOptions, c int, sampled bool) {
	d, ld, tau := n.Dim, c+1, n.Tau
	q, qinv := room(&w.q, len(at)*d), room(&w.qinv, len(at))
	for i, t := range at {
		qinv[i] = kernel.Normalise(q[i*d:(i+1)*d], y[t*d:(t+1)*d])
	}
	logits := room(&w.logits, len(at)*ld)
	kernel.MatMulNT(logits, ld, q, d, w.cand, d, len(at), c, d, false)
	dt, factor := room(&w.dt, len(at)), room(&w.factor, len(at))
	corr := float32(math.Log(float64(o.items)/float64(c))) / tau
	qw := room(&w.qw, len(at)*d)
	for i, t := range at {
		target, weight := b.Targets[t], b.Weights[t]
		row := logits[i*ld : i*ld+c]
		own := int(w.pos[target])
		if sampled {
			row = logits[i*ld : i*ld+c+1]
			if own >= 0 {
				row[own] = -200/tau - 2*(1+corr) // far below all others, which are at least -1-corr
			}
			own = c
			row[own] = n.target(w, i, target, len(at), q) - corr
		}
		hit, top := row[own], kernel.Max(row)
		sum := kernel.ExpSum(row, tau, -tau*top)
		g.Loss += float64(weight) * (math.Log(float64(sum)) - float64(tau*(hit-top)))
		row[own] -= sum // the gradient of the logits, times sum / tau·weight
		dt[i] = row[own]
		factor[i] = tau * weight * o.scale / sum
		copy(qw[i*d:(i+1)*d], q[i*d:(i+1)*d])
		kernel.Scale(qw[i*d:(i+1)*d], factor[i])
	}
	dq := room(&w.dq, len(at)*d)
	kernel.MatMul(dq, d, logits, ld, w.cand, d, len(at), d, c, false)
	kernel.MatMulTN(w.dcand, d, logits, ld, qw, d, c, d, len(at), true)
	for i, t := range at {
		dqi := dq[i*d : (i+1)*d]
		if sampled {
			ti := w.tgt[i*d : (i+1)*d]
			kernel.Axpy(dqi, dt[i], ti)
			dti := room(&w.row, d)
			copy(dti, qw[i*d:(i+1)*d])
			kernel.Scale(dti, dt[i])
			kernel.NormaliseBackward(g.row(b.Targets[t]), dti, ti, w.tinv[i])
		}
		kernel.Scale(dqi, factor[i])
		kernel.NormaliseBackward(dy[t*d:(t+1)*d], dqi, q[i*d:(i+1)*d], qinv[i])
	}
}

// target normalises the vector of the target of row i of a strip of rows and
// gives its cosine with the query.
func (n *Net) target(w *lossWork, i int, target uint32, rows int, q []float32) float32 {
	d := n.Dim
	ti, inv := room(&w.tgt, rows*d)[i*d:(i+1)*d], room(&w.tinv, rows)
	inv[i] = kernel.Normalise(ti, n.row(target))
	return kernel.Dot(q[i*d:(i+1)*d], ti)
}

// candidates normalises the vectors of the first c items of perm.
func (n *Net) candidates(w *lossWork, c int) {
	d := n.Dim
	cand, inv := room(&w.cand, c*d), room(&w.inv, c)
	for i := range c {
		inv[i] = kernel.Normalise(cand[i*d:(i+1)*d], n.row(w.perm[i]))
	}
	clear(room(&w.dcand, c*d))
}

// draw puts c different items, all equally likely, in front of perm.
func (w *lossWork) draw(items, c int, key seed.Seed) {
	if len(w.perm) != items {
		w.perm, w.pos = make([]uint32, items), make([]int32, items)
		for i := range w.perm {
			w.perm[i], w.pos[i] = uint32(i), -1
		}
	}
	w.swap = w.swap[:0]
	if c < items {
		r := key.Rand()
		for i := range c {
			j := i + int(r.Uint64N(uint64(items-i)))
			w.perm[i], w.perm[j] = w.perm[j], w.perm[i]
			w.swap = append(w.swap, int32(j))
		}
	}
	for i := range c {
		w.pos[w.perm[i]] = int32(i)
	}
	w.drawn = c
}

// undo makes perm the identity again, so that no draw depends on earlier ones.
func (w *lossWork) undo() {
	for _, item := range w.perm[:w.drawn] {
		w.pos[item] = -1
	}
	for i, j := range slices.Backward(w.swap) {
		w.perm[i], w.perm[j] = w.perm[j], w.perm[i]
	}
}
