package recipetest

import (
	"context"
	"math"
	"slices"
	"testing"

	"usher/dataset"
	"usher/recipe"
)

// testExplanations: what is explained is what is answered. Places and scores are
// those of the answer; without the events that are named the item's score is the
// lower one that is told; what the model does not know it does not explain.
func (s *suite) testExplanations(t testing.TB) {
	m, ok := s.model.(recipe.Explainer)
	if !ok {
		t.Skip("the model explains nothing")
	}
	for u := dataset.Index(0); u < users; u += 9 {
		q := s.query(u)
		for at, x := range answer(t, s.model, q, 12, dataset.Set{}) {
			e := explained(t, m, q, x.Index)
			if e.Basis == recipe.Unknown || e.Place != at+1 || s.spec.Scores && !nearly(e.Probability, float64(x.Score)) {
				t.Fatalf("user %d, item %d at place %d with %v: %+v", u, x.Index, at+1, x.Score, e)
			}
			if len(e.Events) > 0 {
				s.testWithout(t, q, x.Index, e)
			}
		}
	}
	if e := explained(t, m, s.query(0), 1<<20); e.Basis != recipe.Unknown {
		t.Errorf("an item beyond Len: %+v", e)
	}
}

// testWithout asks again without the named events.
func (s *suite) testWithout(t testing.TB, q *recipe.Query, item dataset.Index, e *recipe.Explanation) {
	less := *q
	less.History = nil
	for i, event := range q.History {
		if !slices.ContainsFunc(e.Events, func(x recipe.Influence) bool { return x.At == i }) {
			less.History = append(less.History, event)
		}
	}
	score := 0.
	for _, x := range answer(t, s.model, &less, 1000, dataset.Set{}) {
		if x.Index == item {
			score = float64(x.Score)
		}
	}
	if !nearly(score, e.Without) || score >= e.Probability {
		t.Errorf("user %d, item %d: without %v the score is %v; told were %v, and %v before", q.User, item, e.Events, score, e.Without, e.Probability)
	}
}

func explained(t testing.TB, m recipe.Explainer, q *recipe.Query, item dataset.Index) *recipe.Explanation {
	t.Helper()
	e, err := m.Explain(context.Background(), q, item)
	if err != nil {
		t.Fatalf("explain item %d for user %d: %v", item, q.User, err)
	}
	return e
}

// nearly says whether two scores are the same but for rounding.
func nearly(a, b float64) bool { return math.Abs(a-b) <= 1e-3*max(a, b) }
