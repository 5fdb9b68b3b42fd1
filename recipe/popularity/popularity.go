// Package popularity is aws-popularity-count: items in the order of how many
// users interacted with them, the same for everybody.
//
// Each user counts once for an item, however often he had it; of items with as
// many users the one with the lower number comes first. Items that nobody had
// in training are not recommended, and a ranking puts them last: a list of
// popular items would not be one with them. The order changes only with the
// next training.
//
// Count and Order are also what other recipes fill up their answers with.
// Answers have no scores (NoScore): AWS shows none. Who may see which items is
// decided above.
package popularity

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"usher/dataset"
	"usher/recipe"
)

// Name is the recipe's name in its ARN.
const Name = "aws-popularity-count"

// Recipe is the algorithm. It has no state.
type Recipe struct{}

var spec, _ = recipe.SpecOf(Name)

// Spec is the recipe's entry in the table.
func (Recipe) Spec() recipe.Spec { return spec }

// Train counts. It has no choices to make and one pass over the events, which
// is bound by memory: Workers do not matter.
func (Recipe) Train(ctx context.Context, in recipe.Input) (recipe.Model, error) {
	if in.Data == nil {
		return nil, fmt.Errorf("train %s: no data", Name)
	}
	if _, err := recipe.Check(slices.Concat(spec.Algo, spec.Feature), in.Params); err != nil {
		return nil, fmt.Errorf("train %s: %w", Name, err)
	}
	users, err := Count(ctx, in.Data)
	if err != nil {
		return nil, fmt.Errorf("train %s: %w", Name, err)
	}
	order := Order(users)
	if len(order) == 0 {
		return nil, fmt.Errorf("train %s: the data have no interactions", Name)
	}
	of := make([]uint32, len(order))
	for at, i := range order {
		of[at] = users[i]
	}
	return newModel(in.Data.Items(), order, of), nil
}

// checkEvery is after how many events a loop asks whether to stop: about a
// millisecond of work.
const checkEvery = 1 << 17

// Count gives for each item how many users have an event of it, by Index. It
// returns soon after ctx is done.
func Count(ctx context.Context, data *dataset.Snapshot) ([]uint32, error) {
	users := make([]uint32, data.Items())
	last := make([]uint32, data.Items()) // the user who had the item last, + 1
	asked := int64(-checkEvery)
	for u := range data.UserIDs {
		if data.Start[u]-asked >= checkEvery {
			asked = data.Start[u]
			if err := context.Cause(ctx); err != nil {
				return nil, err
			}
		}
		for _, e := range data.History(dataset.Index(u)) {
			if last[e.Item] != uint32(u+1) {
				last[e.Item] = uint32(u + 1)
				users[e.Item]++
			}
		}
	}
	return users, nil
}

// Order gives the items that have users, those with most first, of equal ones
// the one with the lower number.
func Order(users []uint32) []dataset.Index {
	n := 0
	for _, c := range users {
		if c > 0 {
			n++
		}
	}
	order := make([]dataset.Index, 0, n)
	for i, c := range users {
		if c > 0 {
			order = append(order, dataset.Index(i))
		}
	}
	slices.SortFunc(order, func(a, b dataset.Index) int {
		return cmp.Or(cmp.Compare(users[b], users[a]), cmp.Compare(a, b))
	})
	return order
}
