package recipetest

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"testing"

	"usher/dataset"
	"usher/recipe"
)

// enough is the share of right places in the first answers that a recipe must
// reach on the checkerboard. Chance gives a half.
const enough = .9

// testSpec: what the recipe says of itself is what the table says.
func (s *suite) testSpec(t testing.TB) {
	want, ok := recipe.SpecOf(s.spec.Name)
	if !ok {
		t.Fatalf("the table of recipes has no %q", s.spec.Name)
	}
	if want.Type != s.spec.Type || want.Scores != s.spec.Scores || want.NeedsUser != s.spec.NeedsUser || want.NeedsItem != s.spec.NeedsItem {
		t.Errorf("the spec is %+v, in the table %+v", s.spec, want)
	}
}

// testClasses: recipes that look at the user or the item find the class of it.
func (s *suite) testClasses(t testing.TB) {
	right, all := 0, 0
	score := func(class int, got []dataset.Index) {
		for _, i := range got {
			all++
			if int(i)%classes == class && i < items {
				right++
			}
		}
	}
	const unseen = items/classes - events
	switch s.spec.Type {
	case recipe.UserPersonalization, recipe.PersonalizedRanking:
		for u := range dataset.Index(users - 1) {
			q, class := s.query(u), int(u)%classes
			rest := s.unseen(u)
			if s.spec.Type == recipe.UserPersonalization {
				allow := dataset.NewSet(items)
				for _, i := range rest {
					allow.Add(i)
				}
				score(class, indexes(answer(t, s.model, q, unseen, allow)))
			}
			score(class, indexes(ranking(t, s.model, q, rest))[:unseen])
		}
	case recipe.RelatedItems:
		for i := range dataset.Index(items) {
			q, class := &recipe.Query{User: dataset.NoIndex, Item: i}, int(i)%classes
			score(class, indexes(answer(t, s.model, q, 5, dataset.Set{})))
			list := rest(i)
			score(class, indexes(ranking(t, s.model, q, list))[:len(list)/2])
		}
	default:
		t.Skip("the answer does not depend on user or item")
	}
	if share := float64(right) / float64(all); share < enough {
		t.Errorf("%.2f of the first answers are of the class, want %v", share, enough)
	}
}

// unseen gives the items with events that a user has not had, of both classes.
func (s *suite) unseen(u dataset.Index) (out []dataset.Index) {
	for i := range dataset.Index(items) {
		if !slices.ContainsFunc(s.data.History(u), func(e dataset.Event) bool { return e.Item == i }) {
			out = append(out, i)
		}
	}
	return out
}

// rest gives items of both classes in equal parts, without i.
func rest(i dataset.Index) (out []dataset.Index) {
	for j := range dataset.Index(items) {
		if j/classes != i/classes {
			out = append(out, j)
		}
	}
	return out
}

// testAllow: the answer under a set is the answer without one, less what the set
// does not hold.
func (s *suite) testAllow(t testing.TB) {
	half := dataset.NewSet(items + cold)
	for i := dataset.Index(0); i < items+cold; i += 3 {
		half.Add(i)
	}
	wide := dataset.NewSet(items + cold + 500) // items that came after training
	wide.Fill(items + cold + 500)
	narrow := dataset.NewSet(7)
	narrow.Fill(7)
	for _, c := range []struct {
		name  string
		allow dataset.Set
	}{{"every third", half}, {"items beyond Len", wide}, {"a narrow set", narrow}, {"nothing", dataset.NewSet(items + cold)}} {
		for u := range dataset.Index(users) {
			q := s.query(u)
			want := answer(t, s.model, q, 1000, dataset.Set{})
			want = slices.DeleteFunc(want, func(x recipe.Scored) bool { return !c.allow.Has(x.Index) })
			for _, k := range []int{3, 1000} {
				got := answer(t, s.model, q, k, c.allow)
				if first := want[:min(k, len(want))]; !slices.Equal(got, first) {
					t.Fatalf("%s, user %d, k %d: got %v, want %v", c.name, u, k, got, first)
				}
			}
		}
	}
}

