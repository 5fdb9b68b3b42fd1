package sequence

import (
	"context"
	"fmt"
	"math"
	"testing"

	"usher/dataset"
	"usher/internal/seed"
	"usher/recipe"
)

// snapshot makes data of histories of item numbers, a minute between events.
func snapshot(items int, histories [][]int) *dataset.Snapshot {
	s := &dataset.Snapshot{Start: []int64{0}, EventTypes: []string{""}}
	for i := range items {
		s.ItemIDs = append(s.ItemIDs, fmt.Sprint("i", i))
	}
	for u, h := range histories {
		s.UserIDs = append(s.UserIDs, fmt.Sprint("u", u))
		s.Events = append(s.Events, events(h...)...)
		s.Start = append(s.Start, int64(len(s.Events)))
	}
	return s
}

func events(items ...int) (out []dataset.Event) {
	for i, x := range items {
		out = append(out, dataset.Event{Time: int64(1_700_000_000 + 60*i), Item: dataset.Index(x), Value: float32(math.NaN())})
	}
	return out
}

// chain makes users who walk a ring of items: from i mostly to i+1, sometimes
// anywhere, and begin with item 0 or 1.
func chain(items, users, length int, from seed.Seed) [][]int {
	out := make([][]int, users)
	for u := range out {
		r := from.Branch("user", uint64(u)).Rand()
		at := r.IntN(2)
		for range 2 + r.IntN(length-1) {
			out[u] = append(out[u], at)
			at = (at + 1) % items
			if r.IntN(5) == 0 {
				at = r.IntN(items)
			}
		}
	}
	return out
}

func train(t testing.TB, in recipe.Input) *Model {
	t.Helper()
	if in.Params == nil {
		in.Params = recipe.Params{"apply_recency_bias": "true"}
	}
	m, err := Recipe{}.Train(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	return m.(*Model)
}

func recommend(t testing.TB, m *Model, k int, history ...int) []recipe.Scored {
	t.Helper()
	got, err := m.Recommend(context.Background(), &recipe.Query{User: dataset.NoIndex, History: events(history...)}, k, dataset.Set{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// 4 of 5 steps of the chain are certain: the true next item is first for
// (nearly) every item, where popularity would be right once in 20.
func TestLearnsAChain(t *testing.T) {
	const items = 20
	m := train(t, recipe.Input{Data: snapshot(items, chain(items, 60, 20, 1)), Seed: 5, Workers: 2})
	first := 0
	for i := range items {
		if got := recommend(t, m, 1, (i+items-1)%items, i); int(got[0].Index) == (i+1)%items {
			first++
		}
	}
	t.Logf("first %d of %d; %v", first, items, m.Choices().Notes)
	if first < 17 {
		t.Errorf("next item first for %d of %d", first, items)
	}
	start := recommend(t, m, 2)
	if start[0].Index > 1 || start[1].Index > 1 || start[0].Flags != recipe.Popular {
		t.Errorf("a new user gets %v, all users begin with 0 or 1", start)
	}
}
