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

	places []int // of one window
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
	places := st.placed(w)
	if w.from == 0 {
		b.Tokens = append(b.Tokens, st.startRow)
	}
	after := -1
	if w.from > 1 { // what comes before all places, in whatever order they are
		after = int(st.c.start[w.user]) + w.from - 2
	}
	for _, at := range places[:len(places)-1] {
		b.Tokens = append(b.Tokens, st.c.token(at, after))
		after = at
	}
	for _, at := range places[len(places)-n:] {
		b.Targets = append(b.Targets, st.c.rows[at])
		b.Weights = append(b.Weights, float32(st.c.weight(at)))
	}
	b.Lens = append(b.Lens, n)
	return shard
}

// mixShare is the part of the windows whose events of one time are mixed.
const mixShare = .5

// placed gives the places of a window's events in the corpus, and before them of what
// the first of them follows, in the order in which they are learnt in this epoch.
// Events of one time lie in no order that another user would repeat: a network that
// saw one order only would learn it by heart. So half of the time they are mixed. A
// user whose events are all of one time is left as he is: his times tell nothing, but
// the order of the file may.
func (st *steps) placed(w window) []int {
	first := int(st.c.start[w.user])
	st.places = st.places[:0]
	for i := max(0, w.from-1); i < w.to; i++ {
		st.places = append(st.places, first+i)
	}
	times := st.c.times[first:][:st.c.count[w.user]]
	if times[0].Time == times[len(times)-1].Time {
		return st.places
	}
	r := st.root.Branch("mix", uint64(st.epoch), uint64(w.user), uint64(w.from)).Rand()
	if r.Float64() >= mixShare {
		return st.places
	}
	for rest := st.places; len(rest) > 1; {
		same := 1
		for same < len(rest) && st.c.times[rest[same]].Time == st.c.times[rest[0]].Time {
			same++
		}
		tied := rest[:same]
		r.Shuffle(same, func(i, j int) { tied[i], tied[j] = tied[j], tied[i] })
		rest = rest[same:]
	}
	return st.places
}
