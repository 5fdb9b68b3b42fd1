package sequence

import (
	"math/rand/v2"
	"slices"
	"testing"

	"usher/dataset"
	"usher/recipe"
)

// walk is a history of so many events, and each longer one goes on from it.
func walk(user uint64, events, items int) []dataset.Event {
	r := rand.New(rand.NewPCG(user, 9))
	h := make([]dataset.Event, events)
	for i := range h {
		h[i] = dataset.Event{Item: dataset.Index(r.IntN(items)), Time: int64(i)}
	}
	return h
}

// Users who go on get the answers that they would get if nothing was kept, to the bit,
// and all but their first ones come from where the last one ended.
func TestTrailsChangeNothing(t *testing.T) {
	const items, users = 1500, 12
	plain, kept := generated(t, items, 16, false), generated(t, items, 16, false)
	kept.Cache(4 << 20)
	r := rand.New(rand.NewPCG(4, 9))
	var events [users]int
	for range 300 {
		u := r.IntN(users)
		known := events[u] > 0
		events[u] += 1 + r.IntN(trailBack)
		q := &recipe.Query{History: walk(uint64(u), events[u], items)}
		tokens := tokensOf(kept, q.History)
		follows := known && tokens[0] == uint32(len(kept.items))
		if follows != slices.ContainsFunc(trailKeys(nil, tokens), func(k cacheKey) bool { return kept.trails.shard(k).at[k] != nil }) {
			t.Fatalf("%d events: a trail is known: %v", events[u], !follows)
		}
		want, err := plain.Recommend(t.Context(), q, 25, dataset.Set{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := kept.Recommend(t.Context(), q, 25, dataset.Set{}, nil); err != nil || !slices.Equal(got, want) {
			t.Fatalf("%d events: %v (%v), want %v", events[u], front(got), err, front(want))
		}
		if len(tokens) == plain.net.Window { // all begin anew
			kept.Cache(4 << 20)
			clear(events[:])
		}
	}
}

// tokensOf gives the tokens of a history.
func tokensOf(m *Model, h []dataset.Event) []uint32 {
	a := m.answers.Get().(*answer)
	defer m.answers.Put(a)
	m.read(a, h, &a.own)
	return slices.Clone(a.tokens)
}

// Trails take no more memory than they may, and go in the order they were put.
func TestTrailsAreBounded(t *testing.T) {
	const most = 1 << 20
	kept := newTrails(most)
	r := rand.New(rand.NewPCG(4, 10))
	key := func(i int) cacheKey { return cacheKey{uint64(i), 1} }
	for i := range 3000 {
		kept.put(key(i), make([]float32, r.IntN(2000)))
		if i%50 == 0 {
			kept.put(key(0), kept.take([]cacheKey{key(1 << 40), key(0)}))
		}
	}
	bytes, newest := 0, 0
	for i := range kept.shards {
		s := &kept.shards[i]
		sum := 0
		for e := s.order.Front(); e != nil; e = e.Next() {
			x := e.Value.(*trail)
			if sum += x.size(); s.at[x.key] != e {
				t.Fatalf("key %v leads elsewhere", x.key)
			}
		}
		if sum != s.bytes || sum > s.most || len(s.at) != s.order.Len() {
			t.Errorf("shard %d has %d bytes of %d, and counts %d", i, sum, s.most, s.bytes)
		}
		bytes += sum
	}
	for kept.take([]cacheKey{key(2999 - newest)}) != nil {
		newest++
	}
	if bytes < most*9/10 || newest < 100 {
		t.Errorf("%d bytes of %d are used; the newest %d are there", bytes, most, newest)
	}
	if kept.take([]cacheKey{key(0)}) == nil {
		t.Error("what was taken and put again is gone")
	}
	if kept.put(key(9), make([]float32, most)); kept.take([]cacheKey{key(9)}) != nil {
		t.Error("a trail is kept that there is no room for")
	}
}

// The key of a history without its last tokens is that of the shorter one.
func TestTrailKeys(t *testing.T) {
	tokens := []uint32{5, 0, 0, 7, 1, 1, 2, 9, 9, 9, 3, 5}
	for l := 1; l <= len(tokens); l++ {
		keys := trailKeys(nil, tokens[:l])
		if len(keys) != min(l, trailBack+1) {
			t.Errorf("%d keys of %d tokens", len(keys), l)
		}
		for back, k := range keys {
			if want := trailKeys(nil, tokens[:l-back])[0]; k != want {
				t.Errorf("%d tokens without the last %d: another key", l, back)
			}
			if slices.Contains(keys[back+1:], k) {
				t.Errorf("%d tokens: two keys are equal", l)
			}
		}
	}
}

// BenchmarkFollow is the query of a history of 150 events of which all but the last are
// known, and of one of which nothing is.
func BenchmarkFollow(b *testing.B) {
	for _, known := range []bool{false, true} {
		b.Run(map[bool]string{false: "unknown", true: "known"}[known], func(b *testing.B) {
			m := catalogue(4000, 64)
			m.project()
			m.Cache(64 << 20)
			a := m.answers.Get().(*answer)
			h := walk(1, 151, 4000)
			for i := 0; b.Loop(); i++ {
				h[149].Item = dataset.Index(i % 4000)
				if known {
					b.StopTimer()
					m.follow(a, h[:150], &a.own)
					b.StartTimer()
				}
				m.follow(a, h, &a.own)
			}
		})
	}
}
