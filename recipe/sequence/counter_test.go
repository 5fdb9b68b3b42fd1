package sequence

import (
	"bytes"
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"usher/dataset"
	"usher/internal/seed"
)

// everyRule wants all counters.
func everyRule() (want [len(rules)]bool) {
	for r := range want {
		want[r] = true
	}
	return want
}

func counted(t testing.TB, c *corpus, workers int) *counters {
	t.Helper()
	out, err := count(context.Background(), c, everyRule(), workers)
	if err != nil {
		t.Fatal(err)
	}
	out.users = newUserKNN(c)
	return out
}

// The tables are what a plain double loop over all pairs counts.
func TestCountersCountPairs(t *testing.T) {
	const items = 23
	data := snapshot(items, chain(items, 30, 90, 6))
	held := holdOut(data, nil, 1)[:10]
	c := newCorpus(data, held)
	countsPairs(t, c)
	c.weigh(true, nil) // newer events weigh more
	countsPairs(t, c)
}

func countsPairs(t *testing.T, c *corpus) {
	t.Helper()
	items := len(c.items)
	got := counted(t, c, 2)
	for r := range rules {
		rule := &rules[r]
		if rule.pair == nil {
			continue
		}
		want := make([][]float64, items)
		for a := range want {
			want[a] = make([]float64, items)
		}
		row, occurs := make([]float64, items), make([]float64, items)
		for u := range c.count {
			h, at := c.history(dataset.Index(u)), int(c.start[u])
			for i, a := range h {
				occurs[a]++
				for j, b := range h {
					d := j - i
					if d < 0 && rule.both {
						d = -d
					}
					if d > 0 && d <= rule.far {
						x := c.weight(at+max(i, j)) / float64(d)
						want[a][b] += x
						row[a] += x
					}
				}
			}
		}
		for a := range uint32(items) {
			ids, vals := got.tables[r].row(a)
			found := map[uint32]float32{}
			for i, b := range ids {
				found[b] = vals[i]
			}
			for b := range uint32(items) {
				x := want[a][b]
				switch rule.norm {
				case shrunk:
					x /= 2.5 + row[a]/2
				case cosine:
					x /= math.Sqrt((occurs[a] + 1) * (occurs[b] + 1))
				}
				if math.Abs(x-float64(found[b])) > 1e-5*(1+x) {
					t.Fatalf("%s: from %d to %d %v, want %v", rule.name, a, b, found[b], x)
				}
			}
			if float64(got.events[a]) != occurs[a] {
				t.Fatalf("item %d has %v events, want %v", a, got.events[a], occurs[a])
			}
		}
	}
}

// The ridge is the solution of the normal equations over all places: the
// gradient of its loss is zero.
func TestRidgeSolvesItsEquations(t *testing.T) {
	const items = 17
	data := snapshot(items, chain(items, 40, 45, 6)) // shorter than ridgeFar: nothing is left out
	c := newCorpus(data, nil)
	var w [items][items]float64
	for a := range uint32(items) {
		ids, vals := counted(t, c, 1).tables[ridgeRule].row(a)
		for i, b := range ids {
			w[a][b] = float64(vals[i])
		}
	}
	var slope [items][items]float64 // XᵀXW + λW - XᵀY
	for a := range items {
		for b := range items {
			slope[a][b] = ridgeLambda(c.events) * w[a][b]
		}
	}
	for u := range c.count {
		h := c.history(dataset.Index(u))
		var x [items]float64
		for i, next := range h[min(1, len(h)):] {
			for a := range x {
				x[a] *= ridgeDecay
			}
			x[h[i]]++
			var err [items]float64
			err[next] = -1
			for a := range x {
				for b := range err {
					err[b] += x[a] * w[a][b]
				}
			}
			for a := range x {
				for b := range err {
					slope[a][b] += x[a] * err[b]
				}
			}
		}
	}
	for a := range slope {
		for b, s := range slope[a] {
			if math.Abs(s) > .02 {
				t.Fatalf("the loss has slope %v at %d, %d", s, a, b)
			}
		}
	}
}

