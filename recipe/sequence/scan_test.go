package sequence

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"usher/dataset"
	"usher/recipe"
)

// A pass over eight bits finds the rows that one over floats finds. Their
// probabilities are nearly the same, since the sum under them is of approximations
// but for the best rows: within a hundredth.
func TestQuantisedPassFindsTheSame(t *testing.T) {
	const items = 40_000
	m := generated(t, items, 16, true)
	if m.scanner.quantised == nil {
		t.Fatal("a table of this size is not quantised")
	}
	again := func() *Model {
		other := newModel(m.net, m.known, m.items, true, nil)
		other.blend = m.blend
		return other
	}
	floats, kept := again(), again()
	floats.scanner.quantised = nil
	kept.Cache(1 << 20)
	r := rand.New(rand.NewPCG(8, 1))
	for range 60 {
		h := make([]dataset.Event, r.IntN(60))
		for i := range h {
			h[i] = dataset.Event{Item: dataset.Index(r.IntN(items)), Time: int64(i)}
		}
		q, allow, k := &recipe.Query{History: h}, someItems(r, items), []int{1, 25, 300}[r.IntN(3)]
		want, err := floats.Recommend(context.Background(), q, k, allow, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []*Model{m, kept} {
			got, err := m.Recommend(context.Background(), q, k, allow, nil)
			if err != nil || len(got) != len(want) {
				t.Fatalf("%d rows (%v), want %d", len(got), err, len(want))
			}
			for i, x := range got {
				if x.Index != want[i].Index || x.Score > (1+.01)*want[i].Score || x.Score < (1-.01)*want[i].Score {
					t.Fatalf("%d events, %d of %d allowed, place %d: %v, want %v", len(h), k, allow.Len(), i, x, want[i])
				}
			}
		}
	}
}

// Scores that rise from tile to tile, far above where sums began, make the same
// probabilities as those that do not.
func TestPassWithRisingScores(t *testing.T) {
	const items = 4 * tileRows
	m := catalogue(items, 8)
	for _, step := range []float32{.1, -.1, 0} {
		q := &lookup{query: make([]float32, 8), extra: extra{all: make([]float32, items)}, most: 1, summed: true}
		highest, want := float32(math.Inf(-1)), 0.
		for r := range q.extra.all {
			q.extra.all[r] = step * float32(r)
			highest = max(highest, q.extra.all[r])
		}
		for _, x := range q.extra.all {
			want += exp(x - highest)
		}
		if m.scanner.pass([]*lookup{q}); q.peak != highest || math.Abs(q.expSum/want-1) > 1e-4 {
			t.Errorf("steps of %v: peak %v, sum %v, want %v, %v", step, q.peak, q.expSum, highest, want)
		}
	}
}

// A pass that is told which few rows counters and masks changed gives what one gives
// that reads what was added to all rows: to the bit, but where popularity stands under
// both, of which the sum is rounded otherwise then.
func TestPassWithFewChanged(t *testing.T) {
	for _, items := range []int{30_000, 40_000} { // in floats, in eight bits
		m := generated(t, items, 16, items == 40_000)
		for _, standing := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d items, %v", items, standing), func(t *testing.T) {
				w := m.blend.weights
				w[similar] = 0
				if !standing {
					w[popular] = 0
				}
				counted := m.blend.counters
				m := newModel(m.net, m.known, m.items, m.maskSeen, nil)
				m.blend = newBlend(w, counted)
				r := rand.New(rand.NewPCG(2, 9))
				for _, events := range []int{0, 1, 2, 7, 2} {
					h := make([]dataset.Event, events)
					for i := range h {
						h[i] = dataset.Event{Item: dataset.Index(r.IntN(items)), Time: int64(i)}
					}
					checkFewChanged(t, m, h, standing)
				}
			})
		}
	}
}

func checkFewChanged(t *testing.T, m *Model, h []dataset.Event, standing bool) {
	t.Helper()
	var a answer
	e := &encoded{query: make([]float32, m.net.Dim)}
	m.encode(&a, h, e)
	m.bonus(&a, h)
	m.mask(&a, h)
	ask := func() ([]ranked, float32, float64) {
		a.query, a.most, a.summed = e.query, 40, true
		m.scanner.answer(&a.lookup)
		return slices.Clone(a.top.sorted()), a.peak, a.expSum
	}
	all, allPeak, allSum := ask()
	m.pickFew(&a)
	if told := a.extra.all == nil; told != (!standing || m.scanner.together()) {
		t.Fatalf("%d events changed few rows: %v", len(h), told)
	}
	rows, peak, sum := ask()
	off := 0.
	if standing {
		off = 1e-6
	}
	far := func(a, b float64) bool { return math.Abs(a-b) > off*math.Abs(b) }
	if !slices.Equal(rows, all) || far(float64(peak), float64(allPeak)) || far(sum, allSum) {
		t.Errorf("%d events: %v, peak %v, sum %v; by all %v, %v, %v", len(h), rows[:3], peak, sum, all[:3], allPeak, allSum)
	}
}
