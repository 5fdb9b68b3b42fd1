package affinity

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"usher/dataset"
	"usher/recipe"
)

// tastes is users who have items of their own taste (number modulo three), each
// user some of them, at different times; items 0 to 59, user u of taste u%3.
func tastes(repeat bool) *dataset.Snapshot {
	rng := rand.New(rand.NewPCG(1, 2))
	events := make([][]dataset.Event, 90)
	for u := range events {
		for n, k := range rng.Perm(20)[:4+u/10] {
			e := dataset.Event{Item: dataset.Index(3*k + u%3), Time: int64(1000*n + u)}
			if events[u] = append(events[u], e); repeat {
				e.Time += 10
				events[u] = append(events[u], e)
			}
		}
	}
	return dataset.NewSnapshot(make([]string, 90), make([]string, 61), []string{""}, events)
}

func trained(t *testing.T, r recipe.Recipe, data *dataset.Snapshot) recipe.Segmenter {
	t.Helper()
	m, err := r.Train(t.Context(), recipe.Input{Data: data})
	if err != nil {
		t.Fatal(err)
	}
	return m.(recipe.Segmenter)
}

func segment(t *testing.T, m recipe.Segmenter, k int, users dataset.Set, items ...dataset.Index) []dataset.Index {
	t.Helper()
	list, err := m.Segment(t.Context(), items, users, k, nil)
	if err != nil {
		t.Fatal(err)
	}
	var out []dataset.Index
	for i, x := range list {
		if i > 0 && list[i-1].Score < x.Score {
			t.Errorf("scores rise at %d", i)
		}
		if slices.Contains(out, x.Index) {
			t.Errorf("user %d twice", x.Index)
		}
		out = append(out, x.Index)
	}
	return out
}

// The users of an item's own taste are its segment; those who had it are in it only
// where people have things twice.
func TestItemSegments(t *testing.T) {
	for _, repeat := range []bool{false, true} {
		data := tastes(repeat)
		m := trained(t, Item{}, data)
		for item := range dataset.Index(6) {
			had := map[dataset.Index]bool{}
			for u := range data.UserIDs {
				had[dataset.Index(u)] = slices.ContainsFunc(data.History(dataset.Index(u)), func(e dataset.Event) bool { return e.Item == item })
			}
			both := 0
			for _, u := range segment(t, m, 10, dataset.Set{}, item) {
				if int(u)%3 != int(item)%3 {
					t.Errorf("item %d: user %d is of another taste", item, u)
				}
				if had[u] {
					both++
				}
			}
			if (both > 0) != repeat {
				t.Errorf("repeats %v: %d users of the segment of item %d had it", repeat, both, item)
			}
		}
	}
}

// The segment of an attribute is a plain count, by a naive loop.
func TestAttributeSegmentsCount(t *testing.T) {
	data := tastes(false)
	m := trained(t, Attribute{}, data)
	items := []dataset.Index{0, 3, 6, 1, 60}
	type scored struct {
		user  dataset.Index
		score float64
	}
	var want []scored
	for u := range data.UserIDs {
		h, all, of := data.History(dataset.Index(u)), 0., 0.
		weight := 1.
		for n := len(h) - 1; n >= 0; n-- {
			if all += weight; slices.Contains(items, h[n].Item) {
				of += weight
			}
			weight *= 0.9330329915368074 // the tenth root of a half
		}
		if of > 0 {
			want = append(want, scored{dataset.Index(u), of / all * float64(len(h))})
		}
	}
	slices.SortStableFunc(want, func(a, b scored) int {
		if a.score > b.score+1e-6 {
			return -1
		}
		return 1
	})
	got, err := m.Segment(t.Context(), items, dataset.Set{}, 1000, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 90 {
		t.Fatalf("%d users, want all 90", len(got))
	}
	for i, w := range want {
		if d := float64(got[i].Score) - w.score; d > 1e-4 || d < -1e-4 {
			t.Errorf("place %d: score %v, want %v", i, got[i].Score, w.score)
		}
	}
	for _, x := range got[len(want):] {
		if x.Score != 0 {
			t.Errorf("user %d has nothing of it, and the score %v", x.Index, x.Score)
		}
	}
	allowed := dataset.NewSet(90)
	for _, u := range []dataset.Index{2, 5, 30} {
		allowed.Add(u)
	}
	if got := segment(t, m, 10, allowed, items...); len(got) != 3 {
		t.Errorf("of three users allowed: %v", got)
	}
	if m.Knows(60) || !m.Knows(0) || m.Knows(61) {
		t.Error("it knows the items that were had")
	}
}

// A loaded model answers the same; damaged bytes are refused.
func TestFiles(t *testing.T) {
	for _, r := range []recipe.Recipe{Item{}, Attribute{}} {
		m := trained(t, r, tastes(true))
		var b bytes.Buffer
		if err := m.Save(&b); err != nil {
			t.Fatal(err)
		}
		again, err := r.Load(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil {
			t.Fatal(err)
		}
		if want, got := segment(t, m, 20, dataset.Set{}, 4), segment(t, again.(recipe.Segmenter), 20, dataset.Set{}, 4); !slices.Equal(got, want) || again.Len() != 61 {
			t.Errorf("%v after the load, %v before", got, want)
		}
		for at := range b.Bytes() {
			damaged := bytes.Clone(b.Bytes())
			damaged[at] ^= 4
			if _, err := r.Load(bytes.NewReader(damaged), int64(len(damaged))); err == nil {
				t.Fatalf("byte %d was damaged and nobody saw it", at)
			}
		}
	}
}

func FuzzLoad(f *testing.F) {
	m, err := (Item{}).Train(f.Context(), recipe.Input{Data: tastes(false)})
	if err != nil {
		f.Fatal(err)
	}
	var b bytes.Buffer
	if err := m.Save(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(_ *testing.T, raw []byte) { _, _ = Item{}.Load(bytes.NewReader(raw), int64(len(raw))) })
}

func TestRefusedData(t *testing.T) {
	same := dataset.NewSnapshot([]string{"a"}, []string{"b"}, []string{""}, [][]dataset.Event{{{Time: 5}, {Time: 5}}})
	for text, data := range map[string]*dataset.Snapshot{"same timestamp": same, "no interactions": dataset.NewSnapshot([]string{"a"}, nil, nil, nil), "no data": nil} {
		if _, err := (Item{}).Train(t.Context(), recipe.Input{Data: data}); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%v, want %q", err, text)
		}
	}
}

// The metrics are AWS's, and better than chance.
func TestMeasure(t *testing.T) {
	data := tastes(false)
	got, err := Item{}.Measure(t.Context(), recipe.Input{Data: data})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 || got["recall_at_1_percent"] < .02 || got["hits_at_1_percent"] <= 0 || got["coverage"] <= 0 || got["coverage"] > 1 {
		t.Errorf("%v", got)
	}
	if got, err := (Attribute{}).Measure(t.Context(), recipe.Input{Data: data}); err != nil || got["coverage"] != 0 {
		t.Errorf("without items' columns: %v, %v", got, err)
	}
}
