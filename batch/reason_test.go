package batch

import (
	"encoding/json"
	"strings"
	"testing"

	"usher/catalog"
	"usher/recipe/popularity"
	"usher/recipe/sequence"
)

// Answers of v2 tell of each item why it is there: nothing where the user's events
// speak for it, that it is popular where nothing is known of the user. Other recipes'
// answers have no reasons.
func TestInferenceReasons(t *testing.T) {
	w := newWorld(t, 0)
	w.serve(sequence.Recipe{}, popularity.Recipe{})
	const ask = `{"userId":"u1"}` + "\n" + `{"userId":"nobody"}`
	w.Put("ask/why.json", ask)
	four := func(j *catalog.BatchInferenceJob) { j.Results = 4 }
	_, files := w.inferred(sequence.Name, "why.json", four)
	for i, reason := range [][]string{{}, {"Popular item"}} {
		var line struct {
			Output struct {
				RecommendedItems []string
				Scores           []float64
				Reasons          [][]string
			}
		}
		if err := json.Unmarshal([]byte(strings.Split(files["why.json.out"], "\n")[i]), &line); err != nil {
			t.Fatal(err)
		}
		out := line.Output
		if len(out.RecommendedItems) != 4 || len(out.Scores) != 4 || len(out.Reasons) != 4 {
			t.Fatalf("line %d: %+v", i+1, out)
		}
		for k, got := range out.Reasons {
			if got == nil || len(got) != len(reason) || len(got) == 1 && got[0] != reason[0] {
				t.Errorf("line %d: item %s has the reasons %q, want %q", i+1, out.RecommendedItems[k], got, reason)
			}
		}
	}
	_, files = w.inferred(popularity.Name, "why.json", four)
	var raw struct{ Output map[string]any }
	if err := json.Unmarshal([]byte(strings.Split(files["why.json.out"], "\n")[0]), &raw); err != nil || raw.Output["reasons"] != nil || raw.Output["recommendedItems"] == nil {
		t.Errorf("popular items: %v, %v", raw.Output, err)
	}
}
