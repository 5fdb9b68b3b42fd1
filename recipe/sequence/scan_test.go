package sequence

import (
	"context"
	"math/rand/v2"
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