func TestLongRowsKeepTheLargest(t *testing.T) {
	r := seed.Seed(3).Rand()
	for _, n := range []int{1, rowMost - 1, rowMost, rowMost + 1, 3 * rowMost} {
		var ids []uint32
		var vals []float32
		for i := range n {
			ids, vals = append(ids, uint32(2*i)), append(vals, float32(r.IntN(40)-20))
		}
		got := newTally(0, rowMost).keep(ids, vals)
		if len(got.ids) != min(n, rowMost) || !slices.IsSorted(got.ids) {
			t.Fatalf("%d entries of %d, sorted: %v", len(got.ids), n, slices.IsSorted(got.ids))
		}
		least := float32(math.Inf(1))
		for i, id := range got.ids {
			if vals[id/2] != got.vals[i] {
				t.Fatalf("entry %d has value %v, want %v", id, got.vals[i], vals[id/2])
			}
			least = min(least, float32(math.Abs(float64(got.vals[i]))))
		}
		for i, x := range vals {
			if float32(math.Abs(float64(x))) > least && !slices.Contains(got.ids, ids[i]) {
				t.Fatalf("%v is left out, %v is kept", x, least)
			}
		}
	}
}

func TestNthLargest(t *testing.T) {
	r := seed.Seed(5).Rand()
	for range 300 {
		x := make([]float32, 1+r.IntN(40))
		for i := range x {
			x[i] = float32(r.IntN(12))
		}
		sorted := slices.Clone(x)
		slices.Sort(sorted)
		k := 1 + r.IntN(len(x))
		if got := nthLargest(slices.Clone(x), k); got != sorted[len(x)-k] {
			t.Fatalf("number %d of %v is %v, want %v", k, x, got, sorted[len(x)-k])
		}
	}
}

func TestWorkersDoNotChangeTheCounters(t *testing.T) {
	c := newCorpus(snapshot(150, chain(150, 60, 60, 2)), nil)
	a, b := counted(t, c, 1), counted(t, c, 4)
	for r := range rules {
		x, y := a.tables[r], b.tables[r]
		if !slices.Equal(x.start, y.start) || !slices.Equal(x.ids, y.ids) || !slices.Equal(x.vals, y.vals) {
			t.Errorf("%s: 4 workers give another table than 1", rules[r].name)
		}
	}
}

func TestCountingStops(t *testing.T) {
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(why)
	c := newCorpus(snapshot(20, chain(20, 30, 8, 2)), nil)
	if _, err := count(ctx, c, everyRule(), 2); !errors.Is(err, why) {
		t.Errorf("count: %v", err)
	}
}

// withCounters is a model with all counters beside an untrained network, so
// that what they say can be told apart.
func withCounters(t testing.TB, data *dataset.Snapshot, w weights) *Model {
	t.Helper()
	f := prepared(recipeInput(data))
	m := newModel(f.net(), f.c.known, f.c.items, f.s.maskSeen, f.choices())
	m.blend = newBlend(w, counted(t, f.c, 1))
	return m
}

// Scores are sums of weight × feature, by the definitions of the features.
func TestBlendIsTheWeightedSum(t *testing.T) {
	const items = 20
	data := snapshot(items, chain(items, 60, 30, 2))
	var w weights
	for k := range w {
		w[k] = .3 + .1*float64(k)
	}
	m, f := withCounters(t, data, w), prepared(recipeInput(data))
	n := len(m.items)
	for _, h := range [][]int{{3}, {1, 2, 3, 2}, nil} {
		a := m.answers.Get().(*answer)
		m.bonus(a, events(h...))
		got := make([]float32, n)
		for i := range got {
			got[i] = float32(w[netFeature])*float32(i) + a.extra.at(uint32(i))
		}
		for i := range got {
			want := w[netFeature]*float64(i) + w[popular]*math.Log1p(float64(m.blend.events[i]))
			place := 0.
			for back := range h {
				if m.row(dataset.Index(h[len(h)-1-back])) == uint32(i) {
					place += 1 / float64(back+1)
				}
			}
			want += w[again] * math.Log(1+10*place)
			if len(h) > 0 && m.row(dataset.Index(h[len(h)-1])) == uint32(i) {
				want += w[latest]
			}
			for r := range rules {
				want += w[ruleFeature+r] * m.ruleSays(r, h, uint32(i))
			}
			want += w[similar] * math.Log(1+10*usersSay(f.c, m.rowsOf(h), uint32(i)))
			if math.Abs(want-float64(got[i])) > 1e-4*(1+math.Abs(want)) {
				t.Fatalf("history %v, item %d: %v, want %v", h, i, got[i], want)
			}
		}
	}
}

