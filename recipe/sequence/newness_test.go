package sequence

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"usher/dataset"
	"usher/internal/seed"
	"usher/recipe"
)

var newsSchema = &dataset.Schema{Type: dataset.Items, Fields: []dataset.Field{
	{Name: "ITEM_ID", Kind: dataset.String}, {Name: "GENRE", Kind: dataset.String, Categorical: true},
	{Name: createdColumn, Kind: dataset.Long, Nullable: true}}}

// The made-up newspaper: an article an hour for newsHours, and as many more that are
// older than the rest and that hardly anybody reads.
const (
	newsHours   = 400
	newsOld     = 200
	newsReaders = 350
	newsBegin   = int64(1_600_000_000)
)

func newsRow(i int, created int64) dataset.Row {
	row := append(genreRow(i%4), dataset.Value{Kind: dataset.Long, Int: created})
	return row
}

// news gives readers of one of four genres, each of whom comes once and reads six
// articles of the last day or, one in fifty times, any; where young is false, any of
// all that he could.
func news(young bool) *dataset.Snapshot {
	var users, ids []string
	table := dataset.NewTable(newsSchema)
	for i := range newsHours + newsOld {
		created := newsBegin + 3600*int64(i)
		if i >= newsHours {
			created = newsBegin - 3600*int64(5000+97*i)
		}
		ids = append(ids, fmt.Sprint("i", i))
		table.Set(dataset.Index(i), newsRow(i, created))
	}
	var events [][]dataset.Event
	for u := range newsReaders {
		r := seed.Seed(5).Branch("reader", uint64(u)).Rand()
		hour := 30 + u*(newsHours-31)/newsReaders
		var h []dataset.Event
		for len(h) < 6 {
			i := newsHours + r.IntN(newsOld)
			if young && r.IntN(50) > 0 {
				i = hour - r.IntN(24)
			} else if !young && r.IntN(2) == 0 {
				i = r.IntN(hour)
			}
			i += u%4 - i%4
			if i >= 0 && i < len(ids) && !slices.ContainsFunc(h, func(e dataset.Event) bool { return int(e.Item) == i }) {
				h = append(h, dataset.Event{Time: newsBegin + 3600*int64(hour) + int64(len(h)), Item: dataset.Index(i)})
			}
		}
		users, events = append(users, fmt.Sprint("u", u)), append(events, h)
	}
	s := dataset.NewSnapshot(users, ids, []string{""}, events)
	s.ItemTable = table
	return s
}

// TestYoungNewcomersComeFirst: of two new articles of a genre the one of an hour ago
// stands before the one of six years ago, in the model, the refitted and the loaded one,
// and the same answer changes when time goes by.
func TestYoungNewcomersComeFirst(t *testing.T) {
	data := news(true)
	in := recipe.Input{Data: data, Seed: 2, Workers: 2}
	first := train(t, in)
	in.Tuned = first.Choices()
	again := train(t, in)
	if first.cold.newness == nil || again.cold.newness == nil {
		t.Fatal("age says nothing")
	}
	loaded, err := Recipe{}.Load(bytes.NewReader(saved(t, again)), int64(len(saved(t, again))))
	if err != nil {
		t.Fatal(err)
	}
	loaded.(*Model).Cache(1 << 20)
	const end = newsBegin + 3600*newsHours
	fresh, stale := dataset.Index(newsHours+newsOld), dataset.Index(newsHours+newsOld+1)
	born := map[dataset.Index]int64{fresh: end, stale: end - 50000*3600}
	met := func(m recipe.Meeter) recipe.Model {
		return m.Meet(newsSchema, []dataset.Index{stale, fresh}, func(i dataset.Index) dataset.Row { return newsRow(0, born[i]) })
	}
	order := func(m recipe.Model, now int64) (out []dataset.Index) {
		q := &recipe.Query{History: data.History(newsReaders - 2), Now: time.Unix(now, 0)}
		got, err := m.Recommend(t.Context(), q, 2, onlyThese(fresh, stale), nil)
		if err != nil {
			t.Fatal(err)
		}
		return indexes(got)
	}
	for name, m := range map[string]recipe.Model{"first": met(first), "refitted": met(again), "loaded": met(loaded.(recipe.Meeter))} {
		if got := order(m, end+3600); !slices.Equal(got, []dataset.Index{fresh, stale}) {
			t.Errorf("%s: an hour later %v", name, got)
		}
		soon, late := m.(*Model).cold.ageEffect(m.(*Model).cold.find(fresh), end+3600), m.(*Model).cold.ageEffect(m.(*Model).cold.find(fresh), end+50000*3600)
		if soon < late+2 {
			t.Errorf("%s: of an article of an hour the age says %v, of one of six years %v", name, soon, late)
		}
	}
	m := met(loaded.(recipe.Meeter))
	score := func(now int64) float32 {
		got, err := m.Recommend(t.Context(), &recipe.Query{History: data.History(newsReaders - 2), Now: time.Unix(now, 0)}, 1, onlyThese(fresh), nil)
		if err != nil {
			t.Fatal(err)
		}
		return got[0].Score
	}
	if a, b, c := score(end+3600), score(end+50000*3600), score(end+3600); !(b < a/2) || a != c {
		t.Errorf("the same question is answered by %v, six years later %v, and then %v", a, b, c)
	}
}

