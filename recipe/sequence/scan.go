package sequence

import (
	"slices"
	"sync"

	"usher/dataset"
	"usher/kernel"
)

// lookup is what a pass over all items is asked, and what it finds.
type lookup struct {
	query  []float32   // (d) times the network's weight
	extra  extra       // what comes to the network's part
	allow  dataset.Set // of item numbers
	summed bool        // peak and sum are wanted
	most   int         // rows wanted
	top    top

	slack float32 // what a score of the quantised vectors can be off by; 0: it is exact

	peak   float32 // the highest score of all items, whatever allow says
	expSum float64 // of exp(score-peak); while a pass goes on of exp(score-shift)
	shift  float32 // a score that is near the highest so far

	ahead int   // in extra.few, while a pass goes on
	place place // among those who share passes
}

const (
	tileRows = 512 // rows whose vectors stay in the second cache
	// quantisedFrom is the size of a table, in floats, from which passes go over
	// its vectors in eight bits: smaller ones stay in a processor's own cache.
	quantisedFrom = 1 << 19
)

// scanner answers questions by passes over the item table, which those share that come
// at about the same time (gathering). An answer does not depend on who shares its pass:
// tiles are cut by the data.
//
// A pass over a large table reads vectors in eight bits. Their products are off by
// no more than a slack that is known: so each of the k best is within two slacks of
// the k-th best by such products, and of those within, which are few, the exact
// products are taken in the end. The rows found are those that a pass over floats
// finds.
type scanner struct {
	items     []uint32
	vectors   []float32         // (items,d)
	quantised *kernel.Quantised // the same; nil: it is a small table
	dim       int

	gathering
	tiles sync.Pool // of *tile
}

// tile is the memory of a pass.
type tile struct {
	scores  [scanTogether * tileRows]float32
	marks   [tileRows / 64]uint64
	favours []uint64 // marks of least
	vectors [scanTogether][]float32
	queries kernel.ByteQueries // the vectors, for the quantised table
}

// newScanner makes a scanner. quantised is the vectors in eight bits, nil if they are
// to be made.
func newScanner(items []uint32, vectors []float32, dim int, quantised *kernel.Quantised) *scanner {
	s := &scanner{items: items, vectors: vectors, quantised: quantised, dim: dim}
	s.tiles.New = func() any { return new(tile) }
	if quantised == nil && len(vectors) >= quantisedFrom {
		s.quantised = kernel.Quantise(vectors, len(items), dim)
	}
	return s
}

// vector gives the vector of a row.
func (s *scanner) vector(row uint32) []float32 { return s.vectors[int(row)*s.dim:][:s.dim] }

// together says whether questions share passes. Of a small table there is nothing to
// share: its vectors are near each processor.
func (s *scanner) together() bool { return s.quantised != nil }

// marksOf gives room for so many marks.
func (t *tile) marksOf(n int) []uint64 {
	t.favours = slices.Grow(t.favours[:0], (n+63)/64)[:(n+63)/64]
	return t.favours
}

// pass goes over all items once.
func (s *scanner) pass(qs []*lookup) {
	t := s.tiles.Get().(*tile)
	defer s.tiles.Put(t)
	s.begin(t, qs)
	for from := 0; from < len(s.items); from += tileRows {
		n := min(tileRows, len(s.items)-from)
		s.multiply(t, qs, from, n)
		for i, q := range qs {
			q.take(t.scores[i*tileRows:i*tileRows+n], from, s, t)
		}
	}
	for _, q := range qs {
		q.settle(s, t)
	}
}

// begin makes questions and the tile ready for a pass.
func (s *scanner) begin(t *tile, qs []*lookup) {
	for i, q := range qs {
		t.vectors[i] = q.query
	}
	if s.quantised != nil {
		t.queries.Set(s.quantised, t.vectors[:len(qs)])
	}
	clear(t.vectors[:])
	for i, q := range qs {
		q.peak, q.expSum, q.shift, q.slack = lowest, 0, lowest, 0
		if s.quantised != nil {
			q.slack = s.quantised.Slack(&t.queries, i)
		}
		q.ahead = 0
		least := q.least(s, t)
		q.top.begin(q.most)
		q.top.beginAbove(least, 2*q.slack)
	}
}

