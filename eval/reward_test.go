package eval

import (
	"testing"

	"usher/dataset"
)

// TestReward: of a list of 50, whose rewards rise to its end, the last 25 reward most.
func TestReward(t *testing.T) {
	var list list
	for i := range RewardedList {
		list = append(list, dataset.Index(i))
	}
	rising := func(i dataset.Index) float64 { return float64(i) }
	for _, c := range []struct {
		name   string
		truth  []dataset.Index
		reward func(dataset.Index) float64
		want   float64
		ok     bool
	}{
		{"the dear one of two", []dataset.Index{10, 30}, rising, .75, true},
		{"the last of the 25", []dataset.Index{24, 25}, rising, 25. / 49, true},
		{"none is recommended", []dataset.Index{77}, rising, 0, false},
		{"it rewards nothing", []dataset.Index{0}, rising, 0, false},
		{"losses count as nothing", []dataset.Index{10, 30}, func(i dataset.Index) float64 { return float64(i) - 20 }, 1, true},
		{"of equal ones the first", []dataset.Index{3, 40}, func(dataset.Index) float64 { return 2 }, .5, true},
	} {
		got, ok := Reward(list, c.truth, c.reward)
		if !near(got, c.want) || ok != c.ok {
			t.Errorf("%s: %v, %v, want %v, %v", c.name, got, ok, c.want, c.ok)
		}
	}
	if list[0] != 0 {
		t.Error("the list was changed")
	}
}
