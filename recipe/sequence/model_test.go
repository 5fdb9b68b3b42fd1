package sequence

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"testing"

	"usher/dataset"
	"usher/internal/seed"
	"usher/recipe"
	"usher/recipe/internal/nn"
)

// ring is a model of users who walk through items 0…9 once, and never of 10 and 11.
func ring(t testing.TB) *Model {
	t.Helper()
	return ringOnce()
}

// ringOnce trains it for all tests: a model does not change.
var ringOnce = sync.OnceValue(func() *Model {
	var histories [][]int
	for u := range 50 {
		var h []int
		for i := range 4 + u%5 {
			h = append(h, (u+i)%10)
		}
		histories = append(histories, h)
	}
	m, err := Recipe{}.Train(context.Background(), recipe.Input{Data: snapshot(12, histories), Seed: 1, Workers: 2,
		Params: recipe.Params{"apply_recency_bias": "true"}})
	if err != nil {
		panic(err)
	}
	return m.(*Model)
})

func indexes(got []recipe.Scored) (out []dataset.Index) {
	for _, x := range got {
		out = append(out, x.Index)
	}
	return out
}

func TestRecommendObeysAllowAndK(t *testing.T) {
	m := ring(t)
	q := &recipe.Query{History: events(3, 4)}
	allow := dataset.NewSet(12)
	for _, i := range []dataset.Index{2, 5, 7, 10, 11} {
		allow.Add(i)
	}
	free := recommend(t, m, 100, 3, 4)
	if len(free) != 10 || slices.ContainsFunc(free, func(x recipe.Scored) bool { return x.Index >= 10 }) {
		t.Errorf("all: %v", free)
	}
	got, err := m.Recommend(context.Background(), q, 100, allow, make([]recipe.Scored, 7))
	if err != nil {
		t.Fatal(err)
	}
	want := slices.DeleteFunc(slices.Clone(free), func(x recipe.Scored) bool { return !allow.Has(x.Index) })
	if !slices.Equal(got, want) || len(got) != 3 {
		t.Errorf("allowed: %v, want %v: the allowed ones of all, scores unchanged", got, want)
	}
	for _, k := range []int{0, 1, 4, 9} {
		if got := recommend(t, m, k, 3, 4); !slices.Equal(got, free[:k]) {
			t.Errorf("the %d best: %v, want %v", k, got, free[:k])
		}
	}
	if got, _ := m.Recommend(context.Background(), q, 5, dataset.NewSet(12), nil); len(got) != 0 {
		t.Errorf("nothing allowed: %v", got)
	}
}

func TestSeenItemsComeLastWhereNobodyRepeats(t *testing.T) {
	m := ring(t)
	if !m.maskSeen || m.Choices().Values["mask_seen"] != 1 {
		t.Fatal("nobody has an item twice, but seen items are not put back")
	}
	got := indexes(recommend(t, m, 100, 3, 4, 5, 4))
	last := got[len(got)-3:]
	slices.Sort(last)
	if !slices.Equal(last, []dataset.Index{3, 4, 5}) {
		t.Errorf("last are %v of %v, want those of the history", last, got)
	}
	again := train(t, recipe.Input{Data: snapshot(3, [][]int{{0, 0, 1, 1}, {1, 1, 0}, {2, 2, 2}, {0, 0, 0}}), Seed: 1, Workers: 1})
	if again.maskSeen {
		t.Error("seen items are put back although all have them again")
	}
	if got := recommend(t, again, 1, 2, 2); got[0].Index != 2 {
		t.Errorf("who always has item 2 gets %v", got)
	}
}

func TestHistoryIsReadAtRequestTime(t *testing.T) {
	m := ring(t)
	a, b := recommend(t, m, 1, 2, 3), recommend(t, m, 1, 2, 3, 6)
	if a[0].Index != 4 || b[0].Index != 7 {
		t.Errorf("after 2, 3: %v; one event later: %v", a, b)
	}
	unknown := recommend(t, m, 3, 2, 3, 11, 500) // never trained on; beyond the model
	if !slices.Equal(unknown, recommend(t, m, 3, 2, 3)) {
		t.Error("items that the model does not know change the answer")
	}
	if got := recommend(t, m, 3); got[0].Flags != recipe.Popular || len(got) != 3 {
		t.Errorf("a new user gets %v", got)
	}
	if a[0].Flags != 0 {
		t.Errorf("a known history is flagged %v", a)
	}
}

