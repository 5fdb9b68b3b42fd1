package sequence

import (
	"context"
	"fmt"
	"math"
	"slices"

	"usher/kernel"
	"usher/recipe/internal/nn"
)

// The weights of a blend are fitted on the validation part, with a network and
// counters that have not seen it: a conditional logit (McFadden 1974) over each
// user's candidates. Candidates are what one of the parts ranks among its first
// candidateTop; the item looked for is not added to them, for that would tell
// that it is there.

const candidateTop = 100

// example is one question of the validation part: the features of its candidates.
type example struct {
	feature []float32 // (candidates,featureCount)
	target  int       // among the candidates; -1: not found
	weight  float64   // heldOut's
}

func (e *example) row(i int) []float32 { return e.feature[i*featureCount : (i+1)*featureCount] }

func (e *example) candidates() int { return len(e.feature) / featureCount }

// proposes says which features bring candidates.
func proposes(k int) bool {
	return k == netFeature || k == again || k == ruleFeature+ridgeRule || k >= ruleFeature && k < popular && rules[k-ruleFeature].last >= 10
}

// examples asks the network and the counters for all of the validation part.
func (f *fit) examples(ctx context.Context, net *nn.Net, b *blend) ([]example, error) {
	out := make([]example, len(f.held))
	askers := make([]*asker, max(1, f.in.Workers))
	vectors := f.vectors
	if vectors == nil {
		vectors = net.Items(len(f.c.items))
	}
	nn.Each(f.in.Workers, len(f.held), func(worker, i int) {
		if ctx.Err() != nil {
			return
		}
		if askers[worker] == nil {
			askers[worker] = newAsker(net.Dim, len(f.c.items))
		}
		out[i] = f.example(askers[worker], net, vectors, b, f.held[i])
	})
	if ctx.Err() != nil {
		return nil, fmt.Errorf("weigh counters: %w", context.Cause(ctx))
	}
	return out, nil
}

// blend gives what is added to a network: by weights that were chosen before, or
// chosen now on the validation part. nil: nothing.
func (f *fit) blend(ctx context.Context, net *nn.Net) (*blend, error) {
	if f.in.Progress != nil {
		f.in.Progress(netShare, "counting what follows what")
	}
	w := f.s.weights
	if f.in.Tuned != nil {
		if w == prior() {
			return nil, nil
		}
		c, err := count(ctx, f.c, w.wanted(), f.in.Workers)
		if err != nil {
			return nil, err
		}
		return newBlend(w, c), nil
	}
	if n := len(f.held); n == 0 || n < examplesLeast && !f.s.maskSeen {
		return nil, nil
	}
	var every [len(rules)]bool
	for r := range every {
		every[r] = true
	}
	c, err := count(ctx, f.c, every, f.in.Workers)
	if err != nil {
		return nil, err
	}
	b := newBlend(prior(), c)
	es, err := f.examples(ctx, net, b)
	if err != nil || !f.choose(es, b) {
		return nil, err
	}
	for r, keep := range f.s.weights.wanted() {
		if !keep {
			c.tables[r] = nil
		}
	}
	return newBlend(f.s.weights, c), nil
}

// choose fits the weights and says whether they are better than the network
// alone, judged by halves of the validation part that did not fit them. Where few
// questions are answered the likelihood is the judge: it hears all candidates of a
// question, while NDCG is a matter of luck. Of none at all the usual weights are taken.
func (f *fit) choose(es []example, b *blend) bool {
	var may [featureCount]bool
	for k := range may {
		may[k] = b.can(k) && (!f.s.maskSeen || k != again && k != latest)
	}
	found := answered(es)
	few := f.s.maskSeen && found < answeredFew
	if found < examplesLeast && !few {
		return false
	}
	from := networkAlone()
	if few {
		from = usual()
	}
	with, without, gain, err := byHalves(es, 1, may, from)
	if err != nil {
		return false
	}
	w, err := from.weigh(es, may)
	if err != nil || w == prior() || w[netFeature] <= 0 {
		return false
	}
	if few && gain < 0 || !few && with.ndcg < betterBy*without.ndcg {
		return false
	}
	f.s.weights, f.blended = w, with
	return true
}

// answered counts the questions whose item is among the candidates.
func answered(es []example) (n int) {
	for i := range es {
		if es[i].target >= 0 {
			n++
		}
	}
	return n
}

