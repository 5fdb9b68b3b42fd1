package evaluate

import (
	"fmt"
	"slices"
	"strings"

	"usher/dataset"
	"usher/recipe"
)

// checkObjective sees to it that there is something to weigh, and a recipe to do it.
func (o *Options) checkObjective(data *dataset.Snapshot) error {
	if o.Objective == nil {
		return nil
	}
	if !slices.ContainsFunc(o.Recipes, func(r recipe.Recipe) bool { return r.Spec().Objective }) {
		return fmt.Errorf("none of the recipes can weigh an objective: %s can", strings.Join(recipe.WithObjective(), " and "))
	}
	for i := range data.ItemIDs {
		if _, ok := o.Objective.Of(data.ItemTable, dataset.Index(i)); ok {
			return nil
		}
	}
	return fmt.Errorf("no item has a number in the column %s, which is the objective", o.Objective.Attribute)
}

// objective is what recipes of a kind are trained for; nil: relevance alone.
func (o *Options) objective(of recipe.Spec) *recipe.Objective {
	if !of.Objective {
		return nil
	}
	return o.Objective
}

// reward gives the mean attribute of the items in lists that have it, 0 without an
// objective. AWS's own measure, average_rewards_at_k, says which of the items that
// users wanted are dear, not whether what they are shown is.
func (o *Options) reward(data *dataset.Snapshot, lists [][]dataset.Index) float64 {
	if o.Objective == nil {
		return 0
	}
	sum, n := 0., 0
	for _, list := range lists {
		for _, i := range list {
			if x, ok := o.Objective.Of(data.ItemTable, i); ok {
				sum, n = sum+x, n+1
			}
		}
	}
	return sum / float64(max(1, n))
}