func TestRankIsAPermutation(t *testing.T) {
	m := ring(t)
	q := &recipe.Query{History: events(3, 4)}
	list := []dataset.Index{11, 7, 5, 600, 2, 10, 7, dataset.NoIndex}
	got, err := m.Rank(context.Background(), q, list, make([]recipe.Scored, 3))
	if err != nil {
		t.Fatal(err)
	}
	if a, b := slices.Sorted(slices.Values(indexes(got))), slices.Sorted(slices.Values(list)); !slices.Equal(a, b) {
		t.Fatalf("ranked %v of %v", a, b)
	}
	if got[0].Index != 5 {
		t.Errorf("after 3, 4: %v", got)
	}
	var sum float32
	for i, x := range got[:4] {
		sum += x.Score
		if x.Flags&recipe.NoScore != 0 || i > 0 && x.Score > got[i-1].Score {
			t.Errorf("place %d: %v", i, x)
		}
	}
	if math.Abs(float64(sum)-1) > 1e-3 {
		t.Errorf("scores of known items sum to %v", sum)
	}
	if unknown := indexes(got[4:]); !slices.Equal(unknown, []dataset.Index{11, 600, 10, dataset.NoIndex}) {
		t.Errorf("unknown items %v, want them in the list's order", unknown)
	}
	for _, x := range got[4:] {
		if x.Flags != recipe.NoScore || x.Score != 0 {
			t.Errorf("unknown item %v", x)
		}
	}
	if got, err := m.Rank(context.Background(), q, []dataset.Index{11}, nil); err != nil || len(got) != 1 {
		t.Errorf("only unknown items: %v, %v", got, err)
	}
}

func TestAnswersStop(t *testing.T) {
	m := ring(t)
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(why)
	if _, err := m.Recommend(ctx, &recipe.Query{}, 1, dataset.Set{}, nil); !errors.Is(err, why) {
		t.Errorf("recommend: %v", err)
	}
	if _, err := m.Rank(ctx, &recipe.Query{}, []dataset.Index{1}, nil); !errors.Is(err, why) {
		t.Errorf("rank: %v", err)
	}
}

func TestConcurrentAnswersAgree(t *testing.T) {
	m := ring(t)
	want := make([][]recipe.Scored, 10)
	for i := range want {
		want[i] = recommend(t, m, 5, i)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 200 {
				got, err := m.Recommend(context.Background(), &recipe.Query{History: events(i % 10)}, 5, dataset.Set{}, nil)
				if err != nil || !slices.Equal(got, want[i%10]) {
					t.Errorf("item %d: %v (%v), alone %v", i%10, got, err, want[i%10])
				}
			}
		})
	}
	wg.Wait()
}

func TestTopKeepsTheBest(t *testing.T) {
	scores := []float32{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5}
	for k := 1; k <= len(scores); k++ {
		var h top
		h.begin(k)
		for i, s := range scores {
			if s > h.floor {
				h.offer(ranked{s, uint32(i)})
			}
		}
		var got []uint32
		for _, x := range h.sorted() {
			got = append(got, x.row)
		}
		if want := []uint32{5, 7, 4, 8, 10, 2, 0, 9, 6, 1, 3}[:k]; !slices.Equal(got, want) {
			t.Errorf("the %d best: %v, want %v", k, got, want)
		}
	}
}

// pooling says whether memory of answers is kept.
var pooling = true

// An answer allocates nothing: it fills the caller's slice.
func TestRecommendDoesNotAllocate(t *testing.T) {
	if !pooling {
		t.Skip("the race detector throws pooled memory away")
	}
	m := ring(t)
	q := &recipe.Query{History: events(1, 2, 3)}
	dst := make([]recipe.Scored, 0, 10)
	n := testing.AllocsPerRun(100, func() {
		if _, err := m.Recommend(context.Background(), q, 10, dataset.Set{}, dst); err != nil {
			t.Fatal(err)
		}
	})
	if n > 0 {
		t.Errorf("%v allocations an answer", n)
	}
}

// catalogue is an untrained network of so many items, as it is served.
func catalogue(items, dim int) *Model {
	rows := make([]uint32, items)
	for i := range rows {
		rows[i] = uint32(i)
	}
	shape := nn.Shape{Rows: items + 1, Dim: dim, Inner: 2 * dim, Heads: 2, Blocks: 2, Window: 200, Tau: 15}
	return newModel(nn.New(shape, seed.Seed(5)), items, rows, false, nil)
}

func BenchmarkRecommend(b *testing.B) {
	m := ring(b)
	q := &recipe.Query{History: events(1, 2, 3)}
	var dst []recipe.Scored
	for b.Loop() {
		dst, _ = m.Recommend(context.Background(), q, 10, dataset.Set{}, dst)
	}
}
