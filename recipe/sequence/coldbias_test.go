package sequence

import (
	"slices"
	"testing"

	"usher/dataset"
	"usher/recipe"
)

// falling gives scores that fall in steps.
func falling(from, step float32, n int) (out []float32) {
	for i := range n {
		out = append(out, from-step*float32(i))
	}
	return out
}

// TestMostBias: newcomers may come before items at ranks where little is found, but not
// before those that are, and not take more places than a fifth.
func TestMostBias(t *testing.T) {
	atFirst, atLast, all := ranks{0: 1}, ranks{9: 1}, ranks{}
	for k := range all {
		all[k] = 1
	}
	one := []trial{{weight: 1, warm: falling(10, 1, 10), cold: falling(0, 1, 1)}}
	many := []trial{{weight: 1, warm: falling(4, .5, 10), cold: falling(0, 0, 10)}}
	for name, c := range map[string]struct {
		found  ranks
		trials []trial
		want   float64
	}{
		"found first: one newcomer may have all places but that": {atFirst, one, biasMost},
		"found last: it may have none":                           {atLast, one, 1},
		"found anywhere":                                         {all, one, 1},
		"ten that are alike: a fifth of the places":              {atFirst, many, .5},
	} {
		if got := c.found.most(c.trials); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestRecent: asked for are the newest tenth of the events, of one user so many, each
// behind all that was before.
func TestRecent(t *testing.T) {
	histories := make([][]int, 3)
	for i := range 1000 {
		histories[0] = append(histories[0], i%7)
	}
	histories[1], histories[2] = []int{1, 2, 3}, []int{4, 5, 6}
	data := snapshot(7, histories)
	for i := range data.Events {
		data.Events[i].Time = int64(i)
	}
	for i := range 3 { // long ago
		data.Events[1000+i].Time = int64(i)
	}
	f := &fit{in: recipe.Input{Data: data}}
	var of [3][]int
	for _, a := range f.recent() {
		if h := data.History(a.user); h[a.events].Item != a.item || a.weight != 1 {
			t.Errorf("user %d, event %d: %+v", a.user, a.events, a.heldOut)
		}
		of[a.user] = append(of[a.user], a.events)
	}
	if len(of[0]) != recentOfUser || of[0][0] < 890 || of[0][0] > 910 || len(of[1]) > 0 || !slices.Equal(of[2], []int{0, 1, 2}) {
		t.Errorf("asked for are %v, %v, %v", of[0], of[1], of[2])
	}
	many := make([][]int, 3*recentMost)
	for u := range many {
		many[u] = []int{u % 7}
	}
	f.in.Data = snapshot(7, many)
	got := f.recent()
	if len(got) != recentMost || got[1].user != 3 || got[recentMost-1].user != dataset.Index(3*(recentMost-1)) {
		t.Errorf("of %d questions %d are asked, the second of user %d", len(many), len(got), got[1].user)
	}
}

// TestLater: questions to come are asked after the newest event, for as long as the
// newest tenth took.
func TestLater(t *testing.T) {
	n := &newness{Newest: 1000, Tenth: 50}
	if a, b := n.later(0).Unix(), n.later(.5).Unix(); a != 1000 || b != 1025 {
		t.Errorf("%d and %d", a, b)
	}
	if !(*newness)(nil).later(.5).IsZero() {
		t.Error("without ages there is a moment")
	}
}
