package itemknn

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"

	"usher/dataset"
	"usher/internal/seed"
	"usher/recipe"
	"usher/recipe/recipetest"
)

func TestSimilarContract(t *testing.T) { recipetest.Run(t, Similar{}) }

// shelf gives items with metadata: GENRE (categorical), TEXT (textual), and the
// histories of users.
func shelf(genres, texts []string, histories ...[]int) *dataset.Snapshot {
	s := &dataset.Schema{Type: dataset.Items, Fields: []dataset.Field{
		{Name: "ITEM_ID", Kind: dataset.String}, {Name: "GENRE", Kind: dataset.String, Categorical: true}, {Name: "TEXT", Kind: dataset.String, Textual: true}}}
	table := dataset.NewTable(s)
	ids := make([]string, len(genres))
	for i, g := range genres {
		ids[i] = fmt.Sprint("i", i)
		row := dataset.Row{{Kind: dataset.String, Str: ids[i]}, {Kind: dataset.String, Str: g}, {}}
		if texts != nil {
			row[2] = dataset.Value{Kind: dataset.String, Str: texts[i]}
		}
		table.Set(dataset.Index(i), row)
	}
	events := make([][]dataset.Event, len(histories))
	for u, h := range histories {
		for n, i := range h {
			events[u] = append(events[u], dataset.Event{Item: dataset.Index(i), Time: int64(n)})
		}
	}
	data := dataset.NewSnapshot(make([]string, len(histories)), ids, []string{""}, events)
	data.ItemTable = table
	return data
}

func similar(t testing.TB, data *dataset.Snapshot, workers int) *Model {
	t.Helper()
	return discounted(t, data, workers, "0.0")
}

func discounted(t testing.TB, data *dataset.Snapshot, workers int, discount string) *Model {
	t.Helper()
	m, err := Similar{}.Train(context.Background(), recipe.Input{Data: data, Workers: workers, Params: recipe.Params{"popularity_discount_factor": discount}})
	if err != nil {
		t.Fatal(err)
	}
	return m.(*Model)
}