// ruleSays is a rule's feature of one item, the long way.
func (m *Model) ruleSays(r int, h []int, item uint32) float64 {
	sum, all := 0., 0.
	for b := range uint32(len(m.items)) {
		x := 0.
		for back := 0; back < len(h) && back < rules[r].last; back++ {
			f := 1 / float64(back+1)
			if rules[r].decay > 0 {
				f = math.Pow(rules[r].decay, float64(back))
			}
			ids, vals := m.blend.tables[r].row(m.row(dataset.Index(h[len(h)-1-back])))
			for i, id := range ids {
				if id == b {
					x += f * float64(vals[i])
				}
			}
		}
		all += max(0, x)
		if b == item {
			sum = x
		}
	}
	switch {
	case sum <= 0:
		return 0
	case rules[r].evidence:
		return math.Log(1 + 10*sum)
	}
	return math.Log(1 + float64(len(m.items))*sum/all)
}

// Recommend and Rank agree, loaded models too, and scores are probabilities.
func TestBlendedModelAnswersAndLoads(t *testing.T) {
	data := snapshot(20, chain(20, 60, 30, 2))
	var w weights
	for k := range w {
		w[k] = .5
	}
	w[ruleFeature+3] = 0
	m := withCounters(t, data, w)
	m.blend.tables[3] = nil
	checkAnswers(t, m, data)
	raw := saved(t, m)
	loaded, err := load(raw)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(raw, saved(t, loaded)) {
		t.Error("saved again, the bytes differ")
	}
	for _, h := range [][]int{nil, {3}, {1, 2, 3, 2}, {500}} {
		a := recommend(t, m, 20, h...)
		if !slices.Equal(a, recommend(t, loaded, 20, h...)) {
			t.Errorf("history %v: other answers when loaded", h)
		}
		ranked, err := m.Rank(context.Background(), query(h...), indexes(a), nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range ranked {
			if d := ranked[i].Score - a[i].Score; d > 1e-4 || d < -1e-4 {
				t.Errorf("history %v, place %d: ranked %v, recommended %v", h, i, ranked[i], a[i])
			}
		}
	}
	for at := 0; at < len(raw); at += 1 + at/50 {
		bad := slices.Clone(raw)
		bad[at] ^= 2
		if _, err := load(bad); err == nil {
			t.Errorf("byte %d of %d changed: loaded", at, len(raw))
		}
		if _, err := load(raw[:at]); err == nil {
			t.Errorf("cut to %d bytes: loaded", at)
		}
	}
}

// The cost of a question is bounded by the newest events, however long the
// history is.
func TestCountersLookAtTheNewestOnly(t *testing.T) {
	var w weights
	w[ruleFeature], w[ruleFeature+6] = 1, 1
	data := snapshot(20, chain(20, 60, 30, 2))
	m := withCounters(t, data, w)
	long := make([]int, 5000)
	for i := range long {
		long[i] = (i * 7) % 20
	}
	if a, b := recommend(t, m, 20, long...), recommend(t, m, 20, long[len(long)-newestMost:]...); !slices.Equal(a, b) {
		t.Errorf("what is older than %d events changes the answer", newestMost)
	}
}

func TestTablesOfLargeCataloguesAreBounded(t *testing.T) {
	for _, items := range []int{0, 1, 3000, 50_000, 50_001, 100_000, 300_000, 10_000_000} {
		rows := rowsOf(items)
		if rows < rowLeast || rows > rowMost || rows > rowLeast && rows*items > tableMost {
			t.Errorf("%d items: %d entries a row", items, rows)
		}
		if items <= 50_000 && rows != rowMost {
			t.Errorf("%d items: %d entries a row, want all %d", items, rows, rowMost)
		}
	}
}