// testK: fewer are the first of more; no item comes twice or from beyond Len.
func (s *suite) testK(t testing.TB) {
	if got := s.model.Len(); got != items+cold {
		t.Errorf("Len is %d after training on data with %d items", got, items+cold)
	}
	dirty := slices.Repeat([]recipe.Scored{{Index: 1 << 20, Score: 5}}, 9)
	for u := range dataset.Index(users) {
		q := s.query(u)
		all := answer(t, s.model, q, 100*items, dataset.Set{})
		if len(all) == 0 {
			t.Fatalf("user %d gets nothing", u)
		}
		seen := map[dataset.Index]bool{}
		for _, x := range all {
			if seen[x.Index] || int(x.Index) >= s.model.Len() {
				t.Fatalf("user %d: item %d comes twice or is not among the %d known ones: %v", u, x.Index, s.model.Len(), all)
			}
			seen[x.Index] = true
		}
		for _, k := range []int{0, 1, 2, len(all) - 1, len(all), len(all) + 1} {
			got, err := s.model.Recommend(context.Background(), q, k, dataset.Set{}, dirty)
			if want := all[:min(k, len(all))]; err != nil || !slices.Equal(got, want) {
				t.Fatalf("user %d, k %d: got %v, %v, want %v", u, k, got, err, want)
			}
		}
	}
}

// strangers gives questions about users and items that training has not seen.
func (s *suite) strangers() map[string]*recipe.Query {
	const no = dataset.NoIndex
	odd := []dataset.Event{{Item: 1 << 30, Time: 5}, {Item: no, Time: 6}, {Item: items, Time: 7}}
	return map[string]*recipe.Query{
		"nothing known":                 {User: no, Item: no},
		"new user and item":             {User: users + 10, Item: items + cold + 10},
		"user without events":           {User: users - 1, Item: no},
		"item without events":           {User: no, Item: items},
		"history of unknown items":      {User: no, Item: no, History: odd},
		"history of known and unknown":  {User: 3, Item: no, History: slices.Concat(odd, s.data.History(3), odd)},
		"new user with a known history": {User: users + 3, Item: 5, History: s.data.History(5)},
		"known user, empty history":     {User: 2, Item: 4},
	}
}

// testUnknown: whatever is unknown is answered, and answered fully.
func (s *suite) testUnknown(t testing.TB) {
	for name, q := range s.strangers() {
		if got := answer(t, s.model, q, 10, dataset.Set{}); len(got) != 10 {
			t.Errorf("%s: %d items: %v", name, len(got), got)
		}
		if got := ranking(t, s.model, q, []dataset.Index{3, 4, 5}); len(got) != 3 {
			t.Errorf("%s: ranked %v", name, got)
		}
	}
}

// testAskedItem: recipes for related items do not answer the item itself, and
// answer popular items when they know nothing of it.
func (s *suite) testAskedItem(t testing.TB) {
	if s.spec.Type != recipe.RelatedItems {
		t.Skip("there is no item to ask about")
	}
	for i := range dataset.Index(items + cold) {
		got := answer(t, s.model, &recipe.Query{User: dataset.NoIndex, Item: i}, 100, dataset.Set{})
		if slices.Contains(indexes(got), i) {
			t.Errorf("item %d is related to itself", i)
		}
	}
	for _, i := range []dataset.Index{dataset.NoIndex, items + cold, 1 << 30} {
		for _, x := range answer(t, s.model, &recipe.Query{User: dataset.NoIndex, Item: i}, 100, dataset.Set{}) {
			if x.Flags&recipe.Popular == 0 {
				t.Errorf("unknown item %d: item %d of the answer is not flagged Popular", i, x.Index)
			}
		}
	}
}

