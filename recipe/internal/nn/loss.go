package nn

import (
	"math"

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

// lossWork is memory of softmaxLoss.
type lossWork struct {
	candidates
	lossOptions
	sampled bool

	at              []int     // tokens with a weight
	q, qinv, dq, qw []float32 // (n,d) normalised queries of a strip; (n); their gradient; queries × weight
	tgt, tinv       []float32 // (n,d) normalised targets; (n)
	dt, factor      []float32 // (n) gradient of the target's logit, and what it is to be multiplied with
	logits          []float32 // (n,W)
	row             []float32 // (d)
	dy              []float32 // (T,d)
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
	w.lossOptions, w.sampled = o, o.sample > 0 && o.sample < o.items
	c := o.items
	if w.sampled {
		c = o.sample
	}
	w.draw(o.items, c, o.key)
	w.fill(n)
	w.at = w.at[:0]
	for i, x := range b.Weights {
		if x > 0 {
			w.at = append(w.at, i)
		}
	}
	dy := room(&w.dy, len(y))
	clear(dy)
	strip := min(192, max(2*lossRows, lossFloats/w.wide/lossRows*lossRows))
	for r0 := 0; r0 < len(w.at); r0 += strip {
		n.lossStrip(w, b, w.at[r0:min(len(w.at), r0+strip)], y, dy, g)
	}
	for i := range w.c {
		kernel.NormaliseBackward(g.row(w.perm[i]), w.dcand[i*d:(i+1)*d], w.cand[i*d:(i+1)*d], w.inv[i])
	}
	w.undo()
	return dy
}

// lossStrip does softmaxLoss for the tokens at.
func (n *Net) lossStrip(w *lossWork, b *Batch, at []int, y, dy []float32, g *Gradient) {
	d := n.Dim
	q, qinv, qw := room(&w.q, len(at)*d), room(&w.qinv, len(at)), room(&w.qw, len(at)*d)
	for i, t := range at {
		qinv[i] = kernel.Normalise(q[i*d:(i+1)*d], y[t*d:(t+1)*d])
	}
	w.multiply(room(&w.logits, len(at)*w.wide), q, len(at), d)
	g.Loss += n.softmaxRows(w, b, at)
	for i := range at {
		copy(qw[i*d:(i+1)*d], q[i*d:(i+1)*d])
		kernel.Scale(qw[i*d:(i+1)*d], w.factor[i])
	}
	w.multiplyBackward(room(&w.dq, len(at)*d), w.logits, qw, len(at), d)
	for i, t := range at {
		dqi := w.dq[i*d : (i+1)*d]
		if w.sampled {
			ti := w.tgt[i*d : (i+1)*d]
			kernel.Axpy(dqi, w.dt[i], ti)
			dti := room(&w.row, d)
			copy(dti, qw[i*d:(i+1)*d])
			kernel.Scale(dti, w.dt[i])
			kernel.NormaliseBackward(g.row(b.Targets[t]), dti, ti, w.tinv[i])
		}
		kernel.Scale(dqi, w.factor[i])
		kernel.NormaliseBackward(dy[t*d:(t+1)*d], dqi, q[i*d:(i+1)*d], qinv[i])
	}
}

// softmaxRows turns the logits of the tokens at into their gradients but for a factor,
// and gives their loss. What a row has beyond the candidates becomes 0.
func (n *Net) softmaxRows(w *lossWork, b *Batch, at []int) (loss float64) {
	tau, c := n.Tau, w.c
	dt, factor := room(&w.dt, len(at)), room(&w.factor, len(at))
	corr := float32(math.Log(float64(w.items)/float64(c))) / tau
	for i, t := range at {
		target, weight := b.Targets[t], b.Weights[t]
		row, beyond := w.logits[i*w.wide:i*w.wide+c], w.logits[i*w.wide+c:(i+1)*w.wide]
		own := int(w.pos[target])
		if w.sampled {
			row = row[:c+1]
			if own >= 0 {
				row[own] = -200/tau - 2*(1+corr) // far below all others, which are at least -1-corr
			}
			own = c
			row[own] = n.target(w, i, target, len(at)) - corr
		}
		hit, top := row[own], kernel.Max(row)
		sum := kernel.ExpSum(row, tau, -tau*top)
		loss += float64(weight) * (math.Log(float64(sum)) - float64(tau*(hit-top)))
		row[own] -= sum // the gradient of the logits, times sum / tau·weight
		dt[i] = row[own]
		factor[i] = tau * weight * w.scale / sum
		clear(beyond)
	}
	return loss
}

// target normalises the vector of the target of row i of a strip of rows and
// gives its cosine with the query.
func (n *Net) target(w *lossWork, i int, target uint32, rows int) float32 {
	d := n.Dim
	ti, inv := room(&w.tgt, rows*d)[i*d:(i+1)*d], room(&w.tinv, rows)
	inv[i] = kernel.Normalise(ti, n.row(target))
	return kernel.Dot(w.q[i*d:(i+1)*d], ti)
}
