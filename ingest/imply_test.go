package ingest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"usher/dataset"
)

// TestRecommendationsImplyImpressions: an event that names a recommendation was shown
// its items; what it says itself counts more (AWS: explicit beats implicit).
func TestRecommendationsImplyImpressions(t *testing.T) {
	w := newWorld(t)
	broken := errors.New("no answers today")
	w.in.opt.Shown = func(_ context.Context, group, id string) ([]string, error) {
		switch {
		case group != w.Record.ID || id == "broken":
			return nil, fmt.Errorf("of group %q: %w", group, broken)
		case id == "RID-1":
			return []string{"a", "b", "c"}, nil
		}
		return nil, nil
	}
	put := func(user, recommendation string, impression ...string) error {
		return w.in.PutEvents(t.Context(), "track", user, "s-"+user, []Event{
			{Type: "click", Item: "b", SentAt: time.Unix(100, 0), RecommendationID: recommendation, Impression: impression, Properties: `{"device":"phone"}`}})
	}
	for user, given := range map[string][]string{"implicit": {"RID-1"}, "explicit": {"RID-1", "b", "d"}, "unknown": {"RID-9"}} {
		if err := put(user, given[0], given[1:]...); err != nil {
			t.Fatal(err)
		}
	}
	var items []Entity
	for _, id := range []string{"a", "b", "c", "d"} {
		items = append(items, Entity{ID: id, Properties: `{"genres":"g"}`})
	}
	if err := w.in.Put(t.Context(), "dataset/"+string(dataset.Items), dataset.Items, items); err != nil {
		t.Fatal(err)
	}
	for user, want := range map[string]string{"implicit": "a c", "explicit": "d", "unknown": ""} {
		g := w.State()
		var got []string
		for _, x := range g.Shown(g.User(user)) {
			got = append(got, g.ItemIDs()[x.Item])
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s was shown %q, want %q", user, got, want)
		}
	}
	if err := put("u", "broken"); !errors.Is(err, broken) {
		t.Errorf("error %v, want that of the answers", err)
	}
}
