package sequence

import (
	"context"
	"math"

	"usher/kernel"
	"usher/recipe/internal/nn"
)

// metric is how well the last items of the validation part were found.
type metric struct{ hits, ndcg float64 } // HR@10, NDCG@10

// add counts an item that was found at a rank counted from 0, with its weight.
func (m *metric) add(rank int, weight float64) {
	if rank < 10 {
		m.hits += weight
		m.ndcg += weight / math.Log2(float64(rank)+2)
	}
}

// askTogether is how many users' questions share one pass over the items.
const askTogether = 16

// validate ranks all items, whose vectors are given, for the users whose last item
// is held back. Ties
// rank against the item looked for.
func (f *fit) validate(ctx context.Context, net *nn.Net, items []float32) (metric, error) {
	held := measured(f.held)
	groups := (len(held) + askTogether - 1) / askTogether
	part := make([]metric, groups)
	rankers := make([]ranker, max(1, f.in.Workers))
	err := f.each(ctx, "measure on the validation part", groups, func(worker, g int) {
		part[g] = f.ask(&rankers[worker], net, items, held[g*askTogether:min(len(held), (g+1)*askTogether)])
	})
	if err != nil {
		return metric{}, err
	}
	var m metric
	for _, p := range part {
		m.hits += p.hits / float64(len(held))
		m.ndcg += p.ndcg / float64(len(held))
	}
	return m, nil
}

// ranker is the memory of ask.
type ranker struct {
	enc    nn.Encoder
	tokens []uint32
	q      []float32 // (askTogether,d)
	logits []float32 // (askTogether,items)
}

// ask gives the sum of the metrics of some users.
func (f *fit) ask(r *ranker, net *nn.Net, items []float32, held []heldOut) (sum metric) {
	d, n := f.s.dim, len(f.c.items)
	if r.q == nil {
		r.q, r.logits = make([]float32, askTogether*d), make([]float32, askTogether*n)
	}
	for i, h := range held {
		r.tokens = f.c.context(r.tokens[:0], h.user, f.c.count[h.user], f.s.window)
		net.Encode(&r.enc, r.tokens, r.q[i*d:(i+1)*d])
	}
	kernel.MatMulNT(r.logits, n, r.q, d, items, d, len(held), n, d, false)
	for i, h := range held {
		row := r.logits[i*n : (i+1)*n]
		target := f.c.rowOf[h.item]
		if target == noRow {
			continue
		}
		own := row[target]
		if f.s.maskSeen {
			for _, s := range f.c.history(h.user) {
				row[s] = float32(math.Inf(-1))
			}
		}
		rank := 0
		for j, x := range row {
			if !(x < own) && uint32(j) != target {
				rank++
			}
		}
		sum.add(rank, h.weight)
	}
	return sum
}
