package sequence

import (
	"runtime"
	"slices"

	"usher/dataset"
	"usher/kernel"
	"usher/recipe"
	"usher/recipe/internal/content"
)

// newcomers are items that nobody had in training. The network has no vector of
// them, but their metadata say where they belong (content); of the counters they
// borrow what these say of the items nearest to there. So they compete with all
// others. They do not change.
type newcomers struct {
	items   []uint32  // item numbers, ascending
	vectors []float32 // (items,d) of length 1, as all items' are
	near    []uint32  // (items,nearMost) rows of the nearest items
	bias    float32   // added to their scores; chosen on the validation part
	newness *newness  // what their ages add; nil: nothing
	born    []uint32  // (items) since when they are there, see hours; empty without newness
	passed  []float32 // (items) what they lose as they were shown and not taken; nil: nothing

	// Of models with an objective (objective.go): their attributes, and what is added
	// to their scores for that.
	worth, shift []float32
}

// nearMost is how many items a newcomer borrows from.
const nearMost = 16

// newcomersOf gives those of some items, ascending, whose records say something.
func (m *Model) newcomersOf(bias float32, age *newness, s *dataset.Schema, items []dataset.Index, row func(dataset.Index) dataset.Row) *newcomers {
	n := &newcomers{bias: bias, newness: age}
	var v content.Vector
	vector, scores := make([]float32, m.net.Dim), make([]float32, len(m.items))
	var near top
	for _, i := range items {
		if !m.content.Of(s, row(i), &v, vector) {
			continue
		}
		kernel.Normalise(vector, vector)
		n.items, n.vectors = append(n.items, uint32(i)), append(n.vectors, vector...)
		d := m.net.Dim
		kernel.MatMulNT(scores, len(scores), vector, d, m.vectors, d, 1, len(scores), d, false)
		best := firstOf(&near, scores, nearMost)
		for k := range nearMost { // where there are fewer, the nearest counts for the others
			n.near = append(n.near, best[min(k, len(best)-1)].row)
		}
		if age != nil {
			n.born = append(n.born, hours(age.Birth.of(s, row(i))))
		}
		if m.objective != nil {
			n.worth = append(n.worth, m.objective.value(s, row(i)))
		}
	}
	return n
}

// count is how many they are.
func (n *newcomers) count() int {
	if n == nil {
		return 0
	}
	return len(n.items)
}

// find gives the place of an item, or -1.
func (n *newcomers) find(i dataset.Index) int {
	if n != nil {
		if at, ok := slices.BinarySearch(n.items, uint32(i)); ok {
			return at
		}
	}
	return -1
}

// with gives these and others, which take the place of the same items.
func (n *newcomers) with(others *newcomers, d int) *newcomers {
	out := &newcomers{bias: n.bias, newness: n.newness}
	take := func(from *newcomers, at int) {
		out.items, out.vectors = append(out.items, from.items[at]), append(out.vectors, from.vectors[at*d:(at+1)*d]...)
		out.near = append(out.near, from.near[at*nearMost:(at+1)*nearMost]...)
		if from.newness != nil {
			out.born = append(out.born, from.born[at])
		}
		if n.passed != nil { // it is n that knows, of others too
			out.passed = append(out.passed, n.loss(n.find(dataset.Index(from.items[at]))))
		}
		if from.worth != nil {
			out.worth = append(out.worth, from.worth[at])
		}
	}
	at := 0
	for k, i := range others.items {
		for ; at < len(n.items) && n.items[at] < i; at++ {
			take(n, at)
		}
		if at < len(n.items) && n.items[at] == i {
			at++
		}
		take(others, k)
	}
	for ; at < len(n.items); at++ {
		take(n, at)
	}
	return out
}

// Meet implements recipe.Meeter.
func (m *Model) Meet(s *dataset.Schema, items []dataset.Index, row func(dataset.Index) dataset.Row) recipe.Model {
	defer runtime.KeepAlive(m)
	out := m.twin()
	var unknown []dataset.Index
	for _, i := range items {
		out.known = max(out.known, int(i)+1)
		if m.row(i) == noRow {
			unknown = append(unknown, i)
		}
	}
	if m.cold == nil || len(unknown) == 0 {
		return out
	}
	slices.Sort(unknown)
	out.cold = m.cold.with(m.newcomersOf(m.cold.bias, m.cold.newness, s, slices.Compact(unknown), row), m.net.Dim)
	if m.objective != nil {
		out.cold.favour(m.objective)
	}
	return out
}

// seenDrop is taken from the score of a newcomer that the user has had, where
// items are not had twice: it comes behind all others.
const seenDrop = 1e4

// coldScores gives the scores of newcomers.
func (m *Model) coldScores(n *newcomers, a *answer, e *encoded, history []dataset.Event) []float32 {
	d, count := m.net.Dim, len(n.items)
	if cap(a.cold) < count {
		a.cold = make([]float32, count)
	}
	x := a.cold[:count]
	kernel.MatMulNT(x, count, e.query, d, n.vectors, d, 1, count, d, false)
	m.bonus(a, history)
	if count <= borrowMost {
		for i := range x {
			x[i] += n.borrowed(a.extra.all, i)
		}
	} else {
		n.borrowFirst(&a.coldTop, x, a.extra.all)
	}
	for i := range x {
		x[i] += n.beginning(i, a.now)
	}
	for _, g := range a.ignored {
		if at := n.find(g.item); at >= 0 {
			x[at] += m.shown.effect(g.times)
		}
	}
	if n.shift != nil {
		kernel.Axpy(x, 1, n.shift)
	}
	if m.maskSeen {
		for _, h := range history {
			if at := n.find(h.Item); at >= 0 && x[at] > -seenDrop/2 {
				x[at] -= seenDrop
			}
		}
	}
	return x
}

