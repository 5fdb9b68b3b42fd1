package train

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"usher/catalog"
	"usher/dataset"
	"usher/eval"
	"usher/eventlog"
	"usher/recipe"
)

// TestObjective: both fits are told of the objective, and what it brings is measured;
// without one it is not. One without a sensitivity is of the medium one.
func TestObjective(t *testing.T) {
	for config, want := range map[string]*recipe.Objective{
		`{}`: nil,
		`{"optimizationObjective":{"objectiveSensitivity":"OFF"}}`:                          nil,
		`{"optimizationObjective":{"itemAttribute":"PRICE","objectiveSensitivity":"HIGH"}}`: {Attribute: "PRICE", Sensitivity: recipe.High},
		`{"optimizationObjective":{"itemAttribute":"price"}}`:                               {Attribute: "price", Sensitivity: recipe.Medium},
	} {
		r := openRig(t, "")
		r.shop(t)
		r.prices(t)
		var mu sync.Mutex
		var seen []*recipe.Objective
		r.run(t, r.local(fake{step: func(_ context.Context, s fakeStep) error {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, s.in.Objective)
			return nil
		}}))
		r.request(t, func(v *catalog.SolutionVersion) { v.Config = []byte(config) })
		v := r.await(t, catalog.Active)
		for _, o := range seen {
			if (o == nil) != (want == nil) || o != nil && *o != *want {
				t.Errorf("%s: a fit is told %v, want %v", config, o, want)
			}
		}
		if x, ok := v.Metrics["average_rewards_at_k"]; ok != (want != nil) || ok && !(x > 0 && x <= 1) {
			t.Errorf("%s: average_rewards_at_k is %v, %v", config, x, ok)
		}
	}
}

// prices gives the group's items prices.
func (r *rig) prices(t testing.TB) {
	t.Helper()
	changes := []dataset.Change{{Schema: &dataset.SchemaSet{Type: dataset.Items,
		Text: `{"type": "record", "name": "Items", "fields": [{"name": "ITEM_ID", "type": "string"}, {"name": "PRICE", "type": "double"}]}`}}}
	for i := range 30 {
		id := fmt.Sprintf("i%d", i)
		changes = append(changes, dataset.Change{Item: &dataset.Entity{ID: id, Row: dataset.Row{{Kind: dataset.String, Str: id}, {Kind: dataset.Double, Num: float64(1 + i)}}}})
	}
	var recs []eventlog.Record
	for i := range changes {
		b, err := changes[i].Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		recs = append(recs, eventlog.Record{Data: b})
	}
	if _, err := r.logs.Log(r.group.ID).Append(t.Context(), recs...); err != nil {
		t.Fatal(err)
	}
}

// TestRewards: users' parts are averaged over those who got something that rewards.
func TestRewards(t *testing.T) {
	table := dataset.NewTable(&dataset.Schema{Type: dataset.Items, Fields: []dataset.Field{{Name: "ITEM_ID", Kind: dataset.String}, {Name: "PRICE", Kind: dataset.Double}}})
	var list []dataset.Index
	for i := range dataset.Index(eval.RewardedList) { // the first 25 are the dearest
		table.Set(i, dataset.Row{{Kind: dataset.String, Str: "i"}, {Kind: dataset.Double, Num: float64(eval.RewardedList - i)}})
		list = append(list, i)
	}
	a := &asking{objective: &recipe.Objective{Attribute: "price"}}
	cases := []eval.Case{{Truth: []dataset.Index{0, 40}}, {Truth: []dataset.Index{3}}, {Truth: []dataset.Index{99}}} // 50 of 60, all, nothing
	if got := a.rewards(&dataset.Snapshot{ItemTable: table}, cases, [][]dataset.Index{list, list, list}); got != .9167 {
		t.Errorf("%v, want .9167", got)
	}
	if got := a.rewards(&dataset.Snapshot{}, cases, [][]dataset.Index{list, list, list}); got != 0 {
		t.Errorf("without records: %v", got)
	}
}
