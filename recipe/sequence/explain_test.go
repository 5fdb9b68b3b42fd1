package sequence

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"usher/dataset"
	"usher/recipe"
)

// shown gives the probability that an answer shows for an item.
func shown(t *testing.T, m *Model, history []dataset.Event, item dataset.Index) float64 {
	t.Helper()
	got, err := m.Recommend(t.Context(), &recipe.Query{History: history}, m.Len(), dataset.Set{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(got, func(x recipe.Scored) bool { return x.Index == item })
	if i < 0 {
		t.Fatalf("item %d is not in the answer", item)
	}
	return float64(got[i].Score)
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-3*max(a, b) }

// An explanation is about the answer that is given: its probability is the one
// that is shown, and without the named events the answer shows the lower one
// that it tells.
func TestExplanationsAreFaithful(t *testing.T) {
	m := generated(t, 800, 16, false)
	r := rand.New(rand.NewPCG(1, 9))
	named := 0
	for range 40 {
		h := make([]dataset.Event, 2+r.IntN(12))
		for i := range h {
			h[i] = dataset.Event{Item: dataset.Index(r.IntN(800)), Time: int64(i)}
		}
		got, err := m.Recommend(t.Context(), &recipe.Query{History: h}, 10, dataset.Set{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		at := r.IntN(len(got))
		item := got[at].Index
		e, err := m.Explain(t.Context(), &recipe.Query{History: h}, item)
		if err != nil {
			t.Fatal(err)
		}
		if e.Basis != recipe.Personal || e.Place != at+1 || !near(e.Probability, float64(got[at].Score)) {
			t.Errorf("%+v, but the answer has it at %d with %v", e, at+1, got[at].Score)
		}
		less := slices.Clone(h)
		for _, x := range e.Events {
			less[x.At].Item = dataset.NoIndex
		}
		less = slices.DeleteFunc(less, func(e dataset.Event) bool { return e.Item == dataset.NoIndex })
		if len(e.Events) == 0 {
			continue
		}
		named++
		after := shown(t, m, less, item)
		if !near(after, e.Without) || after >= e.Probability {
			t.Errorf("without %v item %d has %v; told were %v before and %v after", e.Events, item, after, e.Probability, e.Without)
		}
	}
	if named < 30 {
		t.Errorf("events were named for %d of 40 items", named)
	}
}

// Parts add up to the score, whose differences are those of log probabilities.
func TestPartsAddUp(t *testing.T) {
	m := generated(t, 800, 16, false)
	q := &recipe.Query{History: events(5, 6, 7, 9)}
	total := func(item dataset.Index) (score, probability float64) {
		e, err := m.Explain(t.Context(), q, item)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range e.Parts {
			score += p.Value
		}
		return score, e.Probability
	}
	s1, p1 := total(10)
	for _, item := range []dataset.Index{11, 300, 5} {
		if s, p := total(item); math.Abs((s-s1)-math.Log(p/p1)) > 1e-3 {
			t.Errorf("items 10 and %d lie %v apart, their log probabilities %v", item, s-s1, math.Log(p/p1))
		}
	}
}

func TestExplanationsWithoutEvents(t *testing.T) {
	m := generated(t, 800, 16, true)
	for _, c := range []struct {
		history []dataset.Event
		item    dataset.Index
		want    recipe.Basis
	}{
		{nil, 3, recipe.Beginning},
		{events(1, 2), 5000, recipe.Unknown},
		{events(1, 2), 2, recipe.Repeated},
		{events(1, 2), 3, recipe.Personal},
	} {
		e, err := m.Explain(t.Context(), &recipe.Query{History: c.history}, c.item)
		if err != nil || e.Basis != c.want || c.want == recipe.Repeated && e.Place != 0 {
			t.Errorf("item %d: %+v, %v, want %s", c.item, e, err, c.want)
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	cancel(gone)
	if _, err := m.Explain(ctx, &recipe.Query{History: events(1, 2)}, 3); !errors.Is(err, gone) {
		t.Errorf("a stopped request: %v", err)
	}
}
