package itemknn

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"usher/dataset"
	"usher/internal/seed"
	"usher/recipe"
)

// snapshot gives data in which user u has items histories[u], in that order.
func snapshot(items int, histories [][]int) *dataset.Snapshot {
	userIDs, itemIDs := make([]string, len(histories)), make([]string, items)
	events := make([][]dataset.Event, len(histories))
	for u, h := range histories {
		userIDs[u] = fmt.Sprint(u)
		for at, i := range h {
			events[u] = append(events[u], dataset.Event{Time: int64(at), Item: dataset.Index(i)})
		}
	}
	for i := range itemIDs {
		itemIDs[i] = fmt.Sprint(i)
	}
	return dataset.NewSnapshot(userIDs, itemIDs, []string{""}, events)
}

// skewed gives users with tastes, popular items, repeats, and a few robots.
func skewed(users, items, events int) *dataset.Snapshot {
	histories := make([][]int, users)
	for u := range histories {
		r := seed.Seed(9).Branch("history", uint64(u)).Rand()
		n := 1 + int(float64(events)*r.ExpFloat64())
		if u%97 == 5 {
			n *= 8
		}
		taste := r.IntN(7)
		for range n {
			i := int(float64(items) * math.Pow(r.Float64(), 2.5))
			if r.IntN(3) > 0 {
				i = i - i%7 + taste
			}
			histories[u] = append(histories[u], min(i, items-1))
		}
	}
	return snapshot(items+2, histories) // two that nobody has
}

// train trains with some hyperparameters and the defaults of the others.
func trained(t testing.TB, data *dataset.Snapshot, workers int, p recipe.Params) *Model {
	t.Helper()
	m, err := Recipe{}.Train(context.Background(), recipe.Input{Data: data, Workers: workers, Params: p})
	if err != nil {
		t.Fatal(err)
	}
	return m.(*Model)
}

// everything keeps all users and items.
func everything(p recipe.Params) recipe.Params {
	out := recipe.Params{"min_user_history_length_percentile": "0", "max_user_history_length_percentile": "1",
		"min_item_interaction_count_percentile": "0", "max_item_interaction_count_percentile": "1"}
	for name, v := range p {
		out[name] = v
	}
	return out
}

// nearest gives the neighbours of an item as items.
func (m *Model) nearest(i dataset.Index) (out []dataset.Index) {
	for _, r := range m.neighbours(i) {
		out = append(out, m.items[r])
	}
	return out
}

// naive is the plain twin of Train: a map of pairs, filled user by user, and one
// sort for each item.
func naive(data *dataset.Snapshot, given recipe.Params) map[dataset.Index][]dataset.Index {
	s, err := newSettings(given)
	if err != nil {
		panic(err)
	}
	perItem, have := map[dataset.Index]int{}, map[dataset.Index]map[int]bool{}
	var lengths []int
	for u := range data.UserIDs {
		h := data.History(dataset.Index(u))
		for _, e := range h {
			perItem[e.Item]++
			if have[e.Item] == nil {
				have[e.Item] = map[int]bool{}
			}
			have[e.Item][u] = true
		}
		if len(h) > 0 {
			lengths = append(lengths, len(h))
		}
	}
	var counts []int
	for _, n := range perItem {
		counts = append(counts, n)
	}
	percentile := func(list []int, p float64) int {
		slices.Sort(list)
		for at, n := range list { // the first that p of all do not exceed
			if float64(at+1) >= p*float64(len(list))-1e-9 {
				return n
			}
		}
		return list[len(list)-1]
	}
	kept := func(n int, list []int, least, most float64) bool {
		return n >= percentile(list, least) && n <= percentile(list, most)
	}
	both, users := map[[2]dataset.Index]int{}, map[dataset.Index]int{}
	keepItem := map[dataset.Index]bool{}
	for i, n := range perItem {
		keepItem[i] = kept(n, counts, s.itemMin, s.itemMax)
	}
	for u := range data.UserIDs {
		h := data.History(dataset.Index(u))
		if len(h) == 0 || !kept(len(h), lengths, s.userMin, s.userMax) {
			continue
		}
		mine := map[dataset.Index]bool{}
		for _, e := range h {
			if keepItem[e.Item] {
				mine[e.Item] = true
			}
		}
		for i := range mine {
			users[i]++
			for j := range mine {
				both[[2]dataset.Index{i, j}]++
			}
		}
	}
	out := map[dataset.Index][]dataset.Index{}
	similarity := func(i, j dataset.Index) float32 {
		return float32(float64(both[[2]dataset.Index{i, j}]) * math.Pow(float64(users[j]), -s.discount))
	}
	for pair, n := range both {
		if i, j := pair[0], pair[1]; i != j && n >= int(s.together) {
			out[i] = append(out[i], j)
		}
	}
	for i, list := range out {
		slices.SortFunc(list, func(a, b dataset.Index) int {
			return cmp.Or(cmp.Compare(similarity(i, b), similarity(i, a)), cmp.Compare(len(have[b]), len(have[a])), cmp.Compare(a, b))
		})
		out[i] = list[:min(len(list), longList)]
	}
	return out
}

