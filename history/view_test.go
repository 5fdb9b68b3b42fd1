package history

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"usher/dataset"
	"usher/filter"
)

// kept gives the items that a filter keeps.
func kept(t testing.TB, g *Group, src string, user dataset.Index) (out []dataset.Index) {
	t.Helper()
	v, n := g.View()
	p, err := filter.Compile(src, v.Schemas)
	if err != nil {
		t.Fatal(err)
	}
	allow := dataset.NewSet(n)
	allow.Fill(n)
	if err := p.Narrow(allow, v, filter.At{User: user, Item: dataset.NoIndex}, nil); err != nil {
		t.Fatal(err)
	}
	for i := range dataset.Index(n) {
		if allow.Has(i) {
			out = append(out, i)
		}
	}
	return out
}

// TestFiltersSeeWhatIsThere: after every random change a filter keeps the items
// that a snapshot says it should, and a user's items are those of his events.
func TestFiltersSeeWhatIsThere(t *testing.T) {
	for seed := range uint64(6) {
		r := newRig(t)
		g := r.open(t)
		x := &random{Rand: rand.New(rand.NewPCG(seed, 3)), r: r, t: t, items: itemsText}
		r.put(t, g, schemaOp(dataset.Interactions, interactionsText), schemaOp(dataset.Items, itemsText), schemaOp(dataset.Users, usersText))
		for range 60 {
			r.put(t, g, x.operation())
			s := frozen(t, g)
			if g.Schema(dataset.Items) == nil || g.Schema(dataset.Interactions) == nil {
				break // cleared: there is nothing to filter by
			}
			column := s.ItemTable.Schema.Column("GENRE")
			var want []dataset.Index
			for i := range dataset.Index(len(s.ItemIDs)) {
				row := s.ItemTable.Row(i)
				if !reflect.DeepEqual(g.Row(dataset.Items, i), row) {
					t.Fatalf("seed %d: item %d is %v, in a snapshot %v", seed, i, g.Row(dataset.Items, i), row)
				}
				if row == nil || row[column].Str != "g1" {
					want = append(want, i)
				}
			}
			if got := kept(t, g, `EXCLUDE ItemID WHERE Items.GENRE = "g1"`, dataset.NoIndex); !reflect.DeepEqual(got, want) {
				t.Fatalf("seed %d: items %v are kept, want %v", seed, got, want)
			}
			u := dataset.Index(x.IntN(len(s.UserIDs) + 1))
			had := map[dataset.Index]bool{}
			if int(u) < len(s.UserIDs) {
				for _, e := range s.History(u) {
					had[e.Item] = had[e.Item] || s.EventTypes[e.Type] == "t1"
				}
			}
			for _, i := range kept(t, g, `INCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("T1")`, u) {
				if !had[i] {
					t.Fatalf("seed %d: user %d has not had item %d", seed, u, i)
				}
				delete(had, i)
			}
			for i, yes := range had {
				if yes {
					t.Fatalf("seed %d: user %d has had item %d", seed, u, i)
				}
			}
		}
	}
}

// TestTablesArePreparedAnew: changes do not pile up.
func TestTablesArePreparedAnew(t *testing.T) {
	r := newRig(t)
	g := r.open(t)
	r.put(t, g, schemaOp(dataset.Items, itemsText))
	put := func(from, to int) {
		var ops []*operation
		for i := from; i < to; i++ {
			id := fmt.Sprint("i", i%3000)
			ops = append(ops, &operation{change: dataset.Change{Item: &dataset.Entity{ID: id, Row: dataset.Row{
				{Kind: dataset.String, Str: id}, {Kind: dataset.String, Str: fmt.Sprint("g", i/3000)}, {}}}}})
		}
		r.put(t, g, ops...)
	}
	put(0, 3000)
	if n := len(kept(t, g, `INCLUDE ItemID WHERE Items.GENRE = "g0"`, dataset.NoIndex)); n != 3000 {
		t.Errorf("%d items of the first genre", n)
	}
	put(3000, 10_000)
	g.renewals.Wait() // nothing else comes
	v, _ := g.View()
	if len(v.Items.Changed) >= changedMost || v.Items.Table.Len() != 3000 {
		t.Errorf("%d changes since the table of %d rows", len(v.Items.Changed), v.Items.Table.Len())
	}
	for genre, want := range map[string]int{"g0": 0, "g1": 0, "g2": 2000, "g3": 1000} {
		if n := len(kept(t, g, fmt.Sprintf(`INCLUDE ItemID WHERE Items.GENRE = %q`, genre), dataset.NoIndex)); n != want {
			t.Errorf("%d items of %s, want %d", n, genre, want)
		}
	}
}
