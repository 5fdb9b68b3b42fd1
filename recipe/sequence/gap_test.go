package sequence

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"usher/dataset"
	"usher/internal/seed"
	"usher/recipe"
	"usher/recipe/internal/nn"
)

func TestGapMarks(t *testing.T) {
	for _, c := range []struct {
		seconds int64
		mark    int
	}{{-5, 1}, {0, 1}, {1, 2}, {15, 2}, {16, 3}, {255, 3}, {3600, 4}, {86_400, 6}, {1 << 20, 7}, {1 << 40, gapMarks}} {
		if got := gapMark(c.seconds); got != c.mark {
			t.Errorf("%d seconds have mark %d, want %d", c.seconds, got, c.mark)
		}
	}
}

// What follows an item of the first six depends on the time before it alone: one item
// after a second, another after a day.
const (
	gapShort, gapLong = 1, 86_400
	gapBases          = 6
)

// hurried makes a history of pairs: a base and what follows it.
func hurried(pairs int, from seed.Seed) (h []dataset.Event) {
	r := from.Rand()
	now := int64(1_700_000_000)
	for range pairs {
		base, late := r.IntN(gapBases), r.IntN(2)
		now += [2]int64{gapShort, gapLong}[late]
		h = append(h, dataset.Event{Time: now, Item: dataset.Index(base)})
		now += 60
		h = append(h, dataset.Event{Time: now, Item: dataset.Index(gapBases*(1+late) + base)})
	}
	return h
}

func hurriedUsers(users int) *dataset.Snapshot {
	var ids, items []string
	var by [][]dataset.Event
	for i := range 3 * gapBases {
		items = append(items, fmt.Sprint("i", i))
	}
	for u := range users {
		ids = append(ids, fmt.Sprint("u", u))
		by = append(by, hurried(12, seed.Seed(4).Branch("user", uint64(u))))
	}
	return dataset.NewSnapshot(ids, items, []string{""}, by)
}

// A network that did not see the times would be right half of the time.
func TestTimesBetweenEventsAreLearnt(t *testing.T) {
	m := train(t, recipe.Input{Data: hurriedUsers(150), Seed: 1, Workers: 2})
	right, asked := 0, 0
	for u := range seed.Seed(40) {
		h := hurried(6, u)
		q := &recipe.Query{User: dataset.NoIndex, History: h[:len(h)-1]}
		got, err := m.Recommend(context.Background(), q, 1, dataset.Set{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		asked++
		if got[0].Index == h[len(h)-1].Item {
			right++
		}
	}
	if right*10 < asked*9 {
		t.Errorf("%d of %d right", right, asked)
	}
}

// A history makes the same tokens when it is learnt, validated and asked.
func TestTokensAreTheSameEverywhere(t *testing.T) {
	data := hurriedUsers(5)
	for _, size := range []int{4, 23, 24, 25, 100} {
		c := newCorpus(data, nil)
		s := derive(c)
		s.window = size
		f := newFit(c, s, nil, 1, recipe.Input{Data: data, Workers: 1})
		m := newModel(f.tr.Net, c.known, c.items, s.maskSeen, nil)
		a := m.answers.Get().(*answer)
		for u := range dataset.Index(data.Users()) {
			h := data.History(u)
			m.encode(a, h, &a.own)
			if got := c.context(nil, u, len(h), size); !slices.Equal(got, a.tokens) {
				t.Errorf("window %d: validated with %x, asked with %x", size, got, a.tokens)
			}
			// The last window's tokens are what comes before the newest event.
			last := slices.IndexFunc(f.steps.windows, func(w window) bool { return w.user == u && w.to == len(h) })
			learnt := f.steps.put(nil, f.steps.windows[last])[0].Tokens
			m.encode(a, h[:len(h)-1], &a.own)
			if n := min(len(learnt), len(a.tokens)); !slices.Equal(learnt[len(learnt)-n:], a.tokens[len(a.tokens)-n:]) {
				t.Errorf("window %d: learnt with %x, asked with %x", size, learnt, a.tokens)
			}
		}
	}
}

// An event that leads into a window is as long after the one before it as it is when it
// is asked, also where it has changed places with another of its time.
func TestMixedEventsKeepTheTimeBeforeThem(t *testing.T) {
	const day, size = 86_400, 5
	var times []int64
	for i := range int64(12) { // two events a day
		times = append(times, i*day, i*day)
	}
	data := timed(times...)
	c := newCorpus(data, nil)
	s := derive(c)
	s.window = size
	f := newFit(c, s, nil, 1, recipe.Input{Data: data, Workers: 1})
	led := 0
	for _, w := range f.steps.windows {
		if w.from < 2 || w.from%2 == 0 { // it does not begin with the first event of a day
			continue
		}
		for f.steps.epoch = range 20 {
			token := f.steps.put(nil, w)[0].Tokens[0]
			first := c.rows[w.from-1]
			if token != nn.Marked(first, gapMark(day)) {
				led++
			}
			if got := token &^ (1<<28 - 1); got != nn.Marked(0, gapMark(day)) {
				t.Fatalf("from %d, epoch %d: the first token is %x, want one a day after the last", w.from, f.steps.epoch, token)
			}
		}
	}
	if led == 0 {
		t.Error("no event has changed places")
	}
}

// Times that are all alike, or alike but for a few, tell nothing.
func TestGapsThatDoNotDiffer(t *testing.T) {
	for _, c := range []struct {
		name  string
		data  *dataset.Snapshot
		learn bool
	}{
		{"a minute each", snapshot(20, chain(20, 30, 8, 2)), false},
		{"one time", timed(7, 7, 7, 7), false},
		{"one event", timed(7), false},
		{"short and long", hurriedUsers(3), true},
	} {
		if got := derive(newCorpus(c.data, nil)).gaps; got != c.learn {
			t.Errorf("%s: learnt %v, want %v", c.name, got, c.learn)
		}
	}
}
