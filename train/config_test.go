package train

import (
	"context"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"usher/catalog"
	"usher/dataset"
	"usher/recipe"
)

const eventsConfig = `{"eventsConfig":{"eventParametersList":[{"eventType":"watch","weight":0.2,"eventValueThreshold":3},{"eventType":"click","weight":0.1}]}}`

// TestEventsConfig: the recipe sees the events that have a rule, and their weights;
// there are metrics with weights.
func TestEventsConfig(t *testing.T) {
	r := openRig(t, "")
	r.shop(t)
	var mu sync.Mutex
	var seen []recipe.Input
	r.run(t, r.local(fake{step: func(_ context.Context, s fakeStep) error {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, s.in)
		return nil
	}}))
	r.request(t, func(v *catalog.SolutionVersion) { v.Config = []byte(eventsConfig) })
	v := r.await(t, catalog.Active)
	for _, in := range seen {
		at := slices.Index(in.Data.EventTypes, "Watch")
		if len(in.Weights) != len(in.Data.EventTypes) || in.Weights[at] != 1 || in.Weights[slices.Index(in.Data.EventTypes, "click")] != .5 {
			t.Fatalf("weights %v of %q", in.Weights, in.Data.EventTypes)
		}
		for _, e := range in.Data.Events {
			if int(e.Type) == at && e.Value < 3 {
				t.Fatalf("an event below the threshold is learnt from: %+v", e)
			}
		}
	}
	for _, k := range []string{"5", "10", "25"} {
		x, ok := v.Metrics["normalized_discounted_cumulative_gain_with_event_weights_at_"+k]
		if !ok || x < 0 || x > 1 {
			t.Errorf("weighted NDCG at %s: %v, %v", k, x, ok)
		}
	}
}

// TestTooFewEventsOfTheConfig: the reason names what filtered.
func TestTooFewEventsOfTheConfig(t *testing.T) {
	r := openRig(t, "")
	r.shop(t)
	opt := r.local(fake{})
	opt.Minimums = Minimums{Interactions: 1000}
	r.run(t, opt)
	r.request(t, func(v *catalog.SolutionVersion) { v.Config = []byte(eventsConfig) })
	if v := r.await(t, catalog.Failed); !strings.Contains(v.FailureReason, "after filtering by eventsConfig") || !strings.Contains(v.FailureReason, "Without the filter there are") {
		t.Errorf("reason %q", v.FailureReason)
	}
}

func TestDamagedConfigIsNotTrained(t *testing.T) {
	r := openRig(t, "")
	r.shop(t)
	r.run(t, r.local(fake{}))
	r.request(t, func(v *catalog.SolutionVersion) { v.Config = []byte(`[]`) })
	r.await(t, catalog.Failed)
}

// TestTrainingColumns: excluded columns are not in what is learnt from, and of
// included ones only these are; the data themselves keep all.
func TestTrainingColumns(t *testing.T) {
	items := dataset.NewTable(&dataset.Schema{Type: dataset.Items, Fields: []dataset.Field{{Name: "ITEM_ID"}, {Name: "GENRE"}, {Name: "PRICE"}}})
	items.Set(1, dataset.Row{{Str: "x"}, {Str: "drama"}, {Num: 5}})
	s := dataset.NewSnapshot([]string{"a"}, []string{"w", "x"}, []string{""}, [][]dataset.Event{{{Value: 4}}})
	s.ItemTable, s.Shown = items, &dataset.Shown{Start: []int64{0, 1}, List: []dataset.Exposure{{Item: 1}}}
	for _, c := range []struct{ config, want string }{
		{``, "ITEM_ID GENRE PRICE"},
		{`{"trainingDataConfig":{"excludedDatasetColumns":{"ITEMS":["PRICE"]}}}`, "ITEM_ID GENRE"},
		{`{"trainingDataConfig":{"excludedDatasetColumns":{"Items":["genre"],"INTERACTIONS":["EVENT_VALUE"]}}}`, "ITEM_ID PRICE"},
		{`{"trainingDataConfig":{"excludedDatasetColumns":{"INTERACTIONS":["impression"]}}}`, "ITEM_ID GENRE PRICE"},
		{`{"trainingDataConfig":{"includedDatasetColumns":{"ITEMS":["PRICE"]}}}`, "ITEM_ID PRICE"},
		{`{"trainingDataConfig":{"includedDatasetColumns":{"USERS":["AGE"]}}}`, "ITEM_ID GENRE PRICE"},
	} {
		v := &catalog.SolutionVersion{Config: []byte(c.config)}
		conf, err := parseConfig(v)
		if err != nil {
			t.Fatal(err)
		}
		got := conf.learnt(s, v)
		var names []string
		for i, f := range got.ItemTable.Schema.Fields {
			names = append(names, f.Name)
			if old := items.Row(1)[items.Schema.Column(f.Name)]; got.ItemTable.Row(1)[i] != old {
				t.Errorf("%s: %s is %+v", c.config, f.Name, got.ItemTable.Row(1)[i])
			}
		}
		if have := strings.Join(names, " "); have != c.want || got.ItemTable.Row(0) != nil {
			t.Errorf("%s: columns %s, want %s", c.config, have, c.want)
		}
		if out := math.IsNaN(float64(got.Events[0].Value)); out != strings.Contains(c.config, "EVENT_VALUE") || s.Events[0].Value != 4 {
			t.Errorf("%s: the event's value is %v", c.config, got.Events[0].Value)
		}
		if out := got.Shown == nil; out != strings.Contains(c.config, "impression") || s.Shown == nil {
			t.Errorf("%s: what was shown is %v", c.config, got.Shown)
		}
	}
}
