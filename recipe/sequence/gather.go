package sequence

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// seats bound how many answers of all models are computed at once to what there was
// of processors when the program began. More would be no quicker; they would stand in
// the scheduler's queues before what is done at once – a kept ranking, a refusal –,
// and these queues would never be empty, which is when the scheduler looks for what
// has come over the network. Those without a seat wait in the order they came.
var seats = make(chan struct{}, runtime.GOMAXPROCS(0))

// compute runs f on a seat. f does not wait for others.
func compute(f func()) {
	seats <- struct{}{}
	defer func() { <-seats }()
	f()
}

const (
	scanTogether = 16 // questions of one pass at most
	// scanLeast is up to how many questions a pass takes hardly longer than with one,
	// since it waits for memory: so few are not spread over idle processors.
	scanLeast = 4
)

// gathering brings questions together that can share a pass, so that each vector is
// fetched from memory once for all of them. Who has begun a question says so (expect);
// those that are ready for a pass wait until no other is on its way to it, or until they
// are as many as a pass takes. Alone a question does not wait: there is no clock in it.
// One of those who wait leads: it does the pass.
type gathering struct {
	coming atomic.Int64 // questions that are expected and not ready yet
	mu     struct {
		sync.Mutex
		waiting []*lookup
		led     bool // one leads, and has not taken its questions yet
	}
}

// place is a question's place in a gathering.
type place struct {
	expected bool
	word     chan bool // what there is to do: false: to lead; true: nothing, it is answered. Has room for one
}

// expect says that q is on its way to a pass. release follows in any case.
func (g *gathering) expect(q *lookup) {
	q.place.expected = true
	g.coming.Add(1)
}

// release says that q does not need a pass any more, if it has not had one.
func (g *gathering) release(q *lookup) {
	if !q.place.expected {
		return
	}
	q.place.expected = false
	if g.coming.Add(-1) == 0 {
		g.mu.Lock()
		g.appoint()
		g.mu.Unlock()
	}
}

// join puts q among those who wait, and says whether it is to lead.
func (g *gathering) join(q *lookup) bool {
	if q.place.word == nil {
		q.place.word = make(chan bool, 1)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mu.waiting = append(g.mu.waiting, q)
	if q.place.expected {
		q.place.expected = false
		g.coming.Add(-1)
	}
	if g.mu.led || !g.ready() {
		return false
	}
	g.mu.led = true
	return true
}

// ready says whether those who wait need not wait any longer. g is locked.
func (g *gathering) ready() bool {
	n := len(g.mu.waiting)
	return n >= scanTogether || n > 0 && g.coming.Load() == 0
}

// appoint lets the first of those who wait lead, if it is time and nobody does. g is
// locked.
func (g *gathering) appoint() {
	if !g.mu.led && g.ready() {
		g.mu.led = true
		g.mu.waiting[0].place.word <- false
	}
}

// take gives the leader the questions that have waited longest: all, less what idle
// processors can do at the same time, for which it lets another lead.
func (g *gathering) take(into []*lookup) []*lookup {
	g.mu.Lock()
	defer g.mu.Unlock()
	able := cap(seats) - len(seats) + 1 // this one has its seat
	part := max((len(g.mu.waiting)+able-1)/able, scanLeast)
	n := copy(into[:min(part, len(into))], g.mu.waiting)
	left := copy(g.mu.waiting, g.mu.waiting[n:])
	clear(g.mu.waiting[left:])
	g.mu.waiting = g.mu.waiting[:left]
	g.mu.led = false
	g.appoint()
	return into[:n]
}

// answer returns when q is answered. Who is ready gives way once, so that questions begin
// which have come but had no processor yet: a busy machine would else take each from its
// beginning to its end, and none would find another to share a pass with.
func (s *scanner) answer(q *lookup) {
	runtime.Gosched()
	for lead := s.join(q); lead || !<-q.place.word; lead = false {
		s.lead()
	}
}

// lead does a pass for those who wait.
func (s *scanner) lead() {
	var batch [scanTogether]*lookup
	var qs []*lookup
	compute(func() {
		qs = s.take(batch[:])
		s.pass(qs)
	})
	for _, q := range qs {
		q.place.word <- true
	}
}
