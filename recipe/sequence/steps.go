package sequence

import (
	"math"
	"slices"

	"usher/internal/seed"
	"usher/recipe/internal/nn"
)

// steps cuts a corpus into epochs, steps, shards and micro-batches: from data
// and settings only, so that any number of workers gives the same model (I4).
type steps struct {
	c        *corpus
	root     seed.Seed
	windows  []window
	perStep  int // windows
	perEpoch int // steps
	shards   int
	startRow uint32

	epoch int // of order; 0: none yet
	order []int32
}

// The sizes that the work is cut into.
const (
	shardTokens = 100 // a step has a shard for each so many tokens,
	shardMost   = 16  // but not more than this
	batchTokens = 800 // activations of a micro-batch stay in cache
)

func newSteps(c *corpus, s settings, root seed.Seed) *steps {
	st := &steps{c: c, root: root, windows: c.windows(s.window, s.history), startRow: uint32(len(c.items))}
	tokens := 0
	for _, w := range st.windows {
		tokens += w.to - w.from
	}
	mean := float64(tokens) / float64(len(st.windows))
	st.perStep = max(1, int(math.Round(float64(s.stepTokens)/mean)))
	st.perEpoch = (len(st.windows) + st.perStep - 1) / st.perStep
	st.shards = min(shardMost, max(1, s.stepTokens/shardTokens))
	return st
}

// step gives the batches of step i (from 0) of the whole training.
func (st *steps) step(i int) [][]nn.Batch {
	epoch, in := i/st.perEpoch, i%st.perEpoch
	if st.epoch != epoch+1 {
		st.epoch = epoch + 1
		st.order = st.order[:0]
		for _, j := range st.root.Branch("order", uint64(epoch)).Rand().Perm(len(st.windows)) {
			st.order = append(st.order, int32(j))
		}
	}
	picked := slices.Clone(st.order[in*st.perStep : min(len(st.order), (in+1)*st.perStep)])
	slices.SortStableFunc(picked, func(a, b int32) int {
		wa, wb := st.windows[a], st.windows[b]
		return (wb.to - wb.from) - (wa.to - wa.from)
	})
	out := make([][]nn.Batch, min(st.shards, len(picked)))
	load := make([]int, len(out))
	for _, j := range picked { // the longest first, each to the shard with least to do
		k := 0
		for s := range load {
			if load[s] < load[k] {
				k = s
			}
		}
		w := st.windows[j]
		load[k] += w.to - w.from
		out[k] = st.put(out[k], w)
	}
	return out
}

// put adds a window to the last batch of a shard, or a new one when it is full.
func (st *steps) put(shard []nn.Batch, w window) []nn.Batch {
	n := w.to - w.from
	if len(shard) == 0 || len(shard[len(shard)-1].Tokens)+n > batchTokens {
		shard = append(shard, nn.Batch{})
	}
	b := &shard[len(shard)-1]
	seq := st.c.history(w.user)
	if w.from == 0 {
		b.Tokens = append(append(b.Tokens, st.startRow), seq[:w.to-1]...)
	} else {
		b.Tokens = append(b.Tokens, seq[w.from-1:w.to-1]...)
	}
	b.Targets = append(b.Targets, seq[w.from:w.to]...)
	b.Lens = append(b.Lens, n)
	at := st.c.start[w.user]
	for i := w.from; i < w.to; i++ {
		x := float32(1)
		if st.c.weights != nil {
			x = st.c.weights[at+int64(i)]
		}
		b.Weights = append(b.Weights, x)
	}
	return shard
}
