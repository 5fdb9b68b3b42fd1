package sequence

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"usher/dataset"
	"usher/internal/seed"
	"usher/recipe"
)

var genreSchema = &dataset.Schema{Type: dataset.Items, Fields: []dataset.Field{
	{Name: "ITEM_ID", Kind: dataset.String}, {Name: "GENRE", Kind: dataset.String, Categorical: true}}}

func genreRow(genre int) dataset.Row {
	return dataset.Row{{Kind: dataset.String, Str: "x"}, {Kind: dataset.String, Str: fmt.Sprint("genre", genre)}}
}

// genres gives users who keep to one of four genres, 15 items each, and 24 items
// that nobody had, six of each genre.
func genres() *dataset.Snapshot {
	const items, fresh = 60, 24
	var users, ids []string
	table := dataset.NewTable(genreSchema)
	for i := range items + fresh {
		ids = append(ids, fmt.Sprint("i", i))
		table.Set(dataset.Index(i), genreRow(i%4))
	}
	var events [][]dataset.Event
	for u := range 160 {
		r := seed.Seed(5).Branch("user", uint64(u)).Rand()
		var h []dataset.Event
		for _, k := range r.Perm(items / 4)[:9] {
			h = append(h, dataset.Event{Time: int64(len(h)), Item: dataset.Index(4*k + u%4)})
		}
		users, events = append(users, fmt.Sprint("u", u)), append(events, h)
	}
	s := dataset.NewSnapshot(users, ids, []string{""}, events)
	s.ItemTable = table
	return s
}

func isNew(i dataset.Index) bool { return i >= 60 }

