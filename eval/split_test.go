package eval

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"usher/dataset"
	"usher/internal/seed"
)

// data gives users with 0, 1, 2, … events in turn; event j of user u is of item
// (u+j)%40, at time j.
func data(users, most int) *dataset.Snapshot {
	var ids, itemIDs []string
	events := make([][]dataset.Event, users)
	for u := range users {
		ids = append(ids, fmt.Sprintf("user %d", u))
		for j := range u % (most + 1) {
			events[u] = append(events[u], dataset.Event{Time: int64(j), Item: dataset.Index((u + j) % 40)})
		}
	}
	for i := range 40 {
		itemIDs = append(itemIDs, fmt.Sprint(i))
	}
	return dataset.NewSnapshot(ids, itemIDs, []string{""}, events)
}

func TestSplitPartsTheData(t *testing.T) {
	d := data(943, 45)
	train, tests := Split(d, 7)
	able := 0
	for u := range d.UserIDs {
		if len(d.History(dataset.Index(u))) >= 2 {
			able++
		}
	}
	if want := (able + 5) / 10; len(tests) != want {
		t.Errorf("%d test users of %d, want %d", len(tests), able, want)
	}
	isTest := map[dataset.Index]bool{}
	for i, c := range tests {
		isTest[c.User] = true
		if i > 0 && tests[i-1].User >= c.User {
			t.Errorf("user %d comes after user %d", c.User, tests[i-1].User)
		}
		h := d.History(c.User)
		cut := len(c.Input)
		if n := len(h); n-cut != max(1, n/10) || cut < 1 {
			t.Errorf("user %d: %d of %d events are the truth", c.User, n-cut, n)
		}
		if !slices.EqualFunc(c.Input, h[:cut], same) {
			t.Errorf("user %d: the input is not his oldest events", c.User)
		}
		if want := unique(h[cut:]); !slices.Equal(c.Truth, want) {
			t.Errorf("user %d: truth %v, want %v", c.User, c.Truth, want)
		}
		if c.QueryItem() != h[cut-1].Item {
			t.Errorf("user %d: query item %d", c.User, c.QueryItem())
		}
	}
	for u := range d.UserIDs {
		u := dataset.Index(u)
		got, want := train.History(u), d.History(u)
		if isTest[u] {
			want = nil
		}
		if !slices.EqualFunc(got, want, same) {
			t.Errorf("user %d trains with %d events, want %d", u, len(got), len(want))
		}
	}
	if train.Users() != d.Users() || train.Items() != d.Items() {
		t.Error("the training data have other users or items")
	}
}

func same(a, b dataset.Event) bool { return a == b }

// unique is the plain twin of items.
func unique(events []dataset.Event) (out []dataset.Index) {
	for _, e := range events {
		if !slices.Contains(out, e.Item) {
			out = append(out, e.Item)
		}
	}
	return out
}

func TestSplitDependsOnSeedAndIDs(t *testing.T) {
	d := data(400, 12)
	_, a := Split(d, 1)
	_, b := Split(d, 1)
	_, c := Split(d, 2)
	if !reflect.DeepEqual(a, b) {
		t.Error("the same seed gives another split")
	}
	if reflect.DeepEqual(a, c) {
		t.Error("another seed gives the same split")
	}
	// The same users under other numbers.
	order := rand.New(rand.NewPCG(1, 2)).Perm(d.Users())
	ids, events := make([]string, d.Users()), make([][]dataset.Event, d.Users())
	for u, at := range order {
		ids[at], events[at] = d.UserIDs[u], d.History(dataset.Index(u))
	}
	e := dataset.NewSnapshot(ids, d.ItemIDs, d.EventTypes, events)
	_, moved := Split(e, 1)
	if x, y := names(d, a), names(e, moved); !slices.Equal(x, y) {
		t.Errorf("test users %v, after renumbering %v", x, y)
	}
}

func names(d *dataset.Snapshot, cases []Case) (out []string) {
	for _, c := range cases {
		out = append(out, d.UserIDs[c.User])
	}
	slices.Sort(out)
	return out
}

// Each user is drawn about as often as others.
func TestSplitIsFair(t *testing.T) {
	d := data(200, 9)
	drawn := map[dataset.Index]int{}
	const seeds = 400
	for s := range seeds {
		_, tests := Split(d, seed.Seed(s))
		for _, c := range tests {
			drawn[c.User]++
		}
	}
	for u := range d.UserIDs {
		able := len(d.History(dataset.Index(u))) >= 2
		if n := drawn[dataset.Index(u)]; able && (n < 15 || n > 75) || !able && n > 0 { // mean 40, deviation 6
			t.Errorf("user %d of %d events is drawn %d times of %d", u, len(d.History(dataset.Index(u))), n, seeds)
		}
	}
}

func TestSplitOfTinyData(t *testing.T) {
	one := []dataset.Event{{Item: 0}}
	two := []dataset.Event{{Item: 0}, {Item: 1, Time: 1}}
	for _, c := range []struct {
		name   string
		events [][]dataset.Event
		tests  int
	}{
		{"nobody", nil, 0},
		{"one event each", [][]dataset.Event{one, one, one}, 0},
		{"one user who could test", [][]dataset.Event{two, one, one}, 0},
		{"two who could", [][]dataset.Event{two, two}, 1},
	} {
		d := dataset.NewSnapshot([]string{"a", "b", "c"}, []string{"x", "y"}, []string{""}, c.events)
		train, tests := Split(d, 1)
		if len(tests) != c.tests {
			t.Errorf("%s: %d cases, want %d", c.name, len(tests), c.tests)
		}
		if c.tests == 0 && train != d {
			t.Errorf("%s: the training data are not all data", c.name)
		}
	}
	if got := (Case{}).QueryItem(); got != dataset.NoIndex {
		t.Errorf("query item of an empty input: %d", got)
	}
}

func TestLeaveOneOut(t *testing.T) {
	d := data(50, 6)
	train, tests := LeaveOneOut(d)
	at := 0
	for u := range d.UserIDs {
		u := dataset.Index(u)
		h := d.History(u)
		want := h
		if n := len(h); n >= 2 {
			c := tests[at]
			at++
			want = h[:n-1]
			if c.User != u || !slices.EqualFunc(c.Input, want, same) || !slices.Equal(c.Truth, []dataset.Index{h[n-1].Item}) {
				t.Errorf("user %d: %+v", u, c)
			}
		}
		if !slices.EqualFunc(train.History(u), want, same) {
			t.Errorf("user %d trains with %v", u, train.History(u))
		}
	}
	if at != len(tests) {
		t.Errorf("%d cases, want %d", len(tests), at)
	}
}