// onlyThese gives a set of items.
func onlyThese(items ...dataset.Index) dataset.Set {
	s := dataset.NewSet(newsHours + newsOld + 8)
	for _, i := range items {
		s.Add(i)
	}
	return s
}

// TestAgeThatSaysNothing is left alone.
func TestAgeThatSaysNothing(t *testing.T) {
	data := news(false)
	r := seed.Seed(9).Rand()
	for i := range data.ItemIDs { // shuffled: some of these dates lie behind events, which is said of any item alike
		data.ItemTable.Set(dataset.Index(i), newsRow(i, newsBegin-3600*int64(r.IntN(20000))))
	}
	if m := train(t, recipe.Input{Data: data, Seed: 2, Workers: 2}); m.cold == nil || m.cold.newness != nil {
		t.Errorf("newcomers %v", m.cold)
	}
}

func TestAges(t *testing.T) {
	const hour = 3600
	for _, c := range []struct {
		now, born int64
		want      int
	}{{0, 1, ageFuture}, {0, unborn, ageUnknown}, {5, 5, 1}, {hour, 0, 2}, {2 * hour, 0, 3}, {4*hour - 1, 0, 3}, {4 * hour, 0, 4}, {math.MaxInt32 * 1000, 0, ageUnknown - 1}} {
		if got := ageOf(c.now, c.born); got != c.want {
			t.Errorf("age at %d of %d is %d, want %d", c.now, c.born, got, c.want)
		}
	}
	for _, at := range []int64{unborn, 0, -hour * 900_000, 1_700_000_000 / hour * hour} {
		if got := secondsOf(hours(at)); got != at {
			t.Errorf("%d is kept as %d", at, got)
		}
	}
	if got := secondsOf(hours(math.MaxInt64)); got != math.MaxInt32*hour {
		t.Errorf("the end of time is kept as %d", got)
	}
}

func TestBirth(t *testing.T) {
	year := func(y int) int64 { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC).Unix() }
	for text, want := range map[string]int64{"Heat (1995)": year(1995), "2001: A Space Odyssey (1968)": year(1968), "1968": year(1968), "12345 and 99": unborn, "": unborn,
		"in 3001": unborn, "1999x3002": year(1999)} {
		if got := yearIn(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
	number := func(x float64) dataset.Value { return dataset.Value{Kind: dataset.Double, Num: x} }
	words := func(x string) dataset.Value { return dataset.Value{Kind: dataset.String, Str: x} }
	for _, c := range []struct {
		column string
		kind   dataset.Kind
		cells  []dataset.Value
		want   birth
		first  int64
	}{
		{createdColumn, dataset.Long, []dataset.Value{{Kind: dataset.Long, Int: 7}, {}}, birth{Column: createdColumn}, 7},
		{createdColumn, dataset.Double, []dataset.Value{number(1.5e9), number(math.NaN())}, birth{Column: createdColumn}, 1_500_000_000},
		{createdColumn, dataset.Double, []dataset.Value{number(math.Inf(1)), number(1e300)}, birth{}, 0},
		{"RELEASED", dataset.Double, []dataset.Value{number(1987), number(2003)}, birth{"RELEASED", true}, year(1987)},
		{"PRICE", dataset.Double, []dataset.Value{number(1987.5), number(12)}, birth{}, 0},
		{"TITLE", dataset.String, []dataset.Value{words("Up (2009)"), words("Up")}, birth{"TITLE", true}, year(2009)},
		{"TITLE", dataset.String, []dataset.Value{words("Up"), words("Down")}, birth{}, 0},
	} {
		table := dataset.NewTable(&dataset.Schema{Type: dataset.Items, Fields: []dataset.Field{{Name: "ITEM_ID", Kind: dataset.String}, {Name: c.column, Kind: c.kind, Nullable: true, Textual: c.kind == dataset.String}}})
		for i, cell := range c.cells {
			table.Set(dataset.Index(i), dataset.Row{words("x1999"), cell})
		}
		got, ok := findBirth(table, len(c.cells))
		if ok != (c.want != birth{}) || ok && (got != c.want || got.of(table.Schema, table.Row(0)) != c.first) {
			t.Errorf("%s: %+v, %v", c.column, got, ok)
		}
	}
}
