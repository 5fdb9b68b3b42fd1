package sequence

import (
	"math/rand/v2"
	"testing"

	"usher/dataset"
)

// What is known before a pass is true – so many rows have such scores –, and something is
// known of nearly all questions that counters say something about.
func TestLeastIsReached(t *testing.T) {
	const items = 40_000
	m := generated(t, items, 16, true)
	w := m.blend.weights
	w[popular], w[similar] = 0, 0
	m.blend = newBlend(w, m.blend.counters)
	r := rand.New(rand.NewPCG(4, 1))
	asked, known := 0, 0
	for range 30 {
		h := make([]dataset.Event, 5+r.IntN(20))
		for i := range h {
			h[i] = dataset.Event{Item: dataset.Index(r.IntN(items)), Time: int64(i)}
		}
		a := &answer{own: encoded{query: make([]float32, m.net.Dim)}}
		m.encode(a, h, &a.own)
		a.query, a.allow, a.most = a.own.query, someItems(r, items), 1+r.IntN(20)
		m.bonus(a, h)
		m.mask(a, h)
		m.pickFew(a)
		least := a.lookup.least(m.scanner, new(tile))
		if a.allow.All() && a.most <= len(a.extra.few)/favouredPart {
			asked++
		}
		if least == lowest {
			continue
		}
		known++
		reached := 0
		for row, item := range m.items {
			if a.allow.Has(dataset.Index(item)) && m.score(a, &a.own, uint32(row)) >= least {
				reached++
			}
		}
		if reached < a.most {
			t.Errorf("%d events: %d of %d allowed reach %v, want %d", len(h), reached, a.allow.Len(), least, a.most)
		}
	}
	if known == 0 || known < asked*9/10 {
		t.Errorf("something is known of %d of %d questions", known, asked)
	}
}

func TestFavour(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 2))
	for _, n := range []int{1, 63, 64, 65, 1000} {
		values, marks := make([]float32, n), make([]uint64, (n+63)/64)
		for i := range values {
			values[i] = r.Float32()
		}
		values[0] = lowest
		for _, k := range []int{1, 2, 10, 25, n} {
			found := favour(marks, values, k)
			if found != (k < n) {
				t.Errorf("%d of %d found: %v", k, n, found)
			}
			if !found {
				continue
			}
			low, high := float32(1e9), lowest // of the marked, of the others
			for i, v := range values {
				if marks[i/64]>>(i%64)&1 == 1 {
					low = min(low, v)
				} else {
					high = max(high, v)
				}
			}
			if c := countMarks(marks); c < k || c > 2*k || low < high {
				t.Errorf("%d of %d: %d marked from %v on, others up to %v", k, n, c, low, high)
			}
		}
	}
	if favour(make([]uint64, 1), []float32{1, 1, 1, 1, 1}, 2) {
		t.Error("two of five equal ones")
	}
}