// multiply puts the products of all questions with n rows into the tile. In floats
// a question is multiplied by itself, not all of them as a matrix, so that its sums
// are the same to the bit with whomever it shares the pass; what is shared is the
// way of the rows from memory. Sums of whole numbers are the same anyway.
func (s *scanner) multiply(t *tile, qs []*lookup, from, n int) {
	if s.quantised != nil {
		s.quantised.Scan(t.scores[:], tileRows, &t.queries, from, from+n)
		return
	}
	rows := s.vectors[from*s.dim : (from+n)*s.dim]
	for i, q := range qs {
		kernel.MatMulNT(t.scores[i*tileRows:], n, q.query, s.dim, rows, s.dim, 1, n, s.dim, false)
	}
}

// take looks at the network's scores of the rows from from on, and adds extra to them.
func (q *lookup) take(scores []float32, from int, s *scanner, t *tile) {
	added := q.extra.addFew(scores, from, &q.ahead)
	if highest := q.survey(t.marks[:], scores, added); highest >= q.top.floor {
		q.choose(t.marks[:], scores, from, s)
	}
}

// farAbove is how far above the shift scores may lie before another is taken: exponents
// of this many times tileRows are far from infinite, and of what lies as far below the
// shift nothing counts.
const farAbove = 40

// survey adds what there is to scores, their exponents to what is summed, marks those that may
// be among the best, and gives the highest.
func (q *lookup) survey(marks []uint64, scores, added []float32) float32 {
	highest, sum := kernel.Survey(marks, scores, added, q.top.floor, q.shift)
	if highest == lowest {
		return highest
	}
	if highest-q.shift > farAbove {
		q.expSum *= exp(q.shift - highest)
		q.shift = highest
		_, sum = kernel.Survey(marks, scores, nil, q.top.floor, q.shift)
	}
	q.peak = max(q.peak, highest)
	q.expSum += float64(sum)
	return highest
}

// choose offers the marked rows that may be among the best.
func (q *lookup) choose(marks []uint64, scores []float32, from int, s *scanner) {
	eachMarked(marks[:(len(scores)+63)/64], func(i int) {
		if q.mayBe(scores[i]) && q.allow.Has(dataset.Index(s.items[from+i])) {
			q.top.offer(ranked{scores[i], uint32(from + i)})
		}
	})
}

// mayBe says whether a later row of this score can be among the best.
func (q *lookup) mayBe(score float32) bool {
	return score > q.top.floor || q.slack > 0 && score == q.top.floor && score > lowest
}

// settle ends a pass: the sum becomes one from the peak, and rough scores exact, of the
// rows that may be among the best.
func (q *lookup) settle(s *scanner, t *tile) {
	if q.expSum > 0 {
		q.expSum *= exp(q.shift - q.peak)
	}
	if q.slack == 0 {
		return
	}
	q.top.cut()
	q.exact(s, t)
	q.top.margin = 0
}

// exact makes the scores of the best rows exact, and the sum for these. Each row's
// vector is fetched some rows before its turn.
func (q *lookup) exact(s *scanner, t *tile) {
	const ahead = 8
	for rows := q.top.rows; len(rows) > 0; {
		n := min(len(rows), len(t.scores)/2)
		rough, exact := t.scores[:n], t.scores[n:2*n]
		for i := range min(ahead, n) {
			kernel.Fetch(s.vector(rows[i].row))
		}
		for i := range rows[:n] {
			if i+ahead < n {
				kernel.Fetch(s.vector(rows[i+ahead].row))
			}
			x := &rows[i]
			rough[i] = x.score
			x.score = kernel.Dot(q.query, s.vector(x.row)) + q.extra.at(x.row)
			exact[i] = x.score
		}
		if q.summed {
			q.expSum += float64(kernel.ExpSum(exact, 1, -q.peak)) - float64(kernel.ExpSum(rough, 1, -q.peak))
		}
		rows = rows[n:]
	}
}
