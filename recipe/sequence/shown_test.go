package sequence

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"usher/dataset"
	"usher/eval"
	"usher/internal/seed"
	"usher/recipe"
)

// shelf is a made-up shop whose truth is known: there are shelves of shelfItems items,
// each user keeps to one and likes half of it, which half is his own. He is shown
// shownAtOnce of what he has not had, looks at the first ones more surely than at the
// last (a position bias), and takes the first liked one that he looks at. Where tells
// is false he is shown things by chance, whatever he takes.
const (
	shelves     = 6
	shelfItems  = 14
	shownAtOnce = 5
)

type shelf struct {
	*rand.Rand
	of    []dataset.Index // items that the user has not had
	likes map[dataset.Index]bool
}

// visit shows items. It gives what was taken, and what was shown beside; false: the
// user left with nothing.
func (s *shelf) visit() (taken dataset.Index, beside []dataset.Index, ok bool) {
	s.Shuffle(len(s.of), func(i, j int) { s.of[i], s.of[j] = s.of[j], s.of[i] })
	list := slices.Clone(s.of[:min(shownAtOnce, len(s.of))])
	for at, i := range list {
		if s.likes[i] && s.Float64() < math.Pow(.9, float64(at)) {
			s.of = slices.DeleteFunc(s.of, func(x dataset.Index) bool { return x == i })
			return i, slices.Delete(list, at, at+1), true
		}
	}
	return 0, nil, false
}

// shelfWorld gives users' histories and impressions.
func shelfWorld(users, each int, tells bool) *dataset.Snapshot {
	var ids, items []string
	for i := range shelves * shelfItems {
		items = append(items, fmt.Sprint("i", i))
	}
	var events [][]dataset.Event
	shown := &dataset.Shown{Start: []int64{0}}
	for u := range users {
		s := shelf{Rand: seed.Seed(7).Branch("user", uint64(u)).Rand(), likes: map[dataset.Index]bool{}}
		for i := range shelfItems {
			s.of = append(s.of, dataset.Index(shelves*i+u%shelves))
		}
		for _, k := range s.Perm(shelfItems)[:shelfItems/2] {
			s.likes[s.of[k]] = true
		}
		var h []dataset.Event
		for at := int64(1); len(h) < each && at < 100; at++ {
			taken, beside, ok := s.visit()
			if !ok {
				continue
			}
			h = append(h, dataset.Event{Time: at, Item: taken})
			for _, i := range beside {
				if !tells {
					i = dataset.Index(s.IntN(shelfItems)*shelves + u%shelves)
				}
				shown.List = append(shown.List, dataset.Exposure{Time: at, Item: i})
			}
		}
		shown.Start = append(shown.Start, int64(len(shown.List)))
		ids, events = append(ids, fmt.Sprint("u", u)), append(events, h)
	}
	data := dataset.NewSnapshot(ids, items, []string{""}, events)
	data.Shown = shown
	return data
}

