package sequence

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"usher/dataset"
	"usher/internal/seed"
	"usher/recipe"
)

// viewsAndBuys gives users who have item 0 and then, three of five, view item 1, or
// else buy item 2; some of items 3 to 9 come before and after.
func viewsAndBuys() *dataset.Snapshot {
	var users, items []string
	var events [][]dataset.Event
	for i := range 10 {
		items = append(items, fmt.Sprint(i))
	}
	for u := range 200 {
		r := seed.Seed(1).Branch("user", uint64(u)).Rand()
		next := dataset.Event{Item: 1}
		if r.IntN(5) < 2 {
			next = dataset.Event{Item: 2, Type: 1}
		}
		var h []dataset.Event
		for _, i := range r.Perm(7)[:5] {
			h = append(h, dataset.Event{Item: dataset.Index(3 + i)})
		}
		h = slices.Insert(h, r.IntN(len(h)+1), dataset.Event{Item: 0}, next)
		users, events = append(users, fmt.Sprint(u)), append(events, h)
	}
	return dataset.NewSnapshot(users, items, []string{"view", "buy"}, events)
}

// TestEventWeights: as they are, item 1 follows item 0; when what was bought counts
// ten times what was viewed, item 2 does.
func TestEventWeights(t *testing.T) {
	data := viewsAndBuys()
	for _, c := range []struct {
		weights []float64
		want    dataset.Index
	}{{nil, 1}, {[]float64{.1, 1}, 2}} {
		m := train(t, recipe.Input{Data: data, Seed: 1, Workers: 2, Weights: c.weights})
		q := &recipe.Query{History: []dataset.Event{{Item: 4}, {Item: 0}}}
		got, err := m.Rank(context.Background(), q, []dataset.Index{1, 2}, nil)
		if err != nil || len(got) != 2 || got[0].Index != c.want {
			t.Errorf("weights %v: %+v, %v; want item %d", c.weights, got, err, c.want)
		}
	}
	_, err := Recipe{}.Train(context.Background(), recipe.Input{Data: data, Weights: []float64{1}})
	if err == nil {
		t.Error("one weight for two types is taken")
	}
}

// TestHeldOutWeights: the mean is 1, whatever the weights; none at all count alike.
func TestHeldOutWeights(t *testing.T) {
	data := viewsAndBuys()
	for _, byType := range [][]float64{nil, {.1, 1}, {0, 0}} {
		sum := 0.
		held := holdOut(data, byType, 1)
		for _, h := range held {
			sum += h.weight
		}
		if d := sum/float64(len(held)) - 1; d > 1e-9 || d < -1e-9 {
			t.Errorf("%v: the mean weight is %v", byType, 1+d)
		}
	}
}
