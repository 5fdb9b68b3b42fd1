package itemknn

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"usher/dataset"
	"usher/recipe"
	"usher/recipe/recipetest"
)

func TestContract(t *testing.T) {
	recipetest.Run(t, Recipe{})
	t.Run("everything kept", func(t *testing.T) {
		recipetest.Run(t, Recipe{}, recipetest.WithParams(everything(recipe.Params{"popularity_discount_factor": "1", "min_cointeraction_count": "0"})))
	})
}

// small is a model of items 0…5: 1 and 2 are near 0, the 3 that most users had
// is near 4 only, nobody had 6.
func small(t testing.TB) *Model {
	var histories [][]int
	for range 4 {
		histories = append(histories, []int{0, 1, 2}, []int{1, 0}, []int{3, 4}, []int{3}, []int{3}, []int{3, 5})
	}
	return trained(t, snapshot(7, histories), 1, everything(recipe.Params{"min_cointeraction_count": "4"}))
}

func ask(t testing.TB, m recipe.Model, item dataset.Index, k int, allow dataset.Set) []recipe.Scored {
	t.Helper()
	got, err := m.Recommend(context.Background(), &recipe.Query{User: dataset.NoIndex, Item: item}, k, allow, nil)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

const (
	near    = recipe.NoScore
	popular = recipe.NoScore | recipe.Popular
)

func TestPopularItemsFillUp(t *testing.T) {
	m := small(t)
	some := dataset.NewSet(7)
	for _, i := range []dataset.Index{2, 4, 6} {
		some.Add(i)
	}
	for _, c := range []struct {
		name  string
		item  dataset.Index
		k     int
		allow dataset.Set
		want  []recipe.Scored
	}{
		{"neighbours are enough", 0, 2, dataset.Set{}, []recipe.Scored{{Index: 1, Flags: near}, {Index: 2, Flags: near}}},
		{"they are not", 0, 99, dataset.Set{}, []recipe.Scored{{Index: 1, Flags: near}, {Index: 2, Flags: near}, {Index: 3, Flags: popular}, {Index: 4, Flags: popular}, {Index: 5, Flags: popular}}},
		{"only some are allowed", 0, 99, some, []recipe.Scored{{Index: 2, Flags: near}, {Index: 4, Flags: popular}}},
		{"the item is not answered when it is popular", 3, 4, dataset.Set{}, []recipe.Scored{{Index: 4, Flags: near}, {Index: 5, Flags: near}, {Index: 0, Flags: popular}, {Index: 1, Flags: popular}}},
		{"nobody had the item", 6, 3, dataset.Set{}, []recipe.Scored{{Index: 3, Flags: popular}, {Index: 0, Flags: popular}, {Index: 1, Flags: popular}}},
		{"the item is unknown", 77, 1, dataset.Set{}, []recipe.Scored{{Index: 3, Flags: popular}}},
		{"there is no item", dataset.NoIndex, 1, dataset.Set{}, []recipe.Scored{{Index: 3, Flags: popular}}},
		{"nothing is asked for", 0, 0, dataset.Set{}, nil},
	} {
		for range 2 { // the memory of an answer is used again
			if got := ask(t, m, c.item, c.k, c.allow); !slices.Equal(got, c.want) {
				t.Errorf("%s: %v, want %v", c.name, got, c.want)
			}
		}
	}
}

func TestRankByNeighbourhood(t *testing.T) {
	m := small(t)
	list := []dataset.Index{6, 5, 0, 2, 3, 1, 99, 2}
	got, err := m.Rank(context.Background(), &recipe.Query{Item: 0}, list, nil)
	want := []recipe.Scored{{Index: 1, Flags: near}, {Index: 2, Flags: near}, {Index: 2, Flags: near},
		{Index: 3, Flags: popular}, {Index: 0, Flags: popular}, {Index: 5, Flags: popular},
		{Index: 6, Flags: recipe.NoScore}, {Index: 99, Flags: recipe.NoScore}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
}

func TestHyperparametersAreChecked(t *testing.T) {
	data := snapshot(2, [][]int{{0, 1}})
	for _, c := range []struct {
		params recipe.Params
		says   string
	}{
		{recipe.Params{"min_cointeraction_count": "11"}, "integer from 0 to 10"},
		{recipe.Params{"popularity": "1"}, "unknown hyperparameter"},
		{recipe.Params{"min_item_interaction_count_percentile": "0.6", "max_item_interaction_count_percentile": "0.5"},
			`min_item_interaction_count_percentile: "0.6" is above max_item_interaction_count_percentile, which is "0.5"`},
		{recipe.Params{"min_user_history_length_percentile": "1"}, `min_user_history_length_percentile: "1" is above`},
	} {
		_, err := Recipe{}.Train(context.Background(), recipe.Input{Data: data, Params: c.params})
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), "train aws-sims: ") {
			t.Errorf("%v: %v", c.params, err)
		}
	}
}

