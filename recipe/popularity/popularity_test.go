package popularity

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"usher/dataset"
	"usher/internal/seed"
	"usher/recipe"
	"usher/recipe/recipetest"
)

func TestContract(t *testing.T) { recipetest.Run(t, Recipe{}) }

// snapshot gives data in which user u has items histories[u].
func snapshot(items int, histories [][]int) *dataset.Snapshot {
	events := make([][]dataset.Event, len(histories))
	for u, h := range histories {
		for _, i := range h {
			events[u] = append(events[u], dataset.Event{Item: dataset.Index(i)})
		}
	}
	return dataset.NewSnapshot(make([]string, len(histories)), make([]string, items), []string{""}, events)
}

// skewed gives users with some popular items and repeats.
func skewed(users, items int) *dataset.Snapshot {
	histories := make([][]int, users)
	for u := range histories {
		r := seed.Seed(9).Branch("history", uint64(u)).Rand()
		for range r.IntN(20) {
			histories[u] = append(histories[u], int(float64(items)*math.Pow(r.Float64(), 3)))
		}
	}
	return snapshot(items+3, histories)
}

func trained(t testing.TB, data *dataset.Snapshot) *Model {
	t.Helper()
	m, err := Recipe{}.Train(context.Background(), recipe.Input{Data: data})
	if err != nil {
		t.Fatal(err)
	}
	return m.(*Model)
}

func indexes(list []recipe.Scored) (out []dataset.Index) {
	for _, x := range list {
		out = append(out, x.Index)
	}
	return out
}

func TestUsersCountOnce(t *testing.T) {
	// Item 3 has most events, but of one user; 0 and 2 tie; nobody has 4.
	m := trained(t, snapshot(5, [][]int{{3, 3, 3, 3, 3, 3}, {1, 2, 1}, {0, 1}, {2, 0, 1}}))
	got, err := m.Recommend(context.Background(), nil, 9, dataset.Set{}, nil)
	if want := []dataset.Index{1, 0, 2, 3}; err != nil || !slices.Equal(indexes(got), want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	for i, want := range []int{2, 3, 2, 1, 0, 0, 0} {
		if n := m.Users(dataset.Index(i)); n != want {
			t.Errorf("item %d had %d users, want %d", i, n, want)
		}
	}
	ranked, err := m.Rank(context.Background(), nil, []dataset.Index{9, 4, 3, 2, 0, 2}, nil)
	if want := []dataset.Index{0, 2, 2, 3, 9, 4}; err != nil || !slices.Equal(indexes(ranked), want) {
		t.Errorf("ranked %v, %v, want %v", ranked, err, want)
	}
}

func TestOrderEqualsTheNaiveCounter(t *testing.T) {
	data := skewed(500, 80)
	have := map[dataset.Index]map[int]bool{}
	for u := range data.UserIDs {
		for _, e := range data.History(dataset.Index(u)) {
			if have[e.Item] == nil {
				have[e.Item] = map[int]bool{}
			}
			have[e.Item][u] = true
		}
	}
	var want []dataset.Index
	for i := range have {
		want = append(want, i)
	}
	slices.SortFunc(want, func(a, b dataset.Index) int {
		return cmp.Or(len(have[b])-len(have[a]), int(a)-int(b))
	})
	got, err := trained(t, data).Recommend(context.Background(), nil, 1000, dataset.Set{}, nil)
	if err != nil || !slices.Equal(indexes(got), want) {
		t.Errorf("%v, %v, want %v", indexes(got), err, want)
	}
}

// A stop in the middle of counting is seen, not only one before it.
func TestCountStops(t *testing.T) {
	histories := make([][]int, 10)
	for u := range histories {
		histories[u] = make([]int, checkEvery/2)
	}
	data := snapshot(1, histories)
	for _, after := range []int{0, 1, 3} {
		ctx := &impatient{Context: context.Background(), left: after}
		if _, err := Count(ctx, data); err == nil {
			t.Errorf("stopped after %d looks: no error", after)
		}
	}
	ctx := &impatient{Context: context.Background(), left: 1000}
	if users, err := Count(ctx, data); err != nil || users[0] != 10 || ctx.left > 1000-4 {
		t.Errorf("%v, %v; %d looks left", users, err, ctx.left)
	}
}

// impatient is done when it has been looked at some times.
type impatient struct {
	context.Context
	left int
}

func (c *impatient) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
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

// What a checksum does not see: numbers that lead nowhere.
func TestUnsoundFilesAreRefused(t *testing.T) {
	good := save(t, trained(t, snapshot(5, [][]int{{0, 1}, {1}})))
	for _, c := range []struct {
		name  string
		at    int // of the uint32 behind the magic
		value uint32
	}{
		{"nothing changed", 0, version},
		{"a later version", 0, 9},
		{"fewer known than there are", 1, 1},
		{"more items than bytes", 2, 1 << 30},
		{"an item beyond the known ones", 3, 5},
		{"an item twice", 3, 0},
		{"an item without users", 4, 0},
	} {
		b := slices.Clone(good)
		binary.LittleEndian.PutUint32(b[len(magic)+4*c.at:], c.value)
		binary.LittleEndian.PutUint32(b[len(b)-4:], crc32.Checksum(b[:len(b)-4], crc32.MakeTable(crc32.Castagnoli)))
		if _, err := load(b); (err == nil) != (c.name == "nothing changed") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestHyperparametersAreRefused(t *testing.T) {
	_, err := Recipe{}.Train(context.Background(), recipe.Input{Data: skewed(5, 5), Params: recipe.Params{"x": "1"}})
	if err == nil || !strings.Contains(err.Error(), "unknown hyperparameter") {
		t.Error(err)
	}
}

// Files of version 1 stay readable. This one was saved from the data of
// TestUsersCountOnce when there was no later version; it is never written anew.
func TestVersion1IsReadable(t *testing.T) {
	raw, err := os.ReadFile("testdata/version1.model")
	if err != nil {
		t.Fatal(err)
	}
	m, err := load(raw)
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.Recommend(context.Background(), nil, 9, dataset.Set{}, nil)
	if err != nil || m.Len() != 5 || !slices.Equal(indexes(got), []dataset.Index{1, 0, 2, 3}) {
		t.Errorf("%d items known, the order is %v, %v", m.Len(), got, err)
	}
}

func FuzzLoad(f *testing.F) {
	raw := save(f, trained(f, skewed(20, 9)))
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

func BenchmarkRecommend(b *testing.B) {
	m := trained(b, skewed(20_000, 20_000))
	for _, step := range []int{1, 50} {
		b.Run(fmt.Sprintf("one of %d allowed", step), func(b *testing.B) {
			allow := dataset.NewSet(m.Len())
			for i := 0; i < m.Len(); i += step {
				allow.Add(dataset.Index(i))
			}
			dst := make([]recipe.Scored, 0, 25)
			for b.Loop() {
				var err error
				if dst, err = m.Recommend(context.Background(), nil, 25, allow, dst); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
