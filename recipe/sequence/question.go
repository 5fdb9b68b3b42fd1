package sequence

import (
	"context"
	"fmt"
	"slices"

	"usher/dataset"
	"usher/kernel"
	"usher/recipe/internal/nn"
)

// candidateTop is how many items each part of a blend brings to a question's
// candidates, those that it ranks first. The item looked for is not added to them, for
// that would tell that it is there.
const candidateTop = 100

// example is one question of the validation part: the features of its candidates.
type example struct {
	user    dataset.Index
	feature []float32 // (candidates,featureCount)
	target  int       // among the candidates; -1: not found
	weight  float64   // heldOut's
}

func (e *example) row(i int) []float32 { return e.feature[i*featureCount : (i+1)*featureCount] }

func (e *example) candidates() int { return len(e.feature) / featureCount }

// proposes says which features bring candidates.
func proposes(k int) bool {
	return k == netFeature || k == again || k == similar || isRule(k) && rules[k-ruleFeature].last >= 10
}

// probe asks what follows the first events of a user.
type probe struct {
	heldOut
	events int
}

// questions are all that the validation part asks: of each user every event that is
// held out. The mean of their weights is 1.
func (f *fit) questions() []probe {
	var held []heldOut
	var at []int
	for _, h := range f.held {
		events := f.in.Data.History(h.user)
		for i := f.c.count[h.user]; i < len(events); i++ {
			held = append(held, heldOut{user: h.user, item: events[i].Item, weight: weightOf(f.in.Weights, events[i])})
			at = append(at, i)
		}
	}
	evenOut(held)
	out := make([]probe, len(held))
	for i, h := range held {
		out[i] = probe{h, at[i]}
	}
	return out
}

// examples asks the network and the counters for all of the validation part.
func (f *fit) examples(ctx context.Context, net *nn.Net, b *blend) ([]example, error) {
	questions := f.questions()
	out := make([]example, len(questions))
	askers := make([]*asker, max(1, f.in.Workers))
	vectors := f.vectors
	if vectors == nil {
		vectors = net.Items(len(f.c.items))
	}
	err := f.each(ctx, "weigh counters", len(questions), func(worker, i int) {
		if askers[worker] == nil {
			askers[worker] = newAsker(f, net, vectors, b)
		}
		out[i] = askers[worker].ask(questions[i])
	})
	return out, err
}

// each does so many things on all workers, until ctx is done; then the error says what
// was broken off.
func (f *fit) each(ctx context.Context, what string, n int, do func(worker, i int)) error {
	nn.Each(f.in.Workers, n, func(worker, i int) {
		if ctx.Err() == nil {
			do(worker, i)
		}
	})
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", what, context.Cause(ctx))
	}
	return nil
}

// asker asks a network and counters, and has the memory for it.
type asker struct {
	asked
	*fit
	net     *nn.Net
	vectors []float32 // of items
	blend   *blend

	enc     nn.Encoder
	history []uint32
	tokens  []uint32
	vector  []float32
	dense   [featureCount][]float32 // (items)
	order   []float32
	seen    []bool // (items) in the history
	marked  []bool // (items) candidates
}

func newAsker(f *fit, net *nn.Net, vectors []float32, b *blend) *asker {
	items := len(f.c.items)
	a := &asker{fit: f, net: net, vectors: vectors, blend: b,
		vector: make([]float32, net.Dim), seen: make([]bool, items), marked: make([]bool, items)}
	for k := range a.dense {
		a.dense[k] = make([]float32, items)
	}
	return a
}

// ask makes an example of a probe.
func (a *asker) ask(q probe) example {
	n, d := len(a.c.items), a.net.Dim
	a.history = a.c.before(a.history[:0], q.user, q.events)
	a.tokens = a.c.context(a.tokens[:0], q.user, q.events, a.s.window)
	a.net.Encode(&a.enc, a.tokens, a.vector)
	kernel.MatMulNT(a.dense[netFeature], n, a.vector, d, a.vectors, d, 1, n, d, false)
	a.look(a.history)
	a.mark(a.s.maskSeen)
	var candidates []uint32
	for k := range featureCount {
		if k != netFeature {
			clear(a.dense[k])
			if a.blend.can(k) {
				a.blend.feature(&a.asked, k, 1, a.dense[k])
			}
		}
		if proposes(k) {
			candidates = a.propose(candidates, k)
		}
	}
	a.mark(false)
	return a.example(q, candidates)
}

// mark says whether the items of the history are taken as seen.
func (a *asker) mark(seen bool) {
	for _, r := range a.history {
		a.seen[r] = seen
	}
}

// example takes the features of the candidates, which it puts into order.
func (a *asker) example(q probe, candidates []uint32) example {
	e := example{user: q.user, feature: make([]float32, 0, len(candidates)*featureCount), target: -1, weight: q.weight}
	slices.Sort(candidates)
	for at, i := range candidates {
		for k := range featureCount {
			e.feature = append(e.feature, a.dense[k][i])
		}
		a.marked[i] = false
		if i == a.c.rowOf[q.item] {
			e.target = at
		}
	}
	return e
}

// can says whether a feature was counted.
func (b *blend) can(k int) bool {
	switch {
	case k == similar:
		return b.users != nil
	case isRule(k):
		return b.tables[k-ruleFeature] != nil
	}
	return true
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