// closeTo gives the neighbours of an item, without what fills up.
func closeTo(t testing.TB, m recipe.Model, item int) (out []dataset.Index) {
	t.Helper()
	got, err := m.Recommend(context.Background(), &recipe.Query{Item: dataset.Index(item)}, 1000, dataset.Set{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range got {
		if x.Flags&recipe.Popular == 0 {
			out = append(out, x.Index)
		}
	}
	return out
}

func TestColdItemsByMetadata(t *testing.T) {
	genres := []string{"a", "a", "a", "b", "b", "b", "a|c", "c", "", "A"}
	data := shelf(genres, nil, []int{0, 1, 2}, []int{0, 1, 2}, []int{0, 1}, []int{0, 1}, []int{0, 3, 1}, []int{3, 4, 5}, []int{3, 4}, []int{3, 4}, []int{3})
	m := similar(t, data, 1)
	for _, c := range []struct {
		item int
		want []dataset.Index
		why  string
	}{
		// 0, 1 and 3 have five events and more. 6 to 9 were had by nobody.
		{0, []dataset.Index{1, 2, 3, 6}, "co-occurrence first, then metadata"},
		{6, []dataset.Index{0, 1, 2, 7}, "users count beside attributes; of equal ones the popular item"},
		{7, []dataset.Index{6}, "only by its attribute"},
		{8, nil, "no attributes: popular items"},
		{9, nil, "categories are spelled as they are"},
		{5, []dataset.Index{3, 4}, "few events, and the same genre: both count"},
	} {
		if got := closeTo(t, m, c.item); !slices.Equal(got, c.want) {
			t.Errorf("near %d: %v, want %v: %s", c.item, got, c.want, c.why)
		}
	}
	if got, want := closeTo(t, discounted(t, data, 1, "1.0"), 6), []dataset.Index{7, 0, 1, 2}; !slices.Equal(got, want) {
		t.Errorf("near 6 without regard to users: %v, want %v: the rare attribute weighs more", got, want)
	}
	// Without metadata it is co-occurrence, in which everything counts.
	data.ItemTable = nil
	if got := closeTo(t, similar(t, data, 1), 5); !slices.Equal(got, []dataset.Index{3, 4}) {
		t.Errorf("without metadata, near 5: %v", got)
	}
	if got := closeTo(t, similar(t, data, 1), 6); got != nil {
		t.Errorf("without metadata, near 6: %v", got)
	}
}

func TestWordsCount(t *testing.T) {
	texts := []string{"The space war", "space WAR, again!", "a love story", "Love & war", "space"}
	data := shelf(make([]string, 5), texts, []int{0, 1, 2, 3}, []int{0, 1, 2, 3})
	if got := closeTo(t, similar(t, data, 1), 4); !slices.Equal(got, []dataset.Index{0, 1}) && !slices.Equal(got, []dataset.Index{1, 0}) {
		t.Errorf("near a text of one word: %v", got)
	}
}

// TestAgainstTheNaiveCosine compares the metadata of cold items with cosines that
// are computed pair by pair.
func TestAgainstTheNaiveCosine(t *testing.T) {
	data := library(300, 0)
	m := similar(t, data, 3)
	a := newAttributes(data, m.items[:1]) // rows are numbered anew; what items have is the same
	rowOf := map[dataset.Index]int{}
	for r, i := range a.items {
		rowOf[i] = r
	}
	cosine := func(i, j dataset.Index) (sum float64) {
		r, q := rowOf[i], rowOf[j]
		for _, f := range a.of[r] {
			if slices.Contains(a.of[q], f) {
				sum += a.weight[f] * a.weight[f]
			}
		}
		return sum / a.norm[r] / a.norm[q]
	}
	for i := range dataset.Index(300) {
		if i == m.items[0] {
			continue
		}
		got := closeTo(t, m, int(i))
		for n := 1; n < len(got); n++ {
			if got[n-1] != m.items[0] && got[n] != m.items[0] && cosine(i, got[n]) > cosine(i, got[n-1])+1e-6 {
				t.Fatalf("near %d: %d (%.4f) before %d (%.4f)", i, got[n-1], cosine(i, got[n-1]), got[n], cosine(i, got[n]))
			}
		}
		if len(got) == 0 {
			t.Errorf("nothing is near %d", i)
		}
	}
}

// library gives items with two genres of a dozen and five words each; users have
// items of one genre. Without users one item has one event.
func library(items, users int) *dataset.Snapshot {
	r := seed.Seed(3).Branch("library").Rand()
	genres, texts := make([]string, items), make([]string, items)
	of := make([][]int, 12)
	for i := range genres {
		g := r.IntN(12)
		of[g] = append(of[g], i)
		genres[i] = fmt.Sprintf("g%d|g%d", g, r.IntN(12))
		for range 5 {
			texts[i] += fmt.Sprintf(" w%d", min(r.IntN(400), r.IntN(400)))
		}
	}
	histories := [][]int{{0}}
	for range users {
		list := of[r.IntN(12)]
		var h []int
		for range 3 + r.IntN(20) {
			h = append(h, list[min(r.IntN(len(list)), r.IntN(len(list)))])
		}
		histories = append(histories, h)
	}
	return shelf(genres, texts, histories...)
}

func TestSimilarIsTheSameWithAnyWorkers(t *testing.T) {
	data := library(400, 300)
	var want []byte
	for _, workers := range []int{1, 2, 5} {
		var b bytes.Buffer
		if err := similar(t, data, workers).Save(&b); err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = b.Bytes()
		}
		if !bytes.Equal(b.Bytes(), want) {
			t.Errorf("%d workers give other bytes", workers)
		}
	}
	m, err := Similar{}.Load(bytes.NewReader(want), int64(len(want)))
	if err != nil {
		t.Fatal(err)
	}
	fresh := similar(t, data, 2)
	for i := range 400 {
		if !slices.Equal(closeTo(t, m, i), closeTo(t, fresh, i)) {
			t.Errorf("near %d after loading", i)
		}
	}
}

func TestCompletingStops(t *testing.T) {
	data := library(400, 0)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	a := newAttributes(data, nil)
	a.expect(make([]uint32, 400), 0)
	if _, err := a.complete(ctx, &pairs{}, nil, eventsOf(data), 2); err == nil {
		t.Error("stopped, and completed")
	}
}

// BenchmarkSimilar compares with counting co-occurrence alone.
func BenchmarkSimilar(b *testing.B) {
	data := library(20_000, 5_000)
	for name, with := range map[string]*dataset.Table{"with metadata": data.ItemTable, "co-occurrence": nil} {
		b.Run(name, func(b *testing.B) {
			plain := *data
			plain.ItemTable = with
			for b.Loop() {
				similar(b, &plain, 1)
			}
		})
	}
}
