package batch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"usher/catalog"
	"usher/dataset"
	"usher/recipe/itemknn"
)

// Themes are what the items of an answer have in common, and not what all items
// have, each said once; the items come in the order of how much it is theirs.
func TestThemes(t *testing.T) {
	w := newWorld(t, 0)
	w.serve(itemknn.Similar{})
	var items strings.Builder
	items.WriteString("ITEM_ID,GENRES,TEXT,N,L,F,D,B\n")
	for i := range 15 {
		fmt.Fprintf(&items, "i%d,taste%d|everything|%s,\"A story of %s, and more of it\",%d,,,,\n", i, i/5, []string{"", "Robots", ""}[i/5], []string{"pirates", "robots", "gardens"}[i/5], i)
	}
	w.Put("in/items.csv", items.String())
	w.imported("a", dataset.Items, "s3://in/items.csv", "FULL")
	w.Put("ask/themes.json", `{"itemId":"i6"}`+"\n{}")
	_, files := w.inferred(itemknn.SimilarName, "themes.json", func(j *catalog.BatchInferenceJob) {
		j.Mode, j.ItemName, j.Results = "THEME_GENERATION", "TEXT", 4
	})
	lines := strings.Split(files["themes.json.out"], "\n")
	var got struct {
		Output struct {
			RecommendedItems          []string
			Theme                     string
			ItemsThemeRelevanceScores []float64
		}
	}
	if err := json.Unmarshal([]byte(lines[0]), &got); err != nil {
		t.Fatalf("%s: %v", lines[0], err)
	}
	o := got.Output
	if o.Theme != "Robots and taste1" || len(o.RecommendedItems) != 4 || len(o.ItemsThemeRelevanceScores) != 4 {
		t.Errorf("%s", lines[0])
	}
	if !slices.IsSortedFunc(o.ItemsThemeRelevanceScores, func(a, b float64) int {
		if a > b {
			return -1
		}
		return 1
	}) || o.ItemsThemeRelevanceScores[0] <= 0 || o.ItemsThemeRelevanceScores[0] > 1 {
		t.Errorf("relevance %v", o.ItemsThemeRelevanceScores)
	}
	if !strings.Contains(lines[1], "itemId is missing") {
		t.Errorf("%s", lines[1])
	}
}

// Who can be asked names a theme better; where that fails the words stay.
func TestThemesAreNamedBetter(t *testing.T) {
	w := newWorld(t, 0)
	w.serve(itemknn.Similar{})
	w.Put("ask/themes.json", `{"itemId":"i6"}`)
	themes := func() string {
		_, files := w.inferred(itemknn.SimilarName, "themes.json", func(j *catalog.BatchInferenceJob) {
			j.Mode, j.ItemName, j.Results = "THEME_GENERATION", "GENRES", 4
		})
		return files["themes.json.out"]
	}
	w.batch.opt.Theme = func(_ context.Context, plain string, items []string) (string, error) {
		if plain != "taste1" || len(items) != 4 || items[0] != "taste1" {
			t.Errorf("asked about %q, %q", plain, items)
		}
		return "Better", nil
	}
	if got := themes(); !strings.Contains(got, `"theme":"Better"`) {
		t.Error(got)
	}
	w.batch.opt.Theme = func(context.Context, string, []string) (string, error) { return "", errors.New("busy") }
	if got := themes(); !strings.Contains(got, `"theme":"taste1"`) {
		t.Error(got)
	}
}

func TestListed(t *testing.T) {
	for want, names := range map[string][]string{"": nil, "a": {"a"}, "a and b": {"a", "b"}, "a, b and c": {"a", "b", "c"}} {
		if got := listed(names); got != want {
			t.Errorf("%v: %q, want %q", names, got, want)
		}
	}
}