// lastGains asks for each user's last event with what was shown before, or without.
func lastGains(t *testing.T, m recipe.Model, data *dataset.Snapshot, with bool) (gains []float64) {
	t.Helper()
	for u := range data.UserIDs {
		h := data.History(dataset.Index(u))
		if len(h) < 2 {
			continue
		}
		last := h[len(h)-1]
		q := &recipe.Query{User: dataset.Index(u), History: h[:len(h)-1]}
		if with {
			q.Shown = func() []dataset.Exposure { return data.Shown.Before(dataset.Index(u), last.Time) }
		}
		got, err := m.Recommend(context.Background(), q, 10, dataset.Set{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		gains = append(gains, eval.GainAt(10, eval.Place(indexes(got), last.Item)))
	}
	return gains
}

func withoutLast(data *dataset.Snapshot) *dataset.Snapshot {
	return data.With(func(_ dataset.Index, e []dataset.Event) []dataset.Event { return e[:max(0, len(e)-1)] })
}

// learnShown trains with the validation part and then on everything.
func learnShown(t *testing.T, data *dataset.Snapshot) (first, again *Model) {
	t.Helper()
	in := recipe.Input{Data: withoutLast(data), Seed: 3, Workers: 2}
	first = train(t, in)
	in.Tuned = first.Choices()
	return first, train(t, in)
}

// TestImpressionsHelp: what users passed over tells what they will not take.
func TestImpressionsHelp(t *testing.T) {
	data := shelfWorld(400, 6, true)
	first, m := learnShown(t, data)
	if first.shown >= 0 || m.shown != first.shown {
		t.Fatalf("what was shown weighs %v, in the refit %v", first.shown, m.shown)
	}
	with, without := lastGains(t, m, data, true), lastGains(t, m, data, false)
	var mean, squares float64
	for i := range with {
		d := with[i] - without[i]
		mean, squares = mean+d/float64(len(with)), squares+d*d/float64(len(with))
	}
	if noise := math.Sqrt((squares - mean*mean) / float64(len(with))); mean < 3*noise || mean < .02 {
		t.Errorf("NDCG@10 gains %.4f by impressions, with a standard error of %.4f", mean, noise)
	}
	loaded, err := Recipe{}.Load(bytes.NewReader(saved(t, m)), int64(len(saved(t, m))))
	if err != nil {
		t.Fatal(err)
	}
	loaded.(*Model).Cache(1 << 20)
	for _, known := range []bool{true, false, true} { // one user's two questions are two in the cache
		if got, want := lastGains(t, loaded, data, known), lastGains(t, m, data, known); !slices.Equal(got, want) {
			t.Errorf("the loaded model with its cache answers otherwise (impressions: %v)", known)
		}
	}
}

// TestImpressionsThatSayNothing are switched off by validation: the model is the same
// as without, to the byte.
func TestImpressionsThatSayNothing(t *testing.T) {
	data := shelfWorld(300, 5, false)
	first, m := learnShown(t, data)
	if first.shown != 0 || m.shown != 0 {
		t.Fatalf("what was shown by chance weighs %v", m.shown)
	}
	data.Shown = nil
	if _, without := learnShown(t, data); !bytes.Equal(saved(t, m), saved(t, without)) {
		t.Error("the model is another one than without impressions")
	}
}

// TestIgnored: an item counts since the user had it last.
func TestIgnored(t *testing.T) {
	shown := []dataset.Exposure{{Time: 1, Item: 4}, {Time: 2, Item: 3}, {Time: 3, Item: 4}, {Time: 4, Item: 9}, {Time: 5, Item: 4}, {Time: 6, Item: 3}}
	history := []dataset.Event{{Time: 1, Item: 3}, {Time: 3, Item: 4}, {Time: 4, Item: 9}, {Time: 5, Item: 1}}
	got := ignored(nil).of(shown, history)
	if want := (ignored{{3, 2}, {4, 1}}); !slices.Equal(got, want) || got.times(3) != 2 || got.times(9) != 0 {
		t.Errorf("%v, want %v", got, want)
	}
	if got := got.of(nil, history); len(got) > 0 {
		t.Errorf("nothing was shown, and %v ignored", got)
	}
}

// TestShownExample: a question of the validation part knows what was shown before it, not
// with it.
func TestShownExample(t *testing.T) {
	data := timed(1, 2, 3)
	data.Shown = &dataset.Shown{Start: []int64{0, 2}, List: []dataset.Exposure{{Time: 2, Item: 0}, {Time: 3, Item: 1}}}
	held := []heldOut{{user: 0, item: 2, weight: 1}}
	c := newCorpus(data, held)
	f := newFit(c, derive(c), held, 1, recipe.Input{Data: data, Workers: 1})
	e := f.shownExample(newModel(f.tr.Net, c.known, c.items, false, nil), held[0])
	sum := float32(0)
	for i := range e.candidates() {
		sum += e.row(i)[shownFeature]
	}
	if want := shownWeight(1).effect(1); e.candidates() != 2 || sum != want {
		t.Errorf("%d candidates were passed over for %v, want 2 and %v", e.candidates(), sum, want)
	}
}
