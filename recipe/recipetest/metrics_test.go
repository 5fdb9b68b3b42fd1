package recipetest_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"usher/dataset"
	"usher/eval"
	"usher/internal/seed"
	"usher/recipe"
	"usher/recipe/itemknn"
	"usher/recipe/popularity"
)

var update = flag.Bool("update", false, "write testdata/metrics.txt anew")

// shop gives users who go from item to item of one of 20 tastes, with some
// popular items between. Whole numbers only: the same on every machine.
func shop() *dataset.Snapshot {
	const users, items, tastes = 1200, 600, 20
	userIDs, itemIDs := make([]string, users), make([]string, items)
	for i := range itemIDs {
		itemIDs[i] = fmt.Sprintf("item %d", i)
	}
	events := make([][]dataset.Event, users)
	for u := range users {
		userIDs[u] = fmt.Sprintf("user %d", u)
		r := seed.Seed(4).Branch("user", uint64(u)).Rand()
		taste := r.IntN(tastes)
		for n := range 2 + min(r.IntN(40), r.IntN(40)) {
			if r.IntN(12) == 0 {
				taste = r.IntN(tastes)
			}
			i := min(r.IntN(items), r.IntN(items), r.IntN(items)) // popular
			if r.IntN(4) > 0 {
				i = taste + tastes*min(r.IntN(items/tastes), r.IntN(items/tastes))
			}
			events[u] = append(events[u], dataset.Event{Time: int64(n), Item: dataset.Index(i)})
		}
	}
	return dataset.NewSnapshot(userIDs, itemIDs, []string{""}, events)
}

// The metrics of the counting recipes are a golden: a change of what they
// answer is a diff that a reviewer reads.
func TestMetricsAreTheGolden(t *testing.T) {
	data := shop()
	train, tests := eval.Split(data, 1)
	var out strings.Builder
	fmt.Fprintf(&out, "%d users, %d items, %d events, %d test users\n", data.Users(), data.Items(), len(data.Events), len(tests))
	metric := map[string]map[string]float64{}
	for _, c := range []struct {
		name   string
		recipe recipe.Recipe
		params recipe.Params
	}{
		{"popularity", popularity.Recipe{}, nil},
		{"sims, defaults", itemknn.Recipe{}, nil},
		{"sims, nothing cut", itemknn.Recipe{}, recipe.Params{"max_item_interaction_count_percentile": "1.0"}},
		{"sims, nothing cut, plain counts", itemknn.Recipe{}, recipe.Params{"max_item_interaction_count_percentile": "1.0", "popularity_discount_factor": "0.0"}},
		{"sims, nothing cut, full discount", itemknn.Recipe{}, recipe.Params{"max_item_interaction_count_percentile": "1.0", "popularity_discount_factor": "1.0"}},
	} {
		m, err := c.recipe.Train(context.Background(), recipe.Input{Data: train, Params: c.params, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		y := eval.NewTally(data)
		for _, x := range tests {
			got, err := m.Recommend(context.Background(), &recipe.Query{User: x.User, Item: x.QueryItem(), History: x.Input}, eval.ListLength, dataset.Set{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			list := make([]dataset.Index, len(got))
			for at := range got {
				list[at] = got[at].Index
			}
			y.Add(list, x.Truth)
		}
		metric[c.name] = y.Metrics()
		fmt.Fprintf(&out, "\n%s\n", c.name)
		for _, name := range slices.Sorted(maps.Keys(metric[c.name])) {
			fmt.Fprintf(&out, "\t%s %.4f\n", name, metric[c.name][name])
		}
	}
	const mrr = "mean_reciprocal_rank_at_25"
	if a, b := metric["sims, nothing cut"][mrr], metric["popularity"][mrr]; a < 1.3*b {
		t.Errorf("MRR of sims %v, of popularity %v: who follows tastes should be better", a, b)
	}
	const golden = "testdata/metrics.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s\nIf the change is meant, run go test ./recipe/recipetest -update", out.String(), want)
	}
}