func save(t testing.TB, m recipe.Model) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := m.Save(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func load(b []byte) (recipe.Model, error) { return Recipe{}.Load(bytes.NewReader(b), int64(len(b))) }

// A file longer than all buffers comes back as it was.
func TestLargeFile(t *testing.T) {
	m := trained(t, skewed(500, 400, 20), 2, everything(nil))
	raw := save(t, m)
	if len(raw) < 4*chunk {
		t.Fatalf("%d bytes are too few for this test", len(raw))
	}
	got, err := load(raw)
	if err != nil {
		t.Fatal(err)
	}
	for i := range dataset.Index(m.Len()) {
		if a, b := got.(*Model).nearest(i), m.nearest(i); !slices.Equal(a, b) {
			t.Fatalf("item %d: %v, was %v", i, a, b)
		}
	}
}

// What a checksum does not see: numbers that lead nowhere.
func TestUnsoundFilesAreRefused(t *testing.T) {
	items := func(i ...dataset.Index) []dataset.Index { return i }
	for name, m := range map[string]*Model{
		"an item beyond the known ones": {known: 3, items: items(0, 3), near: [][]uint32{nil, nil}},
		"more items than known":         {known: 1, items: items(0, 1), near: [][]uint32{nil, nil}},
		"an item with two rows":         {known: 3, items: items(1, 1), near: [][]uint32{nil, nil}},
		"a neighbour beyond the rows":   {known: 3, items: items(0, 1), near: [][]uint32{{2}, nil}},
		"its own neighbour":             {known: 3, items: items(0, 1), near: [][]uint32{nil, {1}}},
		"the same neighbour twice":      {known: 3, items: items(0, 1), near: [][]uint32{{1, 1}, nil}},
	} {
		if _, err := load(save(t, m)); err == nil {
			t.Errorf("%s: loaded", name)
		}
	}
	raw := save(t, &Model{known: 3, items: items(2, 0), near: [][]uint32{{1}, {0}}})
	if _, err := load(raw); err != nil {
		t.Errorf("a sound file: %v", err)
	}
	raw[len(magic)] = 3
	if _, err := load(raw); err == nil || !strings.Contains(err.Error(), "version 3") {
		t.Errorf("a later version: %v", err)
	}
}

// Files of version 1 stay readable. This one was saved by small when there was
// no later version; it is never written anew.
func TestVersion1IsReadable(t *testing.T) {
	raw, err := os.ReadFile("testdata/version1.model")
	if err != nil {
		t.Fatal(err)
	}
	m, err := load(raw)
	if err != nil {
		t.Fatal(err)
	}
	again, err := load(save(t, m))
	if err != nil || !slices.Equal(indexes(ask(t, again, 0, 9, dataset.Set{})), indexes(ask(t, m, 0, 9, dataset.Set{}))) {
		t.Errorf("saved as this version it answers otherwise (%v)", err)
	}
	if got := indexes(ask(t, m, 0, 9, dataset.Set{})); m.Len() != 7 || !slices.Equal(got, []dataset.Index{1, 2, 3, 4, 5}) {
		t.Errorf("%d items known, near item 0 are %v", m.Len(), got)
	}
}

// Slices of a mapping do not keep it: exported methods keep the model to their end.
func TestMethodsKeepTheModel(t *testing.T) { recipetest.KeepsModel(t, "Len", "Choices") }

func indexes(list []recipe.Scored) (out []dataset.Index) {
	for _, x := range list {
		out = append(out, x.Index)
	}
	return out
}

func FuzzLoad(f *testing.F) {
	raw := save(f, small(f))
	f.Add(raw)
	f.Add(raw[:30])
	if old, err := os.ReadFile("testdata/version1.model"); err == nil {
		f.Add(old)
	}
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := load(raw)
		if err != nil {
			return
		}
		ask(t, m, 0, 5, dataset.Set{})
		if raw[len(magic)] == version && !bytes.Equal(save(t, m), raw) {
			t.Error("saved again, the bytes differ")
		}
	})
}

func BenchmarkRecommend(b *testing.B) {
	m := trained(b, skewed(3000, 20_000, 40), 2, nil)
	few := dataset.NewSet(m.Len())
	for i := dataset.Index(0); int(i) < m.Len(); i += 50 {
		few.Add(i)
	}
	asked := dataset.Index(0)
	for i := range dataset.Index(m.Len()) {
		if len(m.neighbours(i)) > len(m.neighbours(asked)) {
			asked = i
		}
	}
	for _, c := range []struct {
		name  string
		item  dataset.Index
		k     int
		allow dataset.Set
	}{
		{"25 neighbours", asked, 25, dataset.Set{}},
		{"500 with popular items", asked, 500, dataset.Set{}},
		{"unknown item", dataset.NoIndex, 25, dataset.Set{}},
		{"2 percent allowed", asked, 25, few},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			q := &recipe.Query{User: dataset.NoIndex, Item: c.item}
			dst := make([]recipe.Scored, 0, c.k)
			for b.Loop() {
				var err error
				if dst, err = m.Recommend(context.Background(), q, c.k, c.allow, dst); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
