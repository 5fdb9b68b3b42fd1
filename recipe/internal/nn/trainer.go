package nn

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"usher/internal/seed"
	"usher/kernel"
)

// Trainer changes a network step by step with Adam, and its matrices with Muon.
type Trainer struct {
	Net     *Net
	Items   int     // rows of the table below it are items, and candidates of the softmax
	Sample  int     // negatives of a batch; 0 or ≥ Items: the softmax is over all items
	Drop    float32 // dropout rate
	Workers int     // goroutines; the result does not depend on it
	Muon    float32 // learning rate of the blocks' matrices, as a multiple of the step's; 0: they are Adam's too
	State   Adam

	grads []*Gradient
	works []*work
	muons []muon // of each worker
	zero  []float32
}

// Adam is the optimiser's state: with the network's parameters it is all that
// a training needs to go on.
type Adam struct {
	T                              int       // steps done
	TableM, TableV, DenseM, DenseV []float32 // first and second moments; of Muon's matrices the momentum and nothing
}

// NewAdam gives the state before the first step.
func NewAdam(n *Net) Adam {
	return Adam{
		TableM: make([]float32, len(n.Table)), TableV: make([]float32, len(n.Table)),
		DenseM: make([]float32, len(n.Dense)), DenseV: make([]float32, len(n.Dense)),
	}
}

// clip is the longest gradient of a step; longer ones are shortened to it.
const clip = 5

// lazyFloats is the table size above which only touched rows are updated:
// moving each row by its momentum would cost more than the step itself.
const lazyFloats = 1 << 22

// errDiverged says that a step made no numbers any more.
var errDiverged = errors.New("train network: the loss is not finite")

// Step trains on one step's batches. shards is how they are cut: the outer
// slice is worked on in parallel, an inner one in order. It gives the mean
// loss before the step. When ctx is done nothing is changed.
func (t *Trainer) Step(ctx context.Context, shards [][]Batch, lr float32, key seed.Seed) (float64, error) {
	weight := total(shards)
	if weight == 0 {
		return 0, nil
	}
	g := t.gradient(ctx, shards, 1/weight, key)
	if ctx.Err() != nil {
		return 0, fmt.Errorf("train network: %w", context.Cause(ctx))
	}
	norm := g.norm()
	if math.IsNaN(norm) || math.IsInf(norm, 0) || math.IsNaN(g.Loss) {
		return 0, errDiverged
	}
	scale := float32(1)
	if norm > clip {
		scale = float32(clip / norm)
	}
	t.State.T++
	adam := kernel.AdamStep{LR: lr, Beta1: .9, Beta2: .98, Eps: 1e-8, T: t.State.T}.Update(scale)
	t.updateTable(g, adam)
	if t.Muon > 0 {
		t.updateBlocks(g, adam, t.Muon*lr, scale)
	} else {
		pieces(t.Workers, len(t.Net.Dense), func(i, j int) {
			kernel.Adam(t.Net.Dense[i:j], t.State.DenseM[i:j], t.State.DenseV[i:j], g.dense[i:j], adam)
		})
	}
	return g.Loss / weight, nil
}

// gradient computes the gradient of the batches' loss, each target counting
// its weight × scale.
func (t *Trainer) gradient(ctx context.Context, shards [][]Batch, scale float64, key seed.Seed) *Gradient {
	for len(t.grads) < len(shards) {
		t.grads = append(t.grads, newGradient(t.Net.Shape))
	}
	for len(t.works) < max(1, t.Workers) {
		t.works = append(t.works, &work{})
	}
	Each(t.Workers, len(shards), func(worker, s int) {
		g := t.grads[s]
		g.reset()
		for i := range shards[s] {
			if ctx.Err() != nil {
				return
			}
			t.batch(t.works[worker], &shards[s][i], g, float32(scale), key.Branch("batch", uint64(s), uint64(i)))
		}
	})
	return sum(t.grads[:len(shards)], t.Workers)
}

// updateBlocks moves the matrices of the blocks by Muon and the other dense parameters
// by Adam.
func (t *Trainer) updateBlocks(g *Gradient, adam kernel.AdamUpdate, lr, scale float32) {
	n, first, second := t.Net, t.Net.view(t.State.DenseM), t.Net.view(t.State.DenseV)
	w, m, grad := n.matrices(n.v), n.matrices(first), n.matrices(g.v)
	if len(t.muons) < max(1, t.Workers) {
		t.muons = make([]muon, max(1, t.Workers))
	}
	Each(t.Workers, len(w), func(worker, i int) { t.muons[worker].step(w[i], m[i], grad[i], lr, scale) })
	m1, m2, gs := first.vectors(), second.vectors(), g.v.vectors()
	for i, x := range n.v.vectors() {
		kernel.Adam(x, m1[i], m2[i], gs[i], adam)
	}
}

// updateTable moves the table's rows against g.
func (t *Trainer) updateTable(g *Gradient, step kernel.AdamUpdate) {
	n, a, d := t.Net, &t.State, t.Net.Dim
	row := func(r int, x []float32) {
		i, j := r*d, (r+1)*d
		kernel.Adam(n.Table[i:j], a.TableM[i:j], a.TableV[i:j], x, step)
	}
	rows, lazy := n.Rows, len(n.Table) > lazyFloats
	if lazy {
		rows = len(g.rows)
	}
	zero := room(&t.zero, d) // nothing else writes to it
	cut := max(1, pieceFloats/d)
	Each(t.Workers, (rows+cut-1)/cut, func(_, piece int) {
		for r := piece * cut; r < min(rows, (piece+1)*cut); r++ {
			if lazy {
				row(int(g.rows[r]), g.vals[r*d:(r+1)*d])
			} else if at := int(g.slot[r]); at > 0 {
				row(r, g.vals[(at-1)*d:at*d])
			} else {
				row(r, zero)
			}
		}
	})
}

// total sums the weights of a step's targets.
func total(shards [][]Batch) (w float64) {
	for _, bs := range shards {
		for _, b := range bs {
			for _, x := range b.Weights {
				w += float64(x)
			}
		}
	}
	return w
}

// Each calls f(worker, i) for i below n from that many workers and waits.
// Which worker does which i is left to chance.
func Each(workers, n int, f func(worker, i int)) {
	workers = min(workers, n)
	if workers <= 1 {
		for i := range n {
			f(0, i)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				f(w, i)
			}
		})
	}
	wg.Wait()
}