func TestNeighboursEqualTheNaiveCounter(t *testing.T) {
	data := skewed(400, 180, 12)
	for _, p := range []recipe.Params{
		nil,
		everything(nil),
		everything(recipe.Params{"min_cointeraction_count": "0"}),
		everything(recipe.Params{"popularity_discount_factor": "0"}),
		everything(recipe.Params{"popularity_discount_factor": "1", "min_cointeraction_count": "10"}),
		{"min_user_history_length_percentile": "0.3", "max_user_history_length_percentile": "0.8", "popularity_discount_factor": "0.25"},
		{"min_item_interaction_count_percentile": "0.4", "max_item_interaction_count_percentile": "0.6", "min_cointeraction_count": "1"},
	} {
		want := naive(data, p)
		for _, workers := range []int{1, 3} {
			m := trained(t, data, workers, p)
			pairs := 0
			for i := range dataset.Index(data.Items()) {
				got := m.nearest(i)
				pairs += len(got)
				if !slices.Equal(got, want[i]) {
					t.Fatalf("%v, %d workers, item %d: %v, want %v", p, workers, i, got, want[i])
				}
			}
			if pairs == 0 {
				t.Errorf("%v: nobody has neighbours, the test says nothing", p)
			}
		}
	}
}

// Items 0 and 1 share three users, 0 and 2 four; 2 has many other users.
func TestDiscountWeighsPopularity(t *testing.T) {
	var histories [][]int
	for range 3 {
		histories = append(histories, []int{0, 1})
	}
	for range 4 {
		histories = append(histories, []int{2, 0})
	}
	for range 20 {
		histories = append(histories, []int{2, 3})
	}
	data := snapshot(4, histories)
	for _, c := range []struct {
		discount string
		want     []dataset.Index
	}{{"0", []dataset.Index{2, 1}}, {"0.1", []dataset.Index{2, 1}}, {"0.5", []dataset.Index{1, 2}}, {"1", []dataset.Index{1, 2}}} {
		m := trained(t, data, 1, everything(recipe.Params{"popularity_discount_factor": c.discount}))
		if got := m.nearest(0); !slices.Equal(got, c.want) {
			t.Errorf("discount %s: %v, want %v", c.discount, got, c.want)
		}
	}
	m := trained(t, data, 1, everything(recipe.Params{"min_cointeraction_count": "4"}))
	if got := m.nearest(0); !slices.Equal(got, []dataset.Index{2}) {
		t.Errorf("at least 4 together: %v", got)
	}
}

func TestRepeatsCountOnce(t *testing.T) {
	m := trained(t, snapshot(3, [][]int{{0, 1, 0, 1, 0, 1, 0, 1}, {0, 2}, {2, 0}, {0, 2}}), 1, everything(nil))
	if got := m.nearest(0); !slices.Equal(got, []dataset.Index{2}) {
		t.Errorf("one user who had both four times makes a neighbour: %v", got)
	}
}

