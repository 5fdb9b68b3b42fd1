package sequence

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"usher/dataset"
	"usher/internal/seed"
	"usher/recipe"
	"usher/recipe/internal/nn"
)

// generated gives an untrained model of many items, with counters of random
// walks, as they are served.
func generated(t testing.TB, items, dim int, maskSeen bool) *Model {
	t.Helper()
	r := rand.New(rand.NewPCG(3, 4))
	var walks [][]int
	for at := 0; at < items; at += 5 { // every item occurs
		var h []int
		for i := range 20 {
			h = append(h, (at+i/2+r.IntN(8))%items)
		}
		walks = append(walks, h)
	}
	data := snapshot(items, walks)
	c := newCorpus(data, nil)
	c.weigh(false, nil)
	w := weights{netFeature: .6, popular: -.2, again: .3, latest: -.5}
	w[ruleFeature+2], w[ruleFeature+6] = 1.1, .2
	w[similar] = .4
	f := &fit{c: c, in: recipe.Input{Workers: 2}}
	counted, err := f.count(t.Context(), w.wanted())
	if err != nil {
		t.Fatal(err)
	}
	shape := nn.Shape{Rows: len(c.items) + 1, Dim: dim, Inner: 2 * dim, Heads: 2, Blocks: 2, Window: 100, Tau: 15}
	m := newModel(nn.New(shape, seed.Seed(5)), c.known, c.items, maskSeen, nil)
	m.blend = newBlend(w, counted)
	return m
}

// Whether and what a model keeps, and who asks beside, changes no bit of its
// answers: with filters of all sizes, long and short ones, and about users who
// have had much or nothing.
func TestKeptAnswersAreTheSame(t *testing.T) {
	for _, maskSeen := range []bool{false, true} {
		plain, kept := generated(t, 1500, 16, maskSeen), generated(t, 1500, 16, maskSeen)
		kept.Cache(80_000) // for some of the histories only
		var wg sync.WaitGroup
		for g := range 4 {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(uint64(g), 8))
				for range 300 {
					h := make([]dataset.Event, r.IntN(3)*r.IntN(60))
					u := rand.New(rand.NewPCG(uint64(r.IntN(60)), uint64(len(h)))) // one of few users
					for i := range h {
						h[i] = dataset.Event{Item: dataset.Index(u.IntN(1500)), Time: int64(i)}
					}
					q, allow := &recipe.Query{History: h}, someItems(r, 1500)
					k := []int{1, 25, 300, 1500}[r.IntN(4)]
					want, err := plain.Recommend(context.Background(), q, k, allow, nil)
					if err != nil {
						t.Error(err)
					}
					got, err := kept.Recommend(context.Background(), q, k, allow, nil)
					if err != nil || !alike(got, want) {
						t.Errorf("%d events, %d items, %d allowed: %v (%v), want %v", len(h), k, allow.Len(), front(got), err, front(want))
						return
					}
				}
			})
		}
		wg.Wait()
	}
}

// alike compares answers: the items exactly, the scores, which are sums in
// another order where few items are allowed, nearly.
func alike(a, b []recipe.Scored) bool {
	return slices.EqualFunc(a, b, func(x, y recipe.Scored) bool {
		return x.Index == y.Index && x.Flags == y.Flags && max(x.Score, y.Score) <= 1.0001*min(x.Score, y.Score)
	})
}

func front(list []recipe.Scored) []recipe.Scored { return list[:min(4, len(list))] }

// someItems allows all items, most, or few.
func someItems(r *rand.Rand, items int) dataset.Set {
	part := []float64{1, .7, .02}[r.IntN(3)]
	if part == 1 {
		return dataset.Set{}
	}
	set := dataset.NewSet(items)
	for i := range items {
		if r.Float64() < part {
			set.Add(dataset.Index(i))
		}
	}
	return set
}

