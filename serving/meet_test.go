package serving

import (
	"slices"
	"testing"
	"time"

	"usher/dataset"
	"usher/recipe"
)

// meeter is a model that answers what it has met.
type meeter struct {
	spelled
	met []dataset.Index
}

// Forget implements recipe.Forgetter: it has met nobody then.
func (m meeter) Forget([]dataset.Index) recipe.Model { return meeter{m.spelled, nil} }

func (m meeter) Meet(s *dataset.Schema, items []dataset.Index, row func(dataset.Index) dataset.Row) recipe.Model {
	out := meeter{m.spelled, slices.Clone(m.met)}
	for _, i := range items {
		if r := row(i); r != nil && r[s.Column("GENRE")].Str != "" {
			out.met = append(out.met, i)
		}
	}
	return out
}

const itemText = `{"type":"record","name":"Items","fields":[{"name":"ITEM_ID","type":"string"},{"name":"GENRE","type":"string","categorical":true}],"version":"1.0"}`

// TestMeet: an item is met at the first request after its record is known, also
// when an event has named it before; without a new item nothing is done.
func TestMeet(t *testing.T) {
	w := newWorld(t)
	now := time.Unix(1000, 0)
	w.s.opt.Now = func() time.Time { return now }
	m := w.s.meet(meeter{spelled: spelled{"m"}}, w.Record.ID)
	have := func() []dataset.Index {
		t.Helper()
		if _, err := m.Recommend(t.Context(), &recipe.Query{Item: dataset.NoIndex}, 1, dataset.Set{}, nil); err != nil {
			t.Fatal(err)
		}
		return (*m.(*meeting).model.Load()).(meeter).met
	}
	if got := have(); len(got) != 0 {
		t.Errorf("met %v at the start", got)
	}
	w.append(dataset.Change{Schema: &dataset.SchemaSet{Type: dataset.Items, Text: itemText}})
	describe := func(id string) {
		row := dataset.Row{{Kind: dataset.String, Str: id}, {Kind: dataset.String, Str: "drama"}}
		w.append(dataset.Change{Item: &dataset.Entity{ID: id, Row: row}})
	}
	describe("i3")
	if got := have(); !slices.Equal(got, []dataset.Index{3}) {
		t.Errorf("after PutItems: met %v, want 3", got)
	}
	w.event("ann", "i4", 9) // nobody knows yet what it is
	if got := have(); len(got) != 1 {
		t.Errorf("an item without a record: met %v", got)
	}
	describe("i4")
	now = now.Add(lookAgain)
	if got := have(); !slices.Equal(got, []dataset.Index{3, 4}) {
		t.Errorf("described later: met %v, want 3 and 4", got)
	}
	if plain := w.s.meet(spelled{"x"}, w.Record.ID); plain != recipe.Model(spelled{"x"}) {
		t.Error("a model that meets nobody is wrapped")
	}
}

// TestMeetForgets: a model that keeps users forgets those who were deleted, once.
func TestMeetForgets(t *testing.T) {
	w := newWorld(t)
	m := w.s.meet(meeter{spelled{"m"}, []dataset.Index{1}}, w.Record.ID)
	ask := func() []dataset.Index {
		t.Helper()
		if _, err := m.Recommend(t.Context(), &recipe.Query{Item: dataset.NoIndex}, 1, dataset.Set{}, nil); err != nil {
			t.Fatal(err)
		}
		return (*m.(*meeting).model.Load()).(meeter).met
	}
	if got := ask(); len(got) != 1 {
		t.Fatalf("nobody was deleted, and it has met %v", got)
	}
	w.event("ann", "i1", 9)
	w.append(dataset.Change{Forgotten: &dataset.Forgotten{Users: []string{"ann"}}})
	if got := ask(); len(got) != 0 {
		t.Errorf("the model has not forgotten: %v", got)
	}
	again := recipe.Meeter(meeter{spelled{"m"}, []dataset.Index{2}})
	m.(*meeting).model.Store(&again)
	if got := ask(); len(got) != 1 {
		t.Error("without another deletion it forgets again")
	}
}