func TestRobotsAndFavouritesAreCut(t *testing.T) {
	var histories [][]int
	for u := range 199 {
		histories = append(histories, []int{0, 1 + u%9, 1 + (u+1)%9}) // everybody has 0
	}
	var all []int
	for i := range 10 {
		all = append(all, i, i)
	}
	histories = append(histories, all) // a robot
	data := snapshot(10, histories)
	m := trained(t, data, 1, recipe.Params{"min_cointeraction_count": "1"})
	if got := m.nearest(0); got != nil {
		t.Errorf("the favourite has the neighbours %v", got)
	}
	for i := dataset.Index(1); i < 10; i++ {
		// Only the robot had other items together than i-1, i, i+1.
		if got := m.nearest(i); len(got) != 2 || slices.Contains(got, 0) {
			t.Errorf("item %d has the neighbours %v", i, got)
		}
	}
	if notes := m.Choices().Notes; len(notes) != 2 {
		t.Errorf("notes %q", notes)
	}
	free := trained(t, data, 1, everything(recipe.Params{"min_cointeraction_count": "1"}))
	if a, b := len(free.nearest(0)), len(free.nearest(1)); a != 9 || b != 9 {
		t.Errorf("nothing is cut, but items 0 and 1 have %d and %d neighbours", a, b)
	}
	if notes := free.Choices().Notes; notes != nil {
		t.Errorf("notes %q", notes)
	}
}

func TestBetween(t *testing.T) {
	hundred := make([]int, 100)
	for i := range hundred {
		hundred[i] = 100 - i // 1…100
	}
	for _, c := range []struct {
		counts      []int
		least, most float64
		want        limits
	}{
		{[]int{7}, 0, 1, limits{7, 7}},
		{[]int{7}, 1, 1, limits{7, 7}},
		{[]int{3, 1, 2}, 0, .9, limits{1, 3}},
		{[]int{5, 5, 5, 5}, .01, .9, limits{5, 5}},
		{hundred, 0, 1, limits{1, 100}},
		{hundred, .01, .9, limits{1, 90}},
		{hundred, .29, .295, limits{29, 30}}, // .29·100 > 29 in binary
	} {
		if got := between(slices.Clone(c.counts), c.least, c.most); got != c.want {
			t.Errorf("%v from %v to %v: %v, want %v", c.counts, c.least, c.most, got, c.want)
		}
	}
}

// A user with more than mostItems counts with his newest.
func TestLongHistoriesAreBounded(t *testing.T) {
	const items = mostItems + 100
	var h []int
	for i := range items {
		h = append(h, i)
	}
	m := trained(t, snapshot(items, [][]int{h, h, h}), 2, everything(nil))
	for _, i := range []dataset.Index{0, 99} {
		if got := m.nearest(i); got != nil {
			t.Errorf("item %d of the oldest has %d neighbours", i, len(got))
		}
	}
	for _, i := range []dataset.Index{100, items - 1} {
		if got := m.nearest(i); len(got) != longList {
			t.Errorf("item %d of the newest has %d neighbours, want %d", i, len(got), longList)
		}
	}
	if a, b := kept(200_000), kept(100_000_000); a != 671 || b != shortList {
		t.Errorf("large catalogues keep %d and %d neighbours", a, b)
	}
}

func TestSmallest(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		keys := make([]uint64, r.IntN(200))
		for i := range keys {
			keys[i] = r.Uint64N(150)
		}
		n := 1 + r.IntN(210)
		want := slices.Sorted(slices.Values(keys))
		want = want[:min(n, len(want))]
		if got := smallest(keys, n); !slices.Equal(got, want) {
			t.Fatalf("the %d smallest: %v, want %v", n, got, want)
		}
	}
}

func TestProgressRisesToOne(t *testing.T) {
	last, calls := 0., 0
	_, err := Recipe{}.Train(context.Background(), recipe.Input{Data: skewed(300, 120, 10), Workers: 4,
		Progress: func(done float64, note string) {
			if calls++; done <= last || done > 1 || note == "" {
				t.Errorf("%v, %q after %v", done, note, last)
			}
			last = done
		}})
	if err != nil || last != 1 || calls > 100 || calls < 2 {
		t.Errorf("%d calls, the last %v; %v", calls, last, err)
	}
}

func BenchmarkTrain(b *testing.B) {
	data := skewed(2000, 1500, 40)
	b.Run("Train", func(b *testing.B) {
		for b.Loop() {
			trained(b, data, 1, nil)
		}
		b.ReportMetric(float64(len(data.Events))*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	})
	b.Run("naive", func(b *testing.B) {
		for b.Loop() {
			naive(data, nil)
		}
	})
}