// An event that is another in any respect is another history.
func TestKeysTellHistoriesApart(t *testing.T) {
	base := []dataset.Event{{Item: 1, Time: 10, Value: 2}, {Item: 2, Time: 20, Type: 1}}
	seen := map[cacheKey]bool{}
	add := func(h []dataset.Event) {
		k := keyOf(&recipe.Query{History: h})
		if seen[k] {
			t.Errorf("the key of %v was there", h)
		}
		seen[k] = true
	}
	add(nil)
	add(base)
	add(base[:1])
	add([]dataset.Event{base[1], base[0]})
	for i := range base {
		for _, change := range []func(*dataset.Event){
			func(e *dataset.Event) { e.Item++ }, func(e *dataset.Event) { e.Time++ },
			func(e *dataset.Event) { e.Value++ }, func(e *dataset.Event) { e.Type++ },
		} {
			h := slices.Clone(base)
			change(&h[i])
			add(h)
		}
	}
}

// What is asked for again stays; the cache does not outgrow its room.
func TestCacheKeepsWhatIsAskedFor(t *testing.T) {
	c := newCache(128) // two in each shard
	often := cacheKey{7, 7}
	c.put(often, &encoded{})
	for i := range uint64(10_000) {
		if c.get(often) == nil {
			t.Fatalf("gone after %d others", i)
		}
		c.put(cacheKey{i, i + 1}, &encoded{})
	}
	n := 0
	for i := range c.shards {
		n += len(c.shards[i].at)
		if len(c.shards[i].at) != len(c.shards[i].slots) {
			t.Errorf("shard %d has %d keys of %d values", i, len(c.shards[i].at), len(c.shards[i].slots))
		}
	}
	if n > 128 {
		t.Errorf("%d values in a cache for 128", n)
	}
}

// BenchmarkAnswer is one answer of 25 items at a history of 100 events, by what
// is kept: the ranking, only the encoded history, or nothing.
func BenchmarkAnswer(b *testing.B) {
	m := generated(b, 20_000, 64, false)
	h := make([]dataset.Event, 100)
	for i := range h {
		h[i] = dataset.Event{Item: dataset.Index(i * 97 % 20_000), Time: int64(i)}
	}
	few := dataset.NewSet(20_000)
	for i := 0; i < 20_000; i += 100 {
		few.Add(dataset.Index(i))
	}
	var dst []recipe.Scored
	run := func(name string, allow dataset.Set) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				dst, _ = m.Recommend(context.Background(), &recipe.Query{History: h}, 25, allow, dst)
			}
		})
	}
	run("cold", dataset.Set{})
	m.Cache(1 << 20)
	run("kept", dataset.Set{})
	run("kept, a hundredth allowed", few)
}

// BenchmarkBonus is what the counters of a small catalogue cost at a history of
// 100 events.
func BenchmarkBonus(b *testing.B) {
	m := generated(b, 4000, 64, false)
	a := m.answers.Get().(*answer)
	h := make([]dataset.Event, 100)
	for i := range h {
		h[i] = dataset.Event{Item: dataset.Index(i * 97 % 4000)}
	}
	for b.Loop() {
		m.bonus(a, h)
	}
}

// A history that nobody asks about again is answered the same, and not kept.
func TestOnceIsNotKept(t *testing.T) {
	m := generated(t, 300, 16, false)
	m.Cache(1 << 20)
	q := &recipe.Query{User: dataset.NoIndex, Item: dataset.NoIndex, History: []dataset.Event{{Item: 3}, {Item: 4}}, Once: true}
	once, err := m.Recommend(t.Context(), q, 5, dataset.Set{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if m.cache.get(keyOf(q)) != nil {
		t.Error("it was kept")
	}
	q.Once = false
	kept, err := m.Recommend(t.Context(), q, 5, dataset.Set{}, nil)
	if err != nil || !slices.Equal(once, kept) {
		t.Errorf("once %v, kept %v, %v", once, kept, err)
	}
}