// byHalves measures weights on the half of the examples that did not fit them, and
// without them what the first feature alone says; gain is the log likelihood that they
// gain on that. So many examples one after the other are of one user and stay together.
func byHalves(es []example, ofUser int, may [featureCount]bool, from belief) (with, without metric, gain float64, err error) {
	var halves [2][]example // every other user: they may lie in an order
	for i, e := range es {
		half := i / ofUser % 2
		halves[half] = append(halves[half], e)
	}
	n := float64(len(es))
	for i, other := range [2][]example{halves[1], halves[0]} {
		w, err := from.weigh(halves[i], may)
		if err != nil {
			return with, without, 0, err
		}
		with.addShare(measureBlend(other, w), n)
		without.addShare(measureBlend(other, prior()), n)
		gain += logLikelihood(other, w) - logLikelihood(other, prior())
	}
	return with, without, gain, nil
}

// addShare adds what a part of n questions summed up to.
func (m *metric) addShare(part metric, n float64) {
	m.hits += part.hits / n
	m.ndcg += part.ndcg / n
}

// asker is the memory of example.
type asker struct {
	asked
	enc    nn.Encoder
	tokens []uint32
	vector []float32
	dense  [featureCount][]float32 // (items)
	order  []float32
	seen   []bool // (items) in the history
	marked []bool // (items) candidates
}

func newAsker(dim, items int) *asker {
	a := &asker{vector: make([]float32, dim), seen: make([]bool, items), marked: make([]bool, items)}
	for k := range a.dense {
		a.dense[k] = make([]float32, items)
	}
	return a
}

func (f *fit) example(a *asker, net *nn.Net, vectors []float32, b *blend, h heldOut) example {
	n, d := len(f.c.items), net.Dim
	history := f.c.history(h.user)
	a.tokens = f.c.context(a.tokens[:0], h.user, f.s.window)
	net.Encode(&a.enc, a.tokens, a.vector)
	kernel.MatMulNT(a.dense[netFeature], n, a.vector, d, vectors, d, 1, n, d, false)
	a.look(history)
	if f.s.maskSeen {
		for _, r := range history {
			a.seen[r] = true
		}
	}
	var candidates []uint32
	for k := range featureCount {
		if k != netFeature {
			clear(a.dense[k])
			if b.can(k) {
				b.feature(&a.asked, k, 1, a.dense[k])
			}
		}
		if proposes(k) {
			candidates = a.propose(candidates, k)
		}
	}
	e := example{feature: make([]float32, 0, len(candidates)*featureCount), target: -1, weight: h.weight}
	slices.Sort(candidates)
	for at, i := range candidates {
		for k := range featureCount {
			e.feature = append(e.feature, a.dense[k][i])
		}
		a.marked[i] = false
		if i == f.c.rowOf[h.item] {
			e.target = at
		}
	}
	for _, r := range history {
		a.seen[r] = false
	}
	return e
}

// can says whether a feature was counted.
func (b *blend) can(k int) bool {
	return k < ruleFeature || k >= popular || b.tables[k-ruleFeature] != nil
}

// propose adds the first candidateTop items by feature k, ties included.
func (a *asker) propose(to []uint32, k int) []uint32 {
	x := a.dense[k]
	a.order = a.order[:0]
	for i, s := range x {
		if !a.seen[i] && (s != 0 || k == netFeature) {
			a.order = append(a.order, s)
		}
	}
	if len(a.order) == 0 {
		return to
	}
	least := nthLargest(a.order, min(candidateTop, len(a.order)))
	added := 0
	for i, s := range x {
		if s >= least && added < 2*candidateTop && !a.seen[i] && (s != 0 || k == netFeature) {
			added++
			if !a.marked[i] {
				a.marked[i] = true
				to = append(to, uint32(i))
			}
		}
	}
	return to
}

// A feature stays when leaving it out costs more log likelihood than leastGain: it is
// two standard errors from nothing. All together have to be betterBy times as good as
// the network, or they are not worth their memory.
const (
	leastGain     = 2
	newtonSteps   = 12
	examplesLeast = 30 // with fewer found items the network stays alone
	betterBy      = 1.005
)

// weigh fits the weights of the features that may be used, and leaves out those
// that do not matter. A rule whose weight is negative corrects another by noise:
// it is left out first.
func weigh(es []example, may [featureCount]bool) (weights, error) {
	return networkAlone().weigh(es, may)
}

func (b belief) weigh(es []example, may [featureCount]bool) (weights, error) {
	for {
		w, h, err := b.newton(es, may)
		if err != nil {
			return prior(), err
		}
		worst, least := -1, leastGain*2.0
		for k := range featureCount {
			if !may[k] || k == netFeature {
				continue
			}
			gain := w[k] * w[k] / h[k] // Wald's estimate of twice the likelihood
			if k < popular && w[k] < 0 {
				gain = -gain
			}
			if gain < least {
				worst, least = k, gain
			}
		}
		if worst < 0 {
			return w, nil
		}
		may[worst], b.mean[worst] = false, 0
	}
}

