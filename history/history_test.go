package history

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"usher/dataset"
)

// Random operations, followed one by one, replayed from the start, and followed
// from the middle in pieces, give what the twin says, number for number (I1).
func TestReplayEqualsFollow(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := newRig(t)
			x := &random{Rand: rand.New(rand.NewPCG(seed, 1)), r: r, t: t, items: itemsText}
			r.tailLeast = 8
			w := newTwin()
			first := r.open(t)
			var middle *Group
			ops := []*operation{schemaOp(dataset.Interactions, interactionsText), schemaOp(dataset.Items, itemsText), schemaOp(dataset.Users, usersText)}
			for _, o := range ops {
				w.apply(o)
			}
			r.put(t, first, ops...)
			var piece []*operation
			for n := range 250 {
				next := []*operation{x.operation()}
				if c := next[0].change.Cleared; c != nil { // the dataset comes again
					if c.Type == dataset.Items {
						x.items = itemsText
					}
					next = append(next, schemaOp(c.Type, map[dataset.Type]string{
						dataset.Interactions: interactionsText, dataset.Items: itemsText, dataset.Users: usersText}[c.Type]))
				}
				for _, o := range next {
					w.apply(o)
				}
				piece = append(piece, next...)
				if n == 120 {
					middle = r.open(t)
				}
				if n == 60 || n == 180 { // those who come later begin from here
					r.save(t, first)
				}
				if x.IntN(10) > 0 {
					continue
				}
				r.append(t, piece...)
				piece = nil
				if x.IntN(3) == 0 {
					compare(t, first, w)
				}
			}
			r.append(t, piece...)
			for _, g := range []*Group{first, middle, r.open(t)} {
				compare(t, g, w)
			}
		})
	}
}

// equal is same for what readers get.
func equal(a, b dataset.Event) bool { return same(event{Event: a}, event{Event: b}) }

// compare checks everything that a group tells against the twin.
func compare(t *testing.T, g *Group, w *twin) {
	t.Helper()
	got, want := frozen(t, g), w.snapshot()
	if !slices.Equal(got.UserIDs, want.UserIDs) || !slices.Equal(got.ItemIDs, want.ItemIDs) || !slices.Equal(got.EventTypes, want.EventTypes) {
		t.Fatalf("numbers\n got %q %q %q\nwant %q %q %q", got.UserIDs, got.ItemIDs, got.EventTypes, want.UserIDs, want.ItemIDs, want.EventTypes)
	}
	for u := range want.UserIDs {
		a, b := got.History(dataset.Index(u)), want.History(dataset.Index(u))
		if !slices.EqualFunc(a, b, equal) {
			t.Fatalf("events of %s\n got %v\nwant %v", want.UserIDs[u], a, b)
		}
		if live := g.Events(dataset.Index(u)); !slices.EqualFunc(live, b, equal) {
			t.Fatalf("live events of %s\n got %v\nwant %v", want.UserIDs[u], live, b)
		}
	}
	for u := range want.UserIDs {
		a, b := got.Shown.Of(dataset.Index(u)), want.Shown.Of(dataset.Index(u))
		if live := g.Shown(dataset.Index(u)); !slices.Equal(a, b) || !slices.Equal(live, b) {
			t.Fatalf("shown to %s\n got %v\nlive %v\nwant %v", want.UserIDs[u], a, live, b)
		}
	}
	got.ContextTable = nil // TestContexts looks at it
	for i := range got.Events {
		got.Events[i].Context = 0
	}
	if !bytes.Equal(file(t, got), file(t, want)) {
		t.Fatalf("tables\n got %+v %+v\nwant %+v %+v", got.ItemTable, got.UserTable, want.ItemTable, want.UserTable)
	}
	for i := range 20 {
		for _, id := range []string{fmt.Sprintf("u%d", i), fmt.Sprintf("s%d", i), fmt.Sprintf("i%d", i)} {
			if a, b := g.User(id), w.user(id); a != b {
				t.Fatalf("user %s is %d, want %d", id, a, b)
			}
			if a, b := g.Item(id), dataset.Index(slices.Index(w.items, id)); a != b {
				t.Fatalf("item %s is %d, want %d", id, a, b)
			}
		}
	}
	for _, kind := range []dataset.Type{dataset.Interactions, dataset.Items, dataset.Users} {
		if (g.Schema(kind) == nil) != (w.schemas[kind] == nil) {
			t.Fatalf("schema of %s: %v", kind, g.Schema(kind))
		}
	}
}
