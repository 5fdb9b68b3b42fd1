package sequence

import (
	"context"
	"math"
	"sync"

	"usher/dataset"
	"usher/kernel"
	"usher/recipe"
	"usher/recipe/internal/nn"
)

// Model is a trained network with what it takes to answer.
type Model struct {
	known    int       // items of the data it was trained on, those without events included
	items    []uint32  // item number by row, ascending
	rowOf    []uint32  // (known) row by item number, or noRow
	net      *nn.Net   // its table has a row more than items: the start token
	vectors  []float32 // (items,d) normalised
	maskSeen bool
	blend    *blend // counters beside the network; nil: none
	chosen   *recipe.Choices
	answers  sync.Pool // of *answer
}

// answer is the memory of one answer.
type answer struct {
	asked
	enc    nn.Encoder
	tokens []uint32
	q      []float32 // (d)
	logits []float32 // (items)
	listed []float32 // logits of a list to rank
	top    top
}

func newModel(net *nn.Net, known int, items []uint32, maskSeen bool, chosen *recipe.Choices) *Model {
	m := &Model{known: known, items: items, net: net, maskSeen: maskSeen, chosen: chosen,
		rowOf: make([]uint32, known), vectors: net.Items(len(items))}
	for i := range m.rowOf {
		m.rowOf[i] = noRow
	}
	for r, i := range items {
		m.rowOf[i] = uint32(r)
	}
	m.answers.New = func() any { return &answer{q: make([]float32, net.Dim)} }
	return m
}

// Len counts the items of the data it was trained on.
func (m *Model) Len() int { return m.known }

// Choices tells what the training chose.
func (m *Model) Choices() *recipe.Choices { return m.chosen }

// row gives the row of an item, or noRow.
func (m *Model) row(i dataset.Index) uint32 {
	if int64(i) >= int64(len(m.rowOf)) {
		return noRow
	}
	return m.rowOf[i]
}

// encode puts the query vector of a history into a.q. It says whether there was
// something in the history that the model knows.
func (m *Model) encode(a *answer, history []dataset.Event) bool {
	window := m.net.Window
	a.tokens = a.tokens[:0]
	for i := len(history) - 1; i >= 0 && len(a.tokens) < window; i-- {
		if r := m.row(history[i].Item); r != noRow {
			a.tokens = append(a.tokens, r)
		}
	}
	personal := len(a.tokens) > 0
	if len(a.tokens) < window {
		a.tokens = append(a.tokens, uint32(len(m.items)))
	}
	a.newest = a.newest[:0]
	for i := len(history) - 1; m.blend != nil && i >= 0 && len(a.newest) < newestMost; i-- {
		if r := m.row(history[i].Item); r != noRow {
			a.newest = append(a.newest, r)
		}
	}
	for i, j := 0, len(a.tokens)-1; i < j; i, j = i+1, j-1 {
		a.tokens[i], a.tokens[j] = a.tokens[j], a.tokens[i]
	}
	m.net.Encode(&a.enc, a.tokens, a.q)
	return personal
}

// Recommend ranks all items that were trained on by their probability of being
// next. Scores are probabilities over these items, whatever allow says. Without
// a known event in the history the answer is what users begin with, flagged
// Popular.
func (m *Model) Recommend(ctx context.Context, q *recipe.Query, k int, allow dataset.Set, dst []recipe.Scored) ([]recipe.Scored, error) {
	dst = dst[:0]
	if err := context.Cause(ctx); err != nil || k <= 0 {
		return dst, err
	}
	a := m.answers.Get().(*answer)
	defer m.answers.Put(a)
	flags := recipe.Flags(0)
	if !m.encode(a, q.History) {
		flags = recipe.Popular
	}
	n, d := len(m.items), m.net.Dim
	if a.logits == nil {
		a.logits = make([]float32, n)
	}
	kernel.MatMulNT(a.logits, n, a.q, d, m.vectors, d, 1, n, d, false)
	if m.blend != nil {
		m.blend.score(&a.asked, a.logits)
	}
	if m.maskSeen {
		m.lower(a.logits, q.History)
	}
	a.top.k, a.top.rows = min(k, n), a.top.rows[:0]
	for r, x := range a.logits {
		c := ranked{x, uint32(r)}
		if (!a.top.full() || c.before(a.top.rows[0])) && allow.Has(dataset.Index(m.items[r])) {
			a.top.offer(c)
		}
	}
	sum := kernel.ExpSum(a.logits, 1, -kernel.Max(a.logits))
	for _, c := range a.top.sorted() {
		dst = append(dst, recipe.Scored{Index: dataset.Index(m.items[c.row]), Score: a.logits[c.row] / sum, Flags: flags})
	}
	return dst, nil
}

// lower puts the items of the history behind all others, once each, in the order
// they had among themselves.
func (m *Model) lower(scores []float32, history []dataset.Event) {
	low := float32(math.Inf(1))
	for _, x := range scores {
		low = min(low, x)
	}
	drop := kernel.Max(scores) - low + m.net.Tau
	for _, e := range history {
		if r := m.row(e.Item); r != noRow && scores[r] >= low {
			scores[r] -= drop
		}
	}
}

// Rank orders items by their probability of being next; scores are
// probabilities over the list's known items. Seen items are not put back here:
// the caller has asked about them.
func (m *Model) Rank(ctx context.Context, q *recipe.Query, items []dataset.Index, dst []recipe.Scored) ([]recipe.Scored, error) {
	dst = dst[:0]
	if err := context.Cause(ctx); err != nil || len(items) == 0 {
		return dst, err
	}
	a := m.answers.Get().(*answer)
	defer m.answers.Put(a)
	m.encode(a, q.History)
	d := m.net.Dim
	a.top.rows, a.listed = a.top.rows[:0], a.listed[:0]
	weight := float32(1)
	if m.blend != nil { // what the counters say of all items
		weight = float32(m.blend.weights[netFeature])
		if a.logits == nil {
			a.logits = make([]float32, len(m.items))
		}
		clear(a.logits)
		m.blend.score(&a.asked, a.logits)
	}
	for at, i := range items {
		x := float32(math.Inf(-1))
		if r := m.row(i); r != noRow {
			x = weight * kernel.Dot(a.q, m.vectors[int(r)*d:int(r+1)*d])
			if m.blend != nil {
				x += a.logits[r]
			}
			a.top.rows = append(a.top.rows, ranked{x, uint32(at)}) // of equal ones the first of the list
		}
		a.listed = append(a.listed, x)
	}
	if len(a.top.rows) > 0 {
		sum := kernel.ExpSum(a.listed, 1, -kernel.Max(a.listed))
		for _, c := range a.top.sorted() {
			dst = append(dst, recipe.Scored{Index: items[c.row], Score: a.listed[c.row] / sum})
		}
	}
	for _, i := range items {
		if m.row(i) == noRow {
			dst = append(dst, recipe.Scored{Index: i, Flags: recipe.NoScore})
		}
	}
	return dst, nil
}