// newton gives the most likely weights and their variances.
func (b belief) newton(es []example, may [featureCount]bool) (w, variance weights, err error) {
	w = b.mean
	for range newtonSteps {
		g, h := slope(es, w)
		var step weights
		for k := range featureCount {
			g[k] -= b.strength * (w[k] - b.mean[k])
			h[k][k] += b.strength
		}
		for k := range featureCount {
			if !may[k] {
				g[k] = 0
				for l := range featureCount {
					h[k][l], h[l][k] = 0, 0
				}
				h[k][k] = 1
			}
		}
		inv, ok := inverted(h)
		if !ok {
			return w, variance, fmt.Errorf("weigh counters: the equations cannot be solved")
		}
		most := 0.
		for k := range featureCount {
			for l := range featureCount {
				step[k] += inv[k][l] * g[l]
			}
			most = max(most, math.Abs(step[k]))
			variance[k] = inv[k][k]
		}
		for k := range featureCount {
			w[k] += step[k] / max(1, most)
		}
		if most < 1e-4 {
			break
		}
	}
	return w, variance, nil
}

type square [featureCount][featureCount]float64

// slope gives gradient and negative Hessian of the log likelihood.
func slope(es []example, w weights) (g weights, h square) {
	var p []float64
	for i := range es {
		e := &es[i]
		if e.target < 0 {
			continue
		}
		p = e.probabilities(p, w)
		var mean weights
		for j, x := range p {
			if x < 1e-7 {
				continue
			}
			f := e.row(j)
			for k := range featureCount {
				y := e.weight * x * float64(f[k])
				mean[k] += y
				if y != 0 {
					for l := range k + 1 {
						h[k][l] += y * float64(f[l])
					}
				}
			}
		}
		for k := range featureCount {
			g[k] += e.weight*float64(e.row(e.target)[k]) - mean[k]
			for l := range k + 1 {
				if e.weight > 0 {
					h[k][l] -= mean[k] * mean[l] / e.weight
				}
			}
		}
	}
	for k := range featureCount {
		for l := range k {
			h[l][k] = h[k][l]
		}
	}
	return g, h
}

// probabilities gives the softmax of the candidates' scores.
func (e *example) probabilities(p []float64, w weights) []float64 {
	p = p[:0]
	top := math.Inf(-1)
	for j := range e.candidates() {
		p = append(p, w.of(e.row(j)))
		top = max(top, p[j])
	}
	sum := 0.
	for j, x := range p {
		p[j] = math.Exp(x - top)
		sum += p[j]
	}
	for j := range p {
		p[j] /= sum
	}
	return p
}

// logLikelihood sums the logs of the probabilities that weights give to what was
// looked for, where it is among the candidates.
func logLikelihood(es []example, w weights) (sum float64) {
	var p []float64
	for i := range es {
		if e := &es[i]; e.target >= 0 {
			p = e.probabilities(p, w)
			sum += e.weight * math.Log(max(math.SmallestNonzeroFloat64, p[e.target]))
		}
	}
	return sum
}

func (w *weights) of(f []float32) (s float64) {
	for k, x := range f[:featureCount] {
		s += w[k] * float64(x)
	}
	return s
}

// inverted inverts a positive definite matrix by Gauss-Jordan elimination.
func inverted(a square) (inv square, ok bool) {
	for k := range featureCount {
		inv[k][k] = 1
	}
	for k := range featureCount {
		if !(a[k][k] > 1e-12) || math.IsInf(a[k][k], 0) {
			return inv, false
		}
		f := 1 / a[k][k]
		for l := range featureCount {
			a[k][l] *= f
			inv[k][l] *= f
		}
		for r := range featureCount {
			if r == k || a[r][k] == 0 {
				continue
			}
			f := a[r][k]
			for l := range featureCount {
				a[r][l] -= f * a[k][l]
				inv[r][l] -= f * inv[k][l]
			}
		}
	}
	return inv, true
}

// measureBlend gives the metrics of weights on examples. Ties rank against the
// item looked for; one that is no candidate is not found.
func measureBlend(es []example, w weights) (m metric) {
	for i := range es {
		e := &es[i]
		if e.target < 0 {
			continue
		}
		own, rank := w.of(e.row(e.target)), 0
		for j := range e.candidates() {
			if j != e.target && !(w.of(e.row(j)) < own) {
				rank++
			}
		}
		m.add(rank, e.weight)
	}
	return m
}
