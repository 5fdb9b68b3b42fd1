package train

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"usher/catalog"
	"usher/dataset"
	"usher/recipe"
)

func threshold(x float64) *float64 { return &x }

func TestFilter(t *testing.T) {
	nan := float32(math.NaN())
	s := dataset.NewSnapshot([]string{"a", "b"}, []string{"x", "y"}, []string{"Watch", "click", "WATCH"}, [][]dataset.Event{
		{{Time: 1, Item: 0, Type: 0, Value: 3.6}, {Time: 2, Item: 1, Type: 1, Value: 5}, {Time: 3, Item: 0, Type: 2, Value: nan}},
		{{Time: 4, Item: 1, Type: 1, Value: 1}},
	})
	for name, c := range map[string]struct {
		v    catalog.SolutionVersion
		want []int64 // times
	}{
		"none":             {catalog.SolutionVersion{}, []int64{1, 2, 3, 4}},
		"any case":         {catalog.SolutionVersion{EventType: "watch"}, []int64{1, 3}},
		"threshold":        {catalog.SolutionVersion{EventType: "Watch", EventValueThreshold: threshold(3.6)}, []int64{1}},
		"lower threshold":  {catalog.SolutionVersion{EventType: "CLICK", EventValueThreshold: threshold(1)}, []int64{2, 4}},
		"threshold alone":  {catalog.SolutionVersion{EventValueThreshold: threshold(2)}, []int64{1, 2}},
		"zero is a number": {catalog.SolutionVersion{EventValueThreshold: threshold(0)}, []int64{1, 2, 4}},
		"nothing":          {catalog.SolutionVersion{EventType: "buy"}, nil},
	} {
		got := recipe.Learnt(s, c.v.EventType, c.v.EventValueThreshold)
		var times []int64
		for u := range got.UserIDs {
			for _, e := range got.History(dataset.Index(u)) {
				times = append(times, e.Time)
			}
		}
		if !slices.Equal(times, c.want) {
			t.Errorf("%s: %v, want %v", name, times, c.want)
		}
		if got.Items() != 2 || got.Users() != 2 {
			t.Errorf("%s: numbers have changed", name)
		}
	}
	if len(s.Events) != 4 {
		t.Error("the data itself was changed")
	}
}

func TestMinimums(t *testing.T) {
	// User i of 10 has i events (the first none), of types in turn.
	types := []string{"a", "b", "c"}
	var users []string
	var events [][]dataset.Event
	for u := range 10 {
		users = append(users, string(rune('A'+u)))
		var h []dataset.Event
		for k := range u {
			h = append(h, dataset.Event{Time: int64(k), Type: uint16(k % 3), Value: float32(k)})
		}
		events = append(events, h)
	}
	s := dataset.NewSnapshot(users, []string{"x"}, types, events) // 45 events; 9 users, 8 of them with two
	for _, c := range []struct {
		least Minimums
		types int
		v     catalog.SolutionVersion
		want  string
	}{
		{Minimums{45, 8, .88}, 3, catalog.SolutionVersion{}, ""},
		{Minimums{}, 0, catalog.SolutionVersion{}, ""},
		{Minimums{Interactions: 46}, 0, catalog.SolutionVersion{},
			"Dataset has fewer than 46 interactions. It has 45. Import more interactions, or record them with PutEvents."},
		{Minimums{Interactions: 45}, 0, catalog.SolutionVersion{EventType: "A"},
			"Dataset has fewer than 45 interactions after filtering by event type: A. It has 18. Without the filter there are 45 interactions of the event types a, b, c. Import more, or create a solution with another eventType or eventValueThreshold."},
		{Minimums{Interactions: 45}, 0, catalog.SolutionVersion{EventType: "a", EventValueThreshold: threshold(2.5)},
			"Dataset has fewer than 45 interactions after filtering by event type: a and event value of at least 2.5. It has 9. "},
		{Minimums{}, 0, catalog.SolutionVersion{EventType: "buy"},
			"Dataset has fewer than 1 interactions after filtering by event type: buy. It has 0. "},
		{Minimums{Users: 9}, 0, catalog.SolutionVersion{},
			"Dataset has fewer than 9 users with at least 2 interactions each. Of 9 users with interactions 8 have 2 or more. Import more"},
		{Minimums{Share: .9}, 0, catalog.SolutionVersion{},
			"Dataset has fewer than 90% of users with at least 2 interactions each. Of 9 users with interactions 8 have 2 or more. "},
		{Minimums{}, 2, catalog.SolutionVersion{},
			"Dataset has more than 2 distinct event types. It has 3: a, b, c. Give the solution an eventType, or import fewer types."},
		{Minimums{}, 2, catalog.SolutionVersion{EventType: "b"}, ""},
		{Minimums{Interactions: 45}, 0, catalog.SolutionVersion{Recipe: "aws-vod-most-popular", EventType: "Watch"},
			"Dataset has fewer than 45 interactions after filtering by event type: Watch. It has 0. Of all types there are 45 interactions: a, b, c. Import more of the type Watch, or record them with PutEvents."},
		{Minimums{}, 2, catalog.SolutionVersion{Recipe: "aws-vod-top-picks"},
			"Dataset has more than 2 distinct event types. It has 3: a, b, c. Import fewer types."},
	} {
		tr := New(Options{Minimums: c.least, EventTypes: c.types})
		err := tr.check(&c.v, s, recipe.Learnt(s, c.v.EventType, c.v.EventValueThreshold))
		var bad *insufficient
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%+v %q: %v", c.least, c.v.EventType, err)
		case c.want != "" && (!errors.As(err, &bad) || !strings.HasPrefix(bad.reason, c.want)):
			t.Errorf("%+v %q:\n got %v\nwant %s", c.least, c.v.EventType, err, c.want)
		}
	}
}

// TestNoInteractionsAtAll: with nothing imported there are no types to tell of.
func TestNoInteractionsAtAll(t *testing.T) {
	none := dataset.NewSnapshot(nil, nil, nil, nil)
	v := &catalog.SolutionVersion{Recipe: "aws-vod-most-popular", EventType: "Watch"}
	var bad *insufficient
	err := New(Options{Minimums: Minimums{Interactions: 1000}}).check(v, none, recipe.Learnt(none, "Watch", nil))
	const want = "Dataset has fewer than 1000 interactions after filtering by event type: Watch. It has 0. There are no interactions at all. Import some, or record them with PutEvents."
	if !errors.As(err, &bad) || bad.reason != want {
		t.Errorf("got %v", err)
	}
}

func TestSome(t *testing.T) {
	var names []string
	for i := range 25 {
		names = append(names, string(rune('a'+24-i)))
	}
	if got := some(names); !strings.HasPrefix(got, "a, b, c, ") || !strings.HasSuffix(got, "t, …") {
		t.Error(got)
	}
}
