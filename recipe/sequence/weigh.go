package sequence

import (
	"context"

	"usher/recipe/internal/nn"
)

// The weights of a blend are fitted on the validation part, with a network and
// counters that have not seen it: question.go asks, logit.go fits, and here is
// decided whether what they say is used.

const (
	examplesLeast = 30 // with fewer found items the network stays alone
	betterBy      = 1.005
)

// blend gives what is added to a network: by weights that were chosen before, or
// chosen now on the validation part. nil: nothing.
func (f *fit) blend(ctx context.Context, net *nn.Net) (*blend, error) {
	if f.in.Progress != nil {
		f.in.Progress(netShare, "counting what follows what")
	}
	if f.in.Tuned != nil {
		if f.s.weights == prior() {
			return nil, nil
		}
		c, err := f.count(ctx, f.s.weights.wanted())
		if err != nil {
			return nil, err
		}
		f.s.weights = c.counted(f.s.weights)
		return newBlend(f.s.weights, c), nil
	}
	if n := len(f.held); n == 0 || n < examplesLeast && !f.s.maskSeen {
		return nil, nil
	}
	var every [featureCount]bool
	for k := range every {
		every[k] = k != similar || f.c.sparse()
	}
	every[ruleFeature+ridgeRule] = len(f.c.items) <= ridgeMost
	c, err := f.count(ctx, every)
	if err != nil {
		return nil, err
	}
	b := newBlend(prior(), c)
	es, err := f.examples(ctx, net, b)
	if err != nil || !f.choose(es, b) {
		return nil, err
	}
	c.leave(f.s.weights.wanted())
	return newBlend(f.s.weights, c), nil
}

// count counts what the features that want says need.
func (f *fit) count(ctx context.Context, want [featureCount]bool) (*counters, error) {
	c, err := count(ctx, f.c, [len(rules)]bool(want[ruleFeature:popular]), f.in.Workers)
	if err == nil && want[similar] {
		c.users = newUserKNN(f.c)
	}
	return c, err
}

// leave lets go of all but what the features that want says need.
func (c *counters) leave(want [featureCount]bool) {
	for r := range rules {
		if !want[ruleFeature+r] {
			c.tables[r] = nil
		}
	}
	if !want[similar] {
		c.users = nil
	}
}

// counted gives the weights without those of rules that were not counted, because
// everything has more items than the data that chose them.
func (c *counters) counted(w weights) weights {
	for r := range rules {
		if c.tables[r] == nil {
			w[ruleFeature+r] = 0
		}
	}
	return w
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
	with, without, gain, err := byHalves(es, may, from)
	if err != nil {
		return false
	}
	w, err := from.weigh(es, may)
	if err != nil || w == prior() {
		return false
	}
	if few && gain < 0 || !few && with.ndcg < betterBy*without.ndcg {
		return false
	}
	f.s.weights, f.blended, f.alone = w, with, without
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
// gain on that. The examples of a user lie together, and stay so.
func byHalves(es []example, may [featureCount]bool, from belief) (with, without metric, gain float64, err error) {
	var halves [2][]example // every other user: they may lie in an order
	half := 0
	for i, e := range es {
		if i > 0 && e.user != es[i-1].user {
			half = 1 - half
		}
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
