package evaluate

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"usher/dataset"
	"usher/recipe"
	"usher/recipe/popularity"
)

// dear recommends the dearest items where it has an objective, else the cheapest.
type dear struct {
	popularity.Recipe
	objective bool
}

func (d dear) Spec() recipe.Spec { return recipe.Spec{Name: "dear", Objective: d.objective} }

func (d dear) Train(_ context.Context, in recipe.Input) (recipe.Model, error) {
	return dearModel{items: in.Data.Items(), cheap: in.Objective == nil || in.Objective.Sensitivity == recipe.Off}, nil
}

type dearModel struct {
	recipe.Model
	items int
	cheap bool
}

func (m dearModel) Recommend(_ context.Context, _ *recipe.Query, k int, _ dataset.Set, dst []recipe.Scored) ([]recipe.Scored, error) {
	dst = dst[:0]
	for i := range min(k, m.items) {
		if !m.cheap {
			i = m.items - 1 - i
		}
		dst = append(dst, recipe.Scored{Index: dataset.Index(i)})
	}
	return dst, nil
}

func (dearModel) Save(io.Writer) error { return nil }

// TestObjective: it reaches the recipes that can weigh it, and what lists are worth is
// told: of 40 items with the prices 0 to 39 the first 20 are worth 9.5, the last 29.5.
func TestObjective(t *testing.T) {
	data := ring(60, 40, 5)
	data.ItemTable = dataset.NewTable(&dataset.Schema{Type: dataset.Items, Fields: []dataset.Field{{Name: "PRICE", Kind: dataset.Float}}})
	for i := range data.ItemIDs {
		data.ItemTable.Set(dataset.Index(i), dataset.Row{{Kind: dataset.Float, Num: float64(i)}})
	}
	run := func(r recipe.Recipe, column string, level recipe.Sensitivity) (*Report, error) {
		return Run(context.Background(), data, Options{Recipes: []recipe.Recipe{r}, Protocol: NextItem, Rounds: 2, Seed: 5, Now: clock(),
			Objective: &recipe.Objective{Attribute: column, Sensitivity: level}})
	}
	for level, want := range map[recipe.Sensitivity]float64{recipe.Off: 9.5, recipe.High: 29.5} {
		report, err := run(dear{objective: true}, "price", level)
		if err != nil || report.Rows[0].Reward != want {
			t.Fatalf("%s: %v, %+v, want the reward %v", level, err, report, want)
		}
		var text bytes.Buffer
		if err := report.WriteText(&text); err != nil || !strings.Contains(text.String(), "mean price") {
			t.Errorf("%v, %s", err, text.String())
		}
	}
	opt := Options{Recipes: []recipe.Recipe{dear{objective: true}, dear{}}, Protocol: NextItem, Seed: 5, Now: clock(),
		Objective: &recipe.Objective{Attribute: "price", Sensitivity: recipe.High}}
	if report, err := Run(context.Background(), data, opt); err != nil || report.Rows[1].Reward != 9.5 {
		t.Errorf("a recipe that cannot, beside one that can: %v, %+v", err, report)
	}
	if _, err := run(dear{}, "price", recipe.High); err == nil || !strings.Contains(err.Error(), "can weigh an objective") {
		t.Errorf("a recipe that cannot: %v", err)
	}
	if _, err := run(dear{objective: true}, "weight", recipe.High); err == nil || !strings.Contains(err.Error(), "column weight") {
		t.Errorf("a column that is not there: %v", err)
	}
}
