package sequence

import (
	"context"
	"runtime"
	"sync"

	"usher/blob"
	"usher/dataset"
	"usher/kernel"
	"usher/recipe"
	"usher/recipe/internal/content"
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
	rooms    sync.Pool // of *rowMemory
	scanner  *scanner
	cache    *cache  // nil: nothing is kept
	trails   *trails // there is one where there is a cache

	// hold is the file in memory that slices of all this are parts of; nil: none are.
	// They do not keep it, so every exported method that uses them ends with
	// runtime.KeepAlive(m).
	hold *blob.Mapping

	content *content.Map // what metadata say; nil: nothing
	cold    *newcomers   // nil: nobody is one
	sides   *sides       // what is said beside the history; nil: nothing that helps
	shown   shownWeight  // of what the user was shown and did not choose

	objective *objective // what answers are to bring besides relevance; nil: nothing
}

func newModel(net *nn.Net, known int, items []uint32, maskSeen bool, chosen *recipe.Choices) *Model {
	return newModelOf(net, net.Items(len(items)), known, items, maskSeen, chosen)
}

// newModelOf is newModel with item vectors that are not the network's own.
func newModelOf(net *nn.Net, vectors []float32, known int, items []uint32, maskSeen bool, chosen *recipe.Choices) *Model {
	m := &Model{known: known, items: items, net: net, maskSeen: maskSeen, chosen: chosen, vectors: vectors}
	m.prepare(nil)
	return m
}

// twin gives another model of the same parts.
func (m *Model) twin() *Model {
	out := &Model{known: m.known, items: m.items, rowOf: m.rowOf, net: m.net, vectors: m.vectors, maskSeen: m.maskSeen,
		blend: m.blend, chosen: m.chosen, scanner: m.scanner, cache: m.cache, trails: m.trails,
		content: m.content, cold: m.cold, sides: m.sides, shown: m.shown, objective: m.objective, hold: m.hold}
	out.answers.New = m.answers.New
	return out
}

// prepare makes what follows from the rest. quantised is the vectors in eight bits,
// nil if they are to be made.
func (m *Model) prepare(quantised *kernel.Quantised) {
	m.rowOf = make([]uint32, m.known)
	for i := range m.rowOf {
		m.rowOf[i] = noRow
	}
	for r, i := range m.items {
		m.rowOf[i] = uint32(r)
	}
	m.net.Round()
	dim := m.net.Dim
	m.answers.New = func() any { return &answer{own: encoded{query: make([]float32, dim)}} }
	m.scanner = newScanner(m.items, m.vectors, m.net.Dim, quantised)
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

// Recommend ranks all items that were trained on, and newcomers, by their
// probability of being next. Scores are probabilities over all of them, whatever
// allow says. Without a known event in the history the answer is what users begin
// with, flagged Popular; newcomers are flagged Exploration.
func (m *Model) Recommend(ctx context.Context, q *recipe.Query, k int, allow dataset.Set, dst []recipe.Scored) ([]recipe.Scored, error) {
	defer runtime.KeepAlive(m)
	dst = dst[:0]
	if err := context.Cause(ctx); err != nil || k <= 0 {
		return dst, err
	}
	a := m.answers.Get().(*answer)
	defer m.answers.Put(a)
	m.listen(a, q)
	e, best, scale := m.bestFor(a, q, min(k, len(m.items)), allow)
	flags := recipe.Flags(0)
	if !e.personal && !a.said.some() {
		flags = recipe.Popular
	}
	if m.cold.count() > 0 {
		best, scale = m.mix(a, e, q, best, scale, k, allow)
	}
	for _, c := range best {
		s := recipe.Scored{Index: m.item(c.row), Score: scale.probability(c.score), Flags: flags}
		if int(c.row) >= len(m.items) {
			s.Flags = recipe.Exploration
		}
		dst = append(dst, s)
	}
	return dst, nil
}

// bestFor gives the k best rows of allow for a question. Those who are ready for a pass
// over all items meanwhile wait for it.
func (m *Model) bestFor(a *answer, q *recipe.Query, k int, allow dataset.Set) (*encoded, []ranked, *scale) {
	m.scanner.expect(&a.lookup)
	defer m.scanner.release(&a.lookup)
	e := m.encoded(a, q)
	best, scale := m.best(a, e, q.History, k, allow)
	return e, best, scale
}

// Rank orders items by their probability of being next; scores are
// probabilities over the list's known items. Seen items are not put back here:
// the caller has asked about them.
func (m *Model) Rank(ctx context.Context, q *recipe.Query, items []dataset.Index, dst []recipe.Scored) ([]recipe.Scored, error) {
	defer runtime.KeepAlive(m)
	dst = dst[:0]
	if err := context.Cause(ctx); err != nil || len(items) == 0 {
		return dst, err
	}
	a := m.answers.Get().(*answer)
	defer m.answers.Put(a)
	m.listen(a, q)
	e := m.encoded(a, q)
	m.bonus(a, q.History)
	a.top.begin(len(items))
	for at, i := range items {
		if r := m.row(i); r != noRow {
			a.top.offer(ranked{m.score(a, e, r), uint32(at)}) // of equal ones the first of the list
		} else if n := m.cold.find(i); n >= 0 {
			a.top.offer(ranked{m.coldScore(a, e, n), uint32(at)})
		}
	}
	best := a.top.sorted()
	var sum float64
	for _, c := range best {
		sum += exp(c.score - best[0].score)
	}
	for _, c := range best {
		dst = append(dst, recipe.Scored{Index: items[c.row], Score: float32(exp(c.score-best[0].score) / sum)})
	}
	for _, i := range items {
		if m.row(i) == noRow && m.cold.find(i) < 0 {
			dst = append(dst, recipe.Scored{Index: i, Flags: recipe.NoScore})
		}
	}
	return dst, nil
}
