package sequence

import (
	"math"
	"math/bits"
	"slices"

	"usher/dataset"
	"usher/kernel"
	"usher/recipe"
	"usher/recipe/internal/nn"
)

// answer is the memory of one answer.
type answer struct {
	asked
	lookup
	said       said    // beside the history
	now        int64   // the moment, where ages of newcomers matter
	ignored    ignored // what the user was shown and did not choose
	own        encoded // where nothing is kept
	scale      scale   // of own
	enc        nn.Encoder
	tokens     []uint32
	trail      []cacheKey // of tokens
	room       *rowMemory // where extra is, unless it is of few rows
	few        []uint32   // memory of extra
	fewOf      []float32
	seen       []uint32  // rows of the history that are put behind the others
	cold       []float32 // (newcomers)
	coldTop    top
	mixed      []ranked
	mixedScale scale
	lost       []float32 // what extra was for them, then their scores
}

// encode makes the query vector of a history.
func (m *Model) encode(a *answer, history []dataset.Event, to *encoded) {
	m.read(a, history, to)
	m.net.Encode(&a.enc, a.tokens, to.query)
	m.weigh(to.query)
}

// follow is encode of a history of which the beginning may be known, and that may go on.
func (m *Model) follow(a *answer, history []dataset.Event, to *encoded) {
	m.read(a, history, to)
	a.trail = trailKeys(a.trail, a.tokens)
	rows := m.trails.take(a.trail)
	m.net.Continue(&a.enc, a.tokens, rows, to.query)
	if entered := m.net.Entered(&a.enc); entered != nil && len(a.tokens) < m.net.Window {
		m.trails.put(a.trail[0], append(rows[:0], entered...))
	}
	m.weigh(to.query)
}

// read makes the network's tokens of a history.
func (m *Model) read(a *answer, history []dataset.Event, to *encoded) {
	window := m.net.Window
	a.tokens = a.tokens[:0]
	later := int64(0) // the time of the event that was taken last
	for i := len(history) - 1; i >= 0; i-- {
		r, n := m.row(history[i].Item), len(a.tokens)
		if r == noRow {
			continue
		}
		if n > 0 && m.net.Marks > 0 {
			a.tokens[n-1] = nn.Marked(a.tokens[n-1], gapMark(later-history[i].Time))
		}
		if n == window {
			break
		}
		a.tokens, later = append(a.tokens, r), history[i].Time
	}
	to.personal = len(a.tokens) > 0
	if len(a.tokens) < window {
		a.tokens = append(a.tokens, uint32(len(m.items)))
	}
	slices.Reverse(a.tokens)
}

// weigh gives a query the network's weight.
func (m *Model) weigh(query []float32) {
	if m.blend != nil {
		kernel.Scale(query, float32(m.blend.weights[netFeature]))
	}
}

// encoded gives what the network makes of a history: kept, or made now.
func (m *Model) encoded(a *answer, q *recipe.Query) *encoded {
	if m.cache == nil || q.Once {
		compute(func() { m.encode(a, q.History, &a.own) })
		return &a.own
	}
	key := keyOf(q).with(&a.said).without(a.ignored)
	e := m.cache.get(key)
	if e == nil {
		e = &encoded{query: make([]float32, m.net.Dim)}
		compute(func() { m.follow(a, q.History, e) })
		m.cache.put(key, e)
	}
	return e
}

// bonus puts into a.extra what the counters add to the network's score of each
// row. Where it adds to many, it does so in memory by row, which the answer keeps.
func (m *Model) bonus(a *answer, history []dataset.Event) {
	a.extra = extra{}
	if m.blend == nil && m.objective == nil && !m.maskSeen && !a.said.some() && len(a.ignored) == 0 {
		return
	}
	a.startOver(m)
	room := a.room.extra
	if a.said.some() {
		m.sides.add(&a.said, len(history), room)
		a.changedMany = true
	}
	m.discount(a)
	if m.blend == nil {
		return
	}
	a.newest = a.newest[:0]
	for i := len(history) - 1; i >= 0 && len(a.newest) < newestMost; i-- {
		if r := m.row(history[i].Item); r != noRow {
			a.newest = append(a.newest, r)
		}
	}
	m.blend.bonus(&a.asked, room)
}

// mask takes the rows of the history out of what is asked. They come behind all
// others (behind).
func (m *Model) mask(a *answer, history []dataset.Event) {
	a.seen, a.lost = a.seen[:0], a.lost[:0]
	if !m.maskSeen {
		return
	}
	for i := range history {
		if r := m.row(history[i].Item); r != noRow && a.extra.all[r] != lowest {
			a.seen, a.lost = append(a.seen, r), append(a.lost, a.extra.all[r])
			a.extra.all[r] = lowest
		}
	}
}

// score gives the score of one row. bonus comes first.
func (m *Model) score(a *answer, e *encoded, row uint32) float32 {
	return m.networkScore(e, row) + a.extra.at(row)
}

