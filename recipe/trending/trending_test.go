package trending

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"os"
	"slices"
	"testing"
	"time"

	"usher/dataset"
	"usher/internal/seed"
	"usher/recipe"
	"usher/recipe/popularity"
	"usher/recipe/recipetest"
)

func TestContract(t *testing.T) { recipetest.Run(t, Recipe{}) }

// at is one event: who, what, when in minutes.
type at struct{ user, item, minute int }

func snapshot(users, items int, events ...at) *dataset.Snapshot {
	h := make([][]dataset.Event, users)
	for _, e := range events {
		h[e.user] = append(h[e.user], dataset.Event{Item: dataset.Index(e.item), Time: int64(60 * e.minute)})
	}
	return dataset.NewSnapshot(make([]string, users), make([]string, items), []string{""}, h)
}

func trained(t testing.TB, data *dataset.Snapshot, frequency string) *Model {
	t.Helper()
	m, err := Recipe{}.Train(context.Background(), recipe.Input{Data: data, Params: recipe.Params{"trend_discovery_frequency": frequency}})
	if err != nil {
		t.Fatal(err)
	}
	return m.(*Model)
}

func all(t testing.TB, m recipe.Model) (items []dataset.Index, popular int) {
	t.Helper()
	got, err := m.Recommend(context.Background(), nil, 1000, dataset.Set{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range got {
		items = append(items, x.Index)
		if x.Flags&recipe.Popular != 0 {
			popular++
		}
	}
	return items, popular
}

func TestGrowthDecides(t *testing.T) {
	// The newest event is of minute 600; intervals of an hour: (540, 600], (480, 540].
	data := snapshot(6, 7,
		// 0: the all-time favourite, shrinking.
		at{0, 0, 1}, at{1, 0, 2}, at{2, 0, 3}, at{3, 0, 4}, at{4, 0, 500}, at{5, 0, 510}, at{0, 0, 590},
		// 1: from 0 to 2. 2: from 1 to 4. 3: from 3 to 3. 4: one, at the start of the last interval.
		at{0, 1, 599}, at{1, 1, 600},
		at{0, 2, 540}, at{0, 2, 541}, at{1, 2, 550}, at{2, 2, 560}, at{3, 2, 561},
		at{1, 3, 500}, at{2, 3, 501}, at{3, 3, 502}, at{1, 3, 570}, at{2, 3, 571}, at{3, 3, 572},
		at{4, 4, 541},
		// 5: old. 6: nobody's.
		at{5, 5, 10})
	items, popular := all(t, trained(t, data, "1 hour"))
	if want := []dataset.Index{2, 1, 4, 0, 3, 5}; !slices.Equal(items, want) || popular != 3 {
		t.Errorf("%v, the last %d as popular; want %v, 3", items, popular, want)
	}
	// In half-hours up to minute 600 1 grows by two, 3 and 0 by one, and 3 had more.
	items, popular = all(t, trained(t, data, "30 minutes"))
	if want := []dataset.Index{1, 3, 0}; !slices.Equal(items[:3], want) || popular != 3 {
		t.Errorf("%v, %d popular; want %v first", items, popular, want)
	}
}

func TestPopularItemsWhereNothingGrows(t *testing.T) {
	// As many events in the last interval as in the one before.
	data := snapshot(3, 4, at{0, 2, 0}, at{1, 2, 1}, at{0, 1, 2}, at{0, 1, 119}, at{2, 1, 3}, at{2, 1, 118}, at{0, 2, 119}, at{1, 2, 100}, at{1, 0, 4}, at{1, 0, 70})
	items, popular := all(t, trained(t, data, "1 hour"))
	if want := []dataset.Index{1, 2, 0}; !slices.Equal(items, want) || popular != 3 {
		t.Errorf("%v, %d popular, want %v", items, popular, want)
	}
}

func TestRenewFollowsTheData(t *testing.T) {
	m := trained(t, snapshot(3, 2, at{0, 0, 0}, at{1, 0, 1}, at{2, 1, 0}), "1 day")
	if m.Period() != 2*time.Hour {
		t.Errorf("lists of a day are renewed after %v", m.Period())
	}
	if p := trained(t, snapshot(1, 1, at{0, 0, 0}), "30 minutes").Period(); p != 30*time.Minute {
		t.Errorf("lists of 30 minutes are renewed after %v", p)
	}
	before, _ := all(t, m)
	// Item 2 came after the training, days later.
	renewed, err := m.Renew(context.Background(), snapshot(3, 3, at{0, 0, 0}, at{1, 0, 1}, at{2, 1, 0}, at{0, 2, 9000}, at{1, 2, 9001}, at{2, 1, 9002}))
	if err != nil {
		t.Fatal(err)
	}
	if items, popular := all(t, renewed); !slices.Equal(items, []dataset.Index{2, 1, 0}) || popular != 1 || renewed.Len() != 3 {
		t.Errorf("renewed: %v, %d popular", items, popular)
	}
	if again, _ := all(t, m); !slices.Equal(again, before) {
		t.Errorf("the old model changed from %v to %v", before, again)
	}
}

// TestAgainstTheNaiveCounter: every place in the list is what counting event by
// event gives.
func TestAgainstTheNaiveCounter(t *testing.T) {
	for name, f := range frequencies {
		r := seed.Seed(3).Branch(name).Rand()
		var events []at
		for range 3000 {
			events = append(events, at{r.IntN(200), min(r.IntN(90), r.IntN(90)), r.IntN(5000)})
		}
		data := snapshot(200, 95, events...)
		m := trained(t, data, name)
		users, err := popularity.Count(context.Background(), data)
		if err != nil {
			t.Fatal(err)
		}
		end := 0
		for _, e := range events {
			end = max(end, e.minute)
		}
		growth := func(i dataset.Index) (g, last int) {
			for _, e := range events {
				back := end - e.minute
				switch width := int(f / time.Minute); {
				case e.item != int(i) || back >= 2*width:
				case back < width:
					g++
					last++
				default:
					g--
				}
			}
			return g, last
		}
		items, popular := all(t, m)
		for n := 1; n < len(items); n++ {
			a, b := items[n-1], items[n]
			ga, la := growth(a)
			gb, lb := growth(b)
			rises := len(items) - popular
			switch {
			case n < rises && (ga < gb || ga == gb && la < lb || gb <= 0):
				t.Errorf("%s, place %d: item %d (%+d, %d) before %d (%+d, %d)", name, n, a, ga, la, b, gb, lb)
			case n == rises && (ga <= 0 || gb > 0):
				t.Errorf("%s: %d items grow, but %d has %+d and %d %+d", name, rises, a, ga, b, gb)
			case n > rises && users[a] < users[b]:
				t.Errorf("%s, place %d: item %d of %d users before %d of %d", name, n, a, users[a], b, users[b])
			}
		}
	}
}

func TestMeasure(t *testing.T) {
	measure := func(data *dataset.Snapshot) float64 {
		t.Helper()
		got, err := Recipe{}.Measure(context.Background(), recipe.Input{Data: data, Params: recipe.Params{"trend_discovery_frequency": "1 hour"}})
		if err != nil || len(got) != 1 {
			t.Fatal(got, err)
		}
		return got["trend_prediction_accuracy"]
	}
	// An hour ago 0 and 1 grew by one each; now 2 grows by 3, 1 by 2, and 0 shrinks by one.
	data := snapshot(4, 3, at{0, 0, 100}, at{0, 1, 101}, at{1, 1, 170}, at{2, 1, 171}, at{3, 1, 172}, at{0, 2, 175}, at{1, 2, 176}, at{3, 2, 178})
	if got := measure(data); got != .2 {
		t.Errorf("accuracy %v, want (2 - 1) of 5", got)
	}
	// What grew an hour ago is gone.
	if got := measure(snapshot(4, 2, at{0, 0, 100}, at{1, 0, 101}, at{2, 1, 170})); got != 0 {
		t.Errorf("accuracy %v where what was trending shrinks", got)
	}
	if got := measure(snapshot(2, 2, at{0, 0, 5}, at{1, 1, 5})); got != 0 {
		t.Errorf("accuracy %v where nothing was trending before", got)
	}
}

func TestFrequenciesAreThoseOfTheTable(t *testing.T) {
	p := spec.Feature[0]
	if len(p.Values) != len(frequencies) || frequencies[p.Default] != 2*time.Hour {
		t.Errorf("table %v, default %q; here %v", p.Values, p.Default, frequencies)
	}
	for _, v := range p.Values {
		if frequencies[v] == 0 {
			t.Errorf("no frequency %q", v)
		}
	}
	_, err := Recipe{}.Train(context.Background(), recipe.Input{Data: snapshot(1, 1, at{}), Params: recipe.Params{"trend_discovery_frequency": "1 week"}})
	if err == nil {
		t.Error("a frequency of a week is taken")
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

// sample is what testdata/version1.model was saved from.
func sample() *dataset.Snapshot {
	return snapshot(3, 4, at{0, 0, 0}, at{1, 0, 1}, at{2, 2, 100}, at{1, 2, 101}, at{0, 1, 110})
}

// What a checksum does not see: numbers that lead nowhere.
func TestUnsoundFilesAreRefused(t *testing.T) {
	good := save(t, trained(t, sample(), "1 hour"))
	for _, c := range []struct {
		name  string
		at    int // of the uint32 behind the magic
		value uint32
	}{
		{"nothing changed", 0, version},
		{"a later version", 0, 9},
		{"no frequency", 1, 0},
		{"fewer known than there are", 2, 1},
		{"more items than bytes", 3, 1 << 30},
		{"more growing than there are", 4, 4},
		{"an item beyond the known ones", 5, 4},
		{"an item twice", 5, 0},
	} {
		b := slices.Clone(good)
		binary.LittleEndian.PutUint32(b[len(magic)+4*c.at:], c.value)
		binary.LittleEndian.PutUint32(b[len(b)-4:], crc32.Checksum(b[:len(b)-4], crc32.MakeTable(crc32.Castagnoli)))
		if _, err := load(b); (err == nil) != (c.name == "nothing changed") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// Files of version 1 stay readable. This one is never written anew.
func TestVersion1IsReadable(t *testing.T) {
	raw, err := os.ReadFile("testdata/version1.model")
	if err != nil {
		t.Fatal(err)
	}
	m, err := load(raw)
	if err != nil {
		t.Fatal(err)
	}
	if items, popular := all(t, m); m.Len() != 4 || !slices.Equal(items, []dataset.Index{2, 1, 0}) || popular != 1 || m.(*Model).Period() != time.Hour {
		t.Errorf("%d items known, the list is %v, %d popular", m.Len(), items, popular)
	}
}

func FuzzLoad(f *testing.F) {
	raw := save(f, trained(f, sample(), "1 day"))
	f.Add(raw)
	f.Add(raw[:len(magic)+4+head+3])
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := load(raw)
		if err != nil {
			return
		}
		if _, err := m.Recommend(context.Background(), &recipe.Query{}, 5, dataset.Set{}, nil); err != nil {
			t.Error(err)
		}
		if !bytes.Equal(save(t, m), raw) {
			t.Error("saved again, the bytes differ")
		}
	})
}

// BenchmarkTrain compares with counting popular items, which every recipe does.
func BenchmarkTrain(b *testing.B) {
	r := seed.Seed(5).Rand()
	events := make([]at, 1_000_000)
	for n := range events {
		events[n] = at{r.IntN(20_000), min(r.IntN(50_000), r.IntN(50_000)), r.IntN(60 * 24 * 365)}
	}
	data := snapshot(20_000, 50_000, events...)
	b.Run("trending", func(b *testing.B) {
		for b.Loop() {
			trained(b, data, "2 hours")
		}
	})
	b.Run("popularity", func(b *testing.B) {
		for b.Loop() {
			if _, err := (popularity.Recipe{}).Train(context.Background(), recipe.Input{Data: data}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