// beginning gives what a newcomer's score has beside what it is like.
func (n *newcomers) beginning(at int, now int64) float32 {
	return n.bias + n.ageEffect(at, now) - n.loss(at)
}

// loss gives what a newcomer loses as it was passed over; at below 0: it is none.
func (n *newcomers) loss(at int) float32 {
	if at < 0 || n.passed == nil {
		return 0
	}
	return n.passed[at]
}

// ageEffect gives what the age of a newcomer adds to its score.
func (n *newcomers) ageEffect(at int, now int64) float32 {
	if n.newness == nil {
		return 0
	}
	return n.newness.Effect[ageOf(now, secondsOf(n.born[at]))]
}

// values gives what was chosen, for Choices.
func (n *newcomers) values() map[string]float64 {
	if n == nil || n.newness == nil {
		return nil
	}
	return map[string]float64{newnessName: 1}
}

// borrowMost is how many newcomers borrow: of more, those that the network ranks
// first. The others stay far behind.
const borrowMost = 4096

// borrowFirst adds what the first borrowMost newcomers get of the counters' part of
// others' scores.
func (n *newcomers) borrowFirst(first *top, scores, bonus []float32) {
	first.begin(borrowMost)
	for at, x := range scores {
		if x > first.floor {
			first.offer(ranked{x, uint32(at)})
		}
	}
	for _, r := range first.sorted() {
		scores[r.row] += n.borrowed(bonus, int(r.row))
	}
}

// borrowed gives what a newcomer gets of the counters' part of others' scores.
func (n *newcomers) borrowed(bonus []float32, at int) (sum float32) {
	if bonus == nil {
		return 0
	}
	for _, r := range n.near[at*nearMost : (at+1)*nearMost] {
		sum += bonus[r]
	}
	return sum / nearMost
}

// coldScore gives the score of one newcomer. bonus comes first.
func (m *Model) coldScore(a *answer, e *encoded, at int) float32 {
	d := m.net.Dim
	x := kernel.Dot(e.query, m.cold.vectors[at*d:(at+1)*d]) + m.cold.beginning(at, a.now) + m.cold.borrowed(a.extra.all, at) +
		m.shown.effect(a.ignored.times(dataset.Index(m.cold.items[at])))
	if m.cold.shift != nil {
		x += m.cold.shift[at]
	}
	return x
}

// coldRanking is the best newcomers for a history, and the scale of all of them.
type coldRanking struct {
	of   *newcomers
	hour int64    // of the question: ages change by hours
	best []ranked // the row of a newcomer is its place behind the others' rows
	scale
}

// coldBest gives the k best newcomers of allow.
func (m *Model) coldBest(a *answer, e *encoded, history []dataset.Event, k int, allow dataset.Set) ([]ranked, scale) {
	if r := e.cold.Load(); r != nil && r.of == m.cold && r.hour == a.now/3600 {
		if best := m.kept(&a.coldTop, r.best, k, allow); len(best) == k || len(r.best) == len(m.cold.items) {
			return best, r.scale
		}
	}
	scores := m.coldScores(m.cold, a, e, history)
	pick := func(k int, allow dataset.Set) []ranked {
		a.coldTop.begin(k)
		for at, x := range scores {
			if x > a.coldTop.floor && allow.Has(dataset.Index(m.cold.items[at])) {
				a.coldTop.offer(ranked{x, uint32(len(m.items) + at)})
			}
		}
		return a.coldTop.sorted()
	}
	// What an answer has for itself is of another history next time.
	r, kept := &coldRanking{of: m.cold, hour: a.now / 3600}, e != &a.own
	if kept {
		r.best = slices.Clone(pick(min(rankingMost, len(scores)), dataset.Set{}))
	}
	best := pick(k, allow)
	r.peak = kernel.Max(scores)
	r.sum = float64(kernel.ExpSum(scores, 1, -r.peak))
	if kept {
		e.cold.Store(r)
	}
	return best, r.scale
}

// mix puts the newcomers among the best of the others: it gives the k best of
// both, and what makes probabilities over all of them.
func (m *Model) mix(a *answer, e *encoded, q *recipe.Query, best []ranked, of *scale, k int, allow dataset.Set) ([]ranked, *scale) {
	a.mixed = append(a.mixed[:0], best...)
	cold, s := m.coldBest(a, e, q.History, k, allow)
	a.mixed = append(a.mixed, cold...)
	slices.SortFunc(a.mixed, ranked.compare)
	all := &a.mixedScale
	all.peak = max(of.peak, s.peak)
	all.sum = of.sum*exp(of.peak-all.peak) + s.sum*exp(s.peak-all.peak)
	return a.mixed[:min(k, len(a.mixed))], all
}

// item gives the number of the item of a row, of newcomers too.
func (m *Model) item(row uint32) dataset.Index {
	if int(row) < len(m.items) {
		return dataset.Index(m.items[row])
	}
	return dataset.Index(m.cold.items[int(row)-len(m.items)])
}