// testScores: recipes with scores give probabilities, the best first; those
// without flag every item.
func (s *suite) testScores(t testing.TB) {
	check := func(what string, got []recipe.Scored, items int) {
		sum, last := 0., float32(math.Inf(1))
		for at, x := range got {
			if !s.spec.Scores {
				if x.Flags&recipe.NoScore == 0 {
					t.Errorf("%s, place %d: %+v has a score, the recipe has none", what, at, x)
				}
				continue
			}
			if at >= items {
				break
			}
			if x.Flags&recipe.NoScore != 0 || !(x.Score >= 0 && x.Score <= last) {
				t.Errorf("%s, place %d: %+v after the score %v", what, at, x, last)
			}
			sum += float64(x.Score)
			last = x.Score
		}
		if s.spec.Scores && sum > 1.001 {
			t.Errorf("%s: the probabilities sum to %v", what, sum)
		}
	}
	for u := range dataset.Index(users) {
		check("recommended", answer(t, s.model, s.query(u), 100, dataset.Set{}), items)
		check("ranked", ranking(t, s.model, s.query(u), []dataset.Index{7, 25, 2, 13}), 3)
	}
}

// testRank: a ranking is a permutation; unknown items come last and have no score.
func (s *suite) testRank(t testing.TB) {
	list := []dataset.Index{26, 7, 5, 600, 2, 24, 7, dataset.NoIndex, 0, 23, 5}
	known := func(i dataset.Index) bool { return i < items }
	dirty := make([]recipe.Scored, 3)
	ask := s.strangers()
	for u := range dataset.Index(users) {
		ask[s.data.UserIDs[u]] = s.query(u)
	}
	for name, q := range ask {
		for n := range len(list) + 1 {
			list := list[:n]
			got, err := s.model.Rank(context.Background(), q, slices.Clone(list), dirty)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if a, b := slices.Sorted(slices.Values(indexes(got))), slices.Sorted(slices.Values(list)); !slices.Equal(a, b) {
				t.Fatalf("%s: %v is no permutation of %v", name, indexes(got), list)
			}
			first := len(slices.DeleteFunc(slices.Clone(list), func(i dataset.Index) bool { return !known(i) }))
			for at, x := range got {
				if known(x.Index) != (at < first) || at >= first && x.Flags&recipe.NoScore == 0 {
					t.Fatalf("%s: of %v, %+v is at place %d", name, list, x, at)
				}
			}
		}
	}
}

var errStopped = errors.New("recipetest: stopped")

// stopped gives a context that is done.
func stopped() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errStopped)
	return ctx
}

func isStop(err error) bool { return errors.Is(err, errStopped) || errors.Is(err, context.Canceled) }

// testStoppedAnswers: nobody waits for the answer any more, so there is an error.
func (s *suite) testStoppedAnswers(t testing.TB) {
	if _, err := s.model.Recommend(stopped(), s.query(0), 5, dataset.Set{}, nil); !isStop(err) {
		t.Errorf("recommend: %v", err)
	}
	if _, err := s.model.Rank(stopped(), s.query(0), []dataset.Index{1, 2}, nil); !isStop(err) {
		t.Errorf("rank: %v", err)
	}
}

// testConcurrent: answers given at the same time are those given alone. Run it
// with -race.
func (s *suite) testConcurrent(t testing.TB) {
	list := []dataset.Index{9, 8, 25, 3, 2, 16}
	var alone [users][2][]recipe.Scored
	for u := range alone {
		q := s.query(dataset.Index(u))
		alone[u] = [2][]recipe.Scored{answer(t, s.model, q, 7, dataset.Set{}), ranking(t, s.model, q, list)}
	}
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			var dst []recipe.Scored
			for n := range users {
				u := dataset.Index(n+w*9) % users
				var err error
				if dst, err = s.model.Recommend(context.Background(), s.query(u), 7, dataset.Set{}, dst); err != nil || !slices.Equal(dst, alone[u][0]) {
					t.Errorf("user %d: %v, %v, alone %v", u, dst, err, alone[u][0])
				}
				if dst, err = s.model.Rank(context.Background(), s.query(u), list, dst); err != nil || !slices.Equal(dst, alone[u][1]) {
					t.Errorf("user %d ranked: %v, %v, alone %v", u, dst, err, alone[u][1])
				}
			}
		})
	}
	wg.Wait()
}
