package sequence

import (
	"runtime"
	"sync"

	"usher/dataset"
	"usher/kernel"
)

// lookup is what a pass over all items is asked, and what it finds.
type lookup struct {
	query  []float32   // (d) times the network's weight
	extra  []float32   // (items) added to the network's part; lowest: the row is left out. nil: nothing
	allow  dataset.Set // of item numbers
	summed bool        // peak and sum are wanted
	top    top

	peak   float32 // the highest score of all items, whatever allow says
	expSum float64 // of exp(score-peak)

	done chan struct{} // has room for one
}

const (
	tileRows     = 512 // rows whose vectors stay in the second cache
	scanTogether = 16  // questions of one pass at most
)

// scanner answers questions by passes over the item table. Questions that come
// while all processors are busy wait and share the next pass, so that each
// vector is fetched from memory once for all of them. An answer does not depend
// on who shares its pass: tiles are cut by the data.
type scanner struct {
	items   []uint32
	vectors []float32 // (items,d)
	dim     int

	running chan struct{} // a place for each processor
	mu      struct {
		sync.Mutex
		waiting []*lookup
	}
	scores sync.Pool // *[]float32 of a tile
}

func newScanner(items []uint32, vectors []float32, dim int) *scanner {
	s := &scanner{items: items, vectors: vectors, dim: dim, running: make(chan struct{}, runtime.GOMAXPROCS(0))}
	s.scores.New = func() any {
		b := make([]float32, tileRows)
		return &b
	}
	return s
}

// answer returns when q is answered. It works through what is waiting, in order,
// until its own question is done: by itself or by another.
func (s *scanner) answer(q *lookup) {
	if q.done == nil {
		q.done = make(chan struct{}, 1)
	}
	s.mu.Lock()
	s.mu.waiting = append(s.mu.waiting, q)
	s.mu.Unlock()
	for {
		select {
		case <-q.done:
			return
		case s.running <- struct{}{}:
			var batch [scanTogether]*lookup
			n := s.take(batch[:])
			s.pass(batch[:n])
			<-s.running
			for _, x := range batch[:n] {
				x.done <- struct{}{}
			}
		}
	}
}

// take gives the questions that have waited longest.
func (s *scanner) take(into []*lookup) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := copy(into, s.mu.waiting)
	left := copy(s.mu.waiting, s.mu.waiting[n:])
	clear(s.mu.waiting[left:])
	s.mu.waiting = s.mu.waiting[:left]
	return n
}

// pass goes over all items once. A question is multiplied with a tile by itself,
// not all of them as a matrix, so that its sums are the same to the bit with
// whomever it shares the pass; what is shared is the way of a tile from memory.
func (s *scanner) pass(qs []*lookup) {
	buf := s.scores.Get().(*[]float32)
	defer s.scores.Put(buf)
	for _, q := range qs {
		q.peak, q.expSum = lowest, 0
	}
	for from := 0; from < len(s.items); from += tileRows {
		n := min(tileRows, len(s.items)-from)
		scores, tile := (*buf)[:n], s.vectors[from*s.dim:(from+n)*s.dim]
		for _, q := range qs {
			kernel.MatMulNT(scores, n, q.query, s.dim, tile, s.dim, 1, n, s.dim, false)
			q.take(scores, from, s.items)
		}
	}
}

// take looks at the network's scores of the rows from from on, and leaves
// something else in them.
func (q *lookup) take(scores []float32, from int, items []uint32) {
	if q.extra != nil {
		kernel.Axpy(scores, 1, q.extra[from:from+len(scores)])
	}
	highest := kernel.Max(scores)
	if highest > q.top.floor {
		for i, x := range scores {
			if x > q.top.floor && q.allow.Has(dataset.Index(items[from+i])) {
				q.top.offer(ranked{x, uint32(from + i)})
			}
		}
	}
	if !q.summed || highest == lowest {
		return
	}
	if highest > q.peak {
		q.expSum *= exp(q.peak - highest)
		q.peak = highest
	}
	q.expSum += float64(kernel.ExpSum(scores, 1, -q.peak))
}