// newOf gives the newcomers among the first k answers to a history.
func newOf(t *testing.T, m recipe.Model, history []dataset.Event, k int) (out []dataset.Index) {
	t.Helper()
	got, err := m.Recommend(context.Background(), &recipe.Query{User: dataset.NoIndex, History: history}, k, dataset.Set{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[dataset.Index]bool{}
	for _, s := range got {
		if seen[s.Index] {
			t.Errorf("item %d comes twice", s.Index)
		}
		seen[s.Index] = true
		if isNew(s.Index) != (s.Flags&recipe.Exploration != 0) {
			t.Errorf("item %d has flags %v", s.Index, s.Flags)
		}
		if isNew(s.Index) {
			out = append(out, s.Index)
		}
	}
	return out
}

// TestNewcomers: items that nobody had are answered to those who like their genre,
// by the trained model, by the refitted and by the loaded one.
func TestNewcomers(t *testing.T) {
	data := genres()
	in := recipe.Input{Data: data, Seed: 2, Workers: 2}
	first := train(t, in)
	in.Tuned = first.Choices()
	again := train(t, in)
	loaded, err := Recipe{}.Load(bytes.NewReader(saved(t, again)), int64(len(saved(t, again))))
	if err != nil {
		t.Fatal(err)
	}
	cached, err := Recipe{}.Load(bytes.NewReader(saved(t, again)), int64(len(saved(t, again))))
	if err != nil {
		t.Fatal(err)
	}
	cached.(*Model).Cache(1 << 20)
	right, all := 0, 0
	for u := range 40 {
		h := data.History(dataset.Index(u))
		for _, i := range newOf(t, first, h, 30) {
			all++
			if int(i)%4 == u%4 {
				right++
			}
		}
		want := newOf(t, again, h, 84)
		for _, m := range []recipe.Model{loaded, cached, cached} {
			if got := newOf(t, m, h, 84); !slices.Equal(got, want) {
				t.Fatalf("user %d: loaded or cached %v, want %v", u, got, want)
			}
		}
		if len(want) != 24 {
			t.Fatalf("user %d: %d newcomers in the whole list, want 24", u, len(want))
		}
	}
	if all < 100 || float64(right) < .7*float64(all) {
		t.Errorf("%d of %d new items in lists are of the user's genre", right, all)
	}
}

// TestOnceWithNewcomers: questions of which nothing is kept, as batch jobs ask them, are
// each answered by their own history, also by a model that keeps others.
func TestOnceWithNewcomers(t *testing.T) {
	data := genres()
	m := train(t, recipe.Input{Data: data, Seed: 2, Workers: 2})
	keeping, err := load(saved(t, m))
	if err != nil {
		t.Fatal(err)
	}
	keeping.Cache(1 << 20)
	for u := range 6 {
		q := recipe.Query{History: data.History(dataset.Index(u))}
		want := answerTo(t, m, &q)
		q.Once = true
		if got := answerTo(t, keeping, &q); !slices.Equal(got, want) {
			t.Errorf("user %d: %v, want %v", u, got, want)
		}
	}
}

// TestScoresWithNewcomers: they are probabilities over all items, and a ranking has
// the same order.
func TestScoresWithNewcomers(t *testing.T) {
	data := genres()
	m := train(t, recipe.Input{Data: data, Seed: 2, Workers: 2})
	q := &recipe.Query{History: data.History(3)}
	got, err := m.Recommend(context.Background(), q, 100, dataset.Set{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.
	for i, s := range got {
		sum += float64(s.Score)
		if i > 0 && s.Score > got[i-1].Score {
			t.Errorf("place %d has a higher score than the one before", i)
		}
	}
	if math.Abs(sum-1) > 1e-3 || len(got) != 84 {
		t.Errorf("%d scores sum up to %v", len(got), sum)
	}
	var list []dataset.Index
	for _, s := range got {
		if !slices.ContainsFunc(q.History, func(e dataset.Event) bool { return e.Item == s.Index }) {
			list = append(list, s.Index)
		}
	}
	slices.Reverse(list)
	ranked, err := m.Rank(context.Background(), q, list, nil)
	if err != nil {
		t.Fatal(err)
	}
	of := map[dataset.Index]float32{}
	for _, s := range got {
		of[s.Index] = s.Score
	}
	for i, s := range ranked { // items of one genre that nobody had are equal
		if s.Flags&recipe.NoScore != 0 || i > 0 && of[s.Index] > of[ranked[i-1].Index]*1.0001 {
			t.Fatalf("place %d of the ranking is %+v, behind %+v", i, s, ranked[i-1])
		}
	}
	allow := dataset.NewSet(84)
	allow.Add(62)
	allow.Add(2)
	if got, err = m.Recommend(context.Background(), q, 10, allow, got); err != nil || len(got) != 2 {
		t.Errorf("of two allowed items: %+v, %v", got, err)
	}
}

// TestMeet: an item that comes after the training is answered by its record; the
// model that met it is another one.
func TestMeet(t *testing.T) {
	data := genres()
	m := train(t, recipe.Input{Data: data, Seed: 2, Workers: 2})
	var meeter recipe.Meeter = m
	rows := map[dataset.Index]dataset.Row{100: genreRow(1), 101: genreRow(2), 102: nil, 5: genreRow(3), 62: genreRow(1)}
	met := meeter.Meet(genreSchema, []dataset.Index{101, 100, 102, 5, 62, 100}, func(i dataset.Index) dataset.Row { return rows[i] })
	if m.Len() != 84 || met.Len() != 103 {
		t.Errorf("lengths %d and %d, want 84 and 103", m.Len(), met.Len())
	}
	place := func(m recipe.Model, u, item dataset.Index) int {
		got, err := m.Recommend(context.Background(), &recipe.Query{History: data.History(u)}, 200, dataset.Set{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return slices.IndexFunc(got, func(s recipe.Scored) bool { return s.Index == item })
	}
	if a, b := place(met, 1, 100), place(met, 1, 101); a < 0 || b < 0 || a > b {
		t.Errorf("for a user of genre 1 the new item of genre 1 is at %d, that of genre 2 at %d", a, b)
	}
	if place(m, 1, 100) >= 0 || place(met, 1, 102) >= 0 {
		t.Error("the model knows items that it has not met, or that have no record")
	}
	if before, after := place(m, 1, 62), place(met, 1, 62); after >= before {
		t.Errorf("item 62 has got the user's genre and goes from place %d to %d", before, after)
	}
	again := met.(recipe.Meeter).Meet(genreSchema, []dataset.Index{103}, func(dataset.Index) dataset.Row { return genreRow(1) })
	if place(again, 1, 103) < 0 || place(again, 1, 100) < 0 {
		t.Error("what was met before is forgotten")
	}
}

// TestNoNewcomers: where metadata say nothing, where there are none, and in the
// first version's recipes, the lists have none.
func TestNoNewcomers(t *testing.T) {
	data := genres()
	noise := dataset.NewTable(genreSchema)
	r := seed.Seed(1).Rand()
	for i := range 84 {
		noise.Set(dataset.Index(i), genreRow(100+r.IntN(30)))
	}
	for name, table := range map[string]*dataset.Table{"noise": noise, "none": nil} {
		s := *data
		s.ItemTable = table
		if got := newOf(t, train(t, recipe.Input{Data: &s, Seed: 2, Workers: 2}), data.History(1), 84); len(got) > 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
	m := train(t, recipe.Input{Data: data, Seed: 2, Workers: 2, Params: recipe.Params{"recency_mask": "true"}})
	file := saved(t, m)
	loaded, err := Recipe{}.Load(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	met := loaded.(recipe.Meeter).Meet(genreSchema, []dataset.Index{90}, func(dataset.Index) dataset.Row { return genreRow(1) })
	if got := newOf(t, met, data.History(1), 100); len(got) > 0 {
		t.Errorf("the first version answers %v", got)
	}
}

// TestContentBytes: neither workers nor damage go unnoticed.
func TestContentBytes(t *testing.T) {
	data := genres()
	one := saved(t, train(t, recipe.Input{Data: data, Seed: 4, Workers: 1}))
	if !bytes.Equal(one, saved(t, train(t, recipe.Input{Data: data, Seed: 4, Workers: 3}))) {
		t.Error("3 workers give other bytes than 1")
	}
	for _, at := range []int{len(one) - 5, len(one) - 400, len(one) / 2} {
		bad := slices.Clone(one)
		bad[at] ^= 1
		if _, err := (Recipe{}).Load(bytes.NewReader(bad), int64(len(bad))); err == nil {
			t.Errorf("byte %d is damaged and it is loaded", at)
		}
	}
}

// TestBorrowFirst: of very many newcomers those that the network ranks first borrow.
func TestBorrowFirst(t *testing.T) {
	const count = borrowMost + 500
	n := &newcomers{items: make([]uint32, count), near: make([]uint32, count*nearMost)}
	scores := make([]float32, count)
	for i := range scores {
		scores[i] = float32(i)
	}
	var first top
	n.borrowFirst(&first, scores, []float32{.5})
	for i, x := range scores {
		want := float32(i)
		if i >= 500 {
			want += .5
		}
		if x != want {
			t.Fatalf("newcomer %d has %v, want %v", i, x, want)
		}
	}
}

// TestNewcomersByVectors: where texts have no word in common, vectors of them still
// say which newcomers are like what a user has had.
func TestNewcomersByVectors(t *testing.T) {
	data := genres()
	right := func(vectors bool) float64 {
		s := &dataset.Schema{Type: dataset.Items, Fields: []dataset.Field{{Name: "ITEM_ID", Kind: dataset.String}, {Name: "ABOUT", Kind: dataset.String, Textual: true}}}
		if vectors {
			s.Fields = append(s.Fields, dataset.Field{Name: "ABOUT vector", Kind: dataset.Vector, Nullable: true})
		}
		data.ItemTable = dataset.NewTable(s)
		for i := range data.Items() {
			row := dataset.Row{{Kind: dataset.String, Str: "x"}, {Kind: dataset.String, Str: fmt.Sprint("word", i)}}
			if vectors {
				r := seed.Seed(8).Branch("vector", uint64(i)).Rand()
				x := make([]float32, 8)
				for k := range x {
					x[k] = .3 * float32(r.NormFloat64())
				}
				x[i%4]++
				row = append(row, dataset.VectorValue(x))
			}
			data.ItemTable.Set(dataset.Index(i), row)
		}
		in := recipe.Input{Data: data, Seed: 2, Workers: 2}
		in.Tuned = train(t, in).Choices()
		m := train(t, in)
		good, all := 0, 0
		for u := range 40 {
			for _, i := range newOf(t, m, data.History(dataset.Index(u)), 30) {
				all++
				if int(i)%4 == u%4 {
					good++
				}
			}
		}
		return float64(good) / float64(max(1, all))
	}
	with, without := right(true), right(false)
	if with < .6 || without > .5 {
		t.Errorf("%.2f of the newcomers suit the user by vectors, %.2f without", with, without)
	}
}