// networkScore gives the network's part of the score of a row.
func (m *Model) networkScore(e *encoded, row uint32) float32 {
	d := m.net.Dim
	return kernel.Dot(e.query, m.vectors[int(row)*d:int(row+1)*d])
}

// best gives the k best rows of allow, and what makes probabilities of their
// scores. The rows are the answer's memory or the cache's: they are not changed.
func (m *Model) best(a *answer, e *encoded, history []dataset.Event, k int, allow dataset.Set) ([]ranked, *scale) {
	if e == &a.own {
		a.summed = true
		m.search(a, e, history, k, allow)
		a.scale = m.behind(a, e, k, allow)
		return a.top.rows, &a.scale
	}
	r := e.ranking.Load()
	if r == nil {
		n := min(rankingMost, len(m.items))
		a.summed = true
		m.search(a, e, history, n, dataset.Set{})
		r = &ranking{scale: m.behind(a, e, n, dataset.Set{})}
		r.best = slices.Clone(a.top.rows)
		e.ranking.Store(r)
	}
	if best := m.kept(&a.top, r.best, k, allow); len(best) == k || len(r.best) == len(m.items) {
		return best, &r.scale
	}
	a.summed, a.peak, a.expSum = false, r.peak, r.sum
	m.search(a, e, history, k, allow)
	a.peak, a.expSum = r.peak, r.sum
	m.behind(a, e, k, allow)
	return a.top.rows, &r.scale
}

// kept gives the first k rows of a ranking that allow lets through.
func (m *Model) kept(to *top, best []ranked, k int, allow dataset.Set) []ranked {
	if allow.All() {
		return best[:min(k, len(best))]
	}
	to.begin(k)
	for _, c := range best {
		if len(to.rows) < k && allow.Has(m.item(c.row)) {
			to.rows = append(to.rows, c)
		}
	}
	return to.rows
}

// fewAllowed is the part of the items below which each is scored by itself.
const fewAllowed = 8

// search puts the k best rows of allow that are not masked into a.top, best
// first.
func (m *Model) search(a *answer, e *encoded, history []dataset.Event, k int, allow dataset.Set) {
	n := allow.Len()
	among, together := !a.summed && n >= 0 && n < len(m.items)/fewAllowed, m.scanner.together()
	a.query, a.allow, a.most = e.query, allow, k
	compute(func() {
		m.bonus(a, history)
		m.mask(a, history)
		if among {
			a.top.begin(k)
			m.searchAmong(a, e, allow.Words())
			return
		}
		m.pickFew(a)
		if !together {
			m.scanner.pass([]*lookup{&a.lookup})
		}
	})
	if !among && together {
		m.scanner.answer(&a.lookup)
	}
	a.query, a.allow = nil, dataset.Set{}
	a.top.sorted()
}

// searchAmong looks at the items of a set one by one.
func (m *Model) searchAmong(a *answer, e *encoded, words []uint64) {
	for w, word := range words {
		for ; word != 0; word &= word - 1 {
			r := m.row(dataset.Index(w*64 + bits.TrailingZeros64(word)))
			if r == noRow {
				continue
			}
			if x := m.score(a, e, r); x > a.top.floor {
				a.top.offer(ranked{x, r})
			}
		}
	}
}

// behind fills an answer up to k rows with those that were masked, below all
// others and in the order they have among themselves. It gives what makes
// probabilities of scores: peak and sum are of the rows that are not masked. If
// there are none, the masked ones stand for themselves.
func (m *Model) behind(a *answer, e *encoded, k int, allow dataset.Set) scale {
	out := scale{a.peak, a.expSum}
	if len(a.seen) == 0 || len(a.top.rows) == k && out.sum > 0 {
		return out
	}
	highest := lowest
	for i, r := range a.seen {
		a.lost[i] += m.networkScore(e, r)
		highest = max(highest, a.lost[i])
	}
	shift := out.peak - m.span() - highest
	if out.sum == 0 {
		shift, out.peak = 0, highest
		for _, x := range a.lost {
			out.sum += exp(x - highest)
		}
	}
	others := len(a.top.rows)
	for i, r := range a.seen {
		if allow.Has(dataset.Index(m.items[r])) {
			a.top.rows = append(a.top.rows, ranked{a.lost[i] + shift, r})
		}
	}
	slices.SortFunc(a.top.rows[others:], ranked.compare)
	a.top.rows = a.top.rows[:min(k, len(a.top.rows))]
	return out
}

// span is more than what scores of one history can lie apart: the network's are
// cosines × Tau, and the features of the counters are logs of numbers that occur.
func (m *Model) span() float32 {
	if m.blend == nil {
		return 3*m.net.Tau + m.objective.span()
	}
	const largest = 16 // ln 10⁷
	sum := 0.
	for k, w := range m.blend.weights {
		if k != netFeature {
			sum += largest * math.Abs(w)
		}
	}
	return m.net.Tau*(1+2*float32(math.Abs(m.blend.weights[netFeature]))) + float32(sum) + m.objective.span()
}

func exp(x float32) float64 { return math.Exp(float64(x)) }
