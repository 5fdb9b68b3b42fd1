package sequence

import (
	"slices"
	"sync"
	"testing"

	"usher/dataset"
	"usher/recipe"
)

// together takes as the leader does, on a seat.
func together(g *gathering) (n int) {
	compute(func() { n = len(g.take(make([]*lookup, scanTogether))) })
	return n
}

// Alone a question leads at once. Of two the first waits for the second, or for the
// second to need no pass.
func TestGathering(t *testing.T) {
	var g gathering
	a, b := &lookup{}, &lookup{}
	g.expect(a)
	if !g.join(a) || together(&g) != 1 {
		t.Error("a question that is alone does not lead")
	}
	g.expect(a)
	g.expect(b)
	if g.join(a) {
		t.Error("the first of two does not wait")
	}
	if !g.join(b) {
		t.Error("the last of two waits")
	}
	if n := together(&g); n != 2 {
		t.Errorf("%d of two in a pass", n)
	}
	g.expect(a)
	g.expect(b)
	g.join(a)
	g.release(b)
	select {
	case done := <-a.place.word:
		if done {
			t.Error("answered by nobody")
		}
	default:
		t.Fatal("nobody leads when all who were expected are there or gone")
	}
	if n := together(&g); n != 1 {
		t.Errorf("%d, want the one that is there", n)
	}
	g.release(a)
	g.release(b)
	if n := g.coming.Load(); n != 0 {
		t.Errorf("%d are expected, none came", n)
	}
}

// A pass that is full does not wait for who is expected; those who find it full have
// another leader.
func TestGatheringOfMany(t *testing.T) {
	var g gathering
	qs := make([]*lookup, scanTogether+3)
	for i := range qs {
		qs[i] = &lookup{}
		g.expect(qs[i])
	}
	late := &lookup{}
	g.expect(late)
	leaders := 0
	for _, q := range qs {
		if g.join(q) {
			leaders++
		}
	}
	if leaders != 1 {
		t.Fatalf("%d lead", leaders)
	}
	first := together(&g)
	if first > scanTogether || first < scanLeast {
		t.Fatalf("%d in a pass", first)
	}
	if g.release(late); len(qs[first].place.word) != 1 || <-qs[first].place.word {
		t.Fatal("nobody leads those who are left")
	}
	if !g.mu.led || len(g.mu.waiting) != len(qs)-first {
		t.Errorf("%d wait", len(g.mu.waiting))
	}
}

// Questions that come at once, some of which turn out to need no pass, get the answers
// that each gets alone.
func TestManyAtOnce(t *testing.T) {
	const items, asked = 33_000, 40
	m := generated(t, items, 16, true)
	m.Cache(1 << 20)
	few := dataset.NewSet(items)
	for i := 0; i < items; i += 50 {
		few.Add(dataset.Index(i))
	}
	ask := func(i int) []recipe.Scored {
		h := []dataset.Event{{Item: dataset.Index(i / 2 * 7)}, {Item: dataset.Index(i / 2 * 11)}}
		allow := dataset.Set{}
		if i%2 == 1 {
			allow = few
		}
		out, err := m.Recommend(t.Context(), &recipe.Query{History: h}, 20, allow, nil)
		if err != nil {
			t.Error(err)
		}
		return out
	}
	got := make([][]recipe.Scored, asked)
	var wg sync.WaitGroup
	for i := range asked {
		wg.Go(func() { got[i] = ask(i) })
	}
	wg.Wait()
	if n := m.scanner.coming.Load(); n != 0 {
		t.Errorf("%d are expected after all were answered", n)
	}
	m.Cache(1 << 20)
	for i, x := range got {
		if alone := ask(i); !slices.Equal(x, alone) {
			t.Fatalf("question %d: %v, alone %v", i, x[:2], alone[:2])
		}
	}
}
