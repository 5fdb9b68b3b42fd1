package recipe

import (
	"math"
	"slices"
	"testing"

	"usher/dataset"
)

func shop() *dataset.Snapshot {
	nan := float32(math.NaN())
	return dataset.NewSnapshot([]string{"a", "b"}, []string{"x", "y"}, []string{"view", "Buy", "rate", ""}, [][]dataset.Event{
		{{Time: 1, Item: 0, Type: 0, Value: nan}, {Time: 2, Item: 1, Type: 1, Value: 5}, {Time: 3, Item: 0, Type: 2, Value: 3.6}, {Time: 4, Item: 1, Type: 2, Value: nan}},
		{{Time: 1, Item: 0, Type: 3, Value: nan}, {Time: 2, Item: 0, Type: 2, Value: 3.5}},
	})
}

func TestLearntBy(t *testing.T) {
	s := shop()
	if LearntBy(s, nil) != s {
		t.Error("without rules the data are others")
	}
	least := 3.6
	got := LearntBy(s, []EventRule{{Type: "buy", Weight: 1}, {Type: "rate", Threshold: &least, Weight: .5}})
	var times []int64
	for _, e := range got.History(0) {
		times = append(times, e.Time)
	}
	if !slices.Equal(times, []int64{2, 3}) || len(got.History(1)) != 0 || len(s.Events) != 6 {
		t.Errorf("learnt %v and %v", times, got.History(1))
	}
}

func TestEventWeights(t *testing.T) {
	types := shop().EventTypes
	got := EventWeights(types, []EventRule{{Type: "BUY", Weight: .4}, {Type: "view", Weight: .1}, {Type: "rate", Weight: 0}})
	if !slices.Equal(got, []float64{.25, 1, 0, 1}) {
		t.Errorf("weights %v", got)
	}
	for _, rules := range [][]EventRule{nil, {{Type: "buy", Weight: .3}, {Type: "view", Weight: .3}}, {{Type: "buy"}, {Type: "view"}}} {
		if got := EventWeights(types, rules); got != nil {
			t.Errorf("%v: weights %v, want none", rules, got)
		}
	}
}
