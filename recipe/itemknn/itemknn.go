// Package itemknn is aws-sims: for an item, those that occur in the histories
// of the same users; and aws-similar-items (Similar), which looks at metadata too.
//
// Training counts for each pair of items how many users had both, once a user
// however often he had them. The similarity of j to i is
//
//	both(i,j) / (users(i)·users(j))^d    with d = popularity_discount_factor
//
// so 0 means the plain count, which favours popular items, .5 the cosine of the
// two items' users, and 1 favours rare ones. users(i) is the same for all
// neighbours of i and is left out. Pairs that fewer than
// min_cointeraction_count users had are no neighbours. Of equal similarities
// the item that more users had comes first.
//
// Before that, users with unusually short or long histories and items with
// unusually few or many interactions are left out: those below or above the
// percentiles given. A percentile is the nearest rank of the users' (items')
// numbers of events, and what equals it stays. An item that is cut, that has no
// neighbours or that is unknown is answered with popular items (package
// popularity, counted over all the data), flagged Popular; so are answers whose
// neighbours run out. The item asked about is never answered.
//
// Invariants: an item's neighbours are counted by one worker from whole data,
// so the bytes do not depend on Workers (I4). Time is bounded by the number of
// (user, item) pairs times mostItems, memory by a few words for a pair and a
// table of all items for a worker. Answers have no scores (NoScore): AWS shows
// none. The order of events, their times, types and values do not matter here.
package itemknn

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"usher/dataset"
	"usher/recipe"
	"usher/recipe/popularity"
)

// Name is the recipe's name in its ARN.
const Name = "aws-sims"

// Recipe is the algorithm. It has no state.
type Recipe struct{}

var spec, _ = recipe.SpecOf(Name)

// Spec is the recipe's entry in the table.
func (Recipe) Spec() recipe.Spec { return spec }

// Train counts the neighbours of all items.
func (Recipe) Train(ctx context.Context, in recipe.Input) (recipe.Model, error) {
	m, err := train(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("train %s: %w", Name, err)
	}
	return m, nil
}

func train(ctx context.Context, in recipe.Input) (*Model, error) {
	c, err := count(ctx, in, newSettings)
	if err != nil {
		return nil, err
	}
	return newModel(in.Data.Items(), c.items, c.near, c.pairs.notes(c.settings)), nil
}

// counted is what the histories say of the items.
type counted struct {
	settings settings
	users    []uint32        // by item: how many users had it
	items    []dataset.Index // that somebody had, the most popular first
	pairs    *pairs
	near     [][]uint32 // by place in items
	workers  int
}

// count counts the neighbours of all items, with the settings that read makes of
// the hyperparameters.
func count(ctx context.Context, in recipe.Input, read func(recipe.Params) (settings, error)) (c counted, err error) {
	if in.Data == nil {
		return c, errors.New("no data")
	}
	if c.settings, err = read(in.Params); err != nil {
		return c, err
	}
	if c.users, err = popularity.Count(ctx, in.Data); err != nil {
		return c, err
	}
	if c.items = popularity.Order(c.users); len(c.items) == 0 {
		return c, errors.New("the data have no interactions")
	}
	if c.pairs, err = newPairs(ctx, in.Data, c.items, c.settings); err != nil {
		return c, err
	}
	if c.workers = in.Workers; c.workers <= 0 {
		c.workers = runtime.GOMAXPROCS(0)
	}
	c.near, err = c.pairs.neighbours(ctx, c.settings, c.workers, in.Progress)
	return c, err
}

// settings are the hyperparameters.
type settings struct {
	discount         float64
	together         uint32 // the least number of users that make a pair
	userMin, userMax float64
	itemMin, itemMax float64
}

func newSettings(given recipe.Params) (settings, error) {
	p, err := recipe.Check(slices.Concat(spec.Algo, spec.Feature), given)
	if err != nil {
		return settings{}, err
	}
	return settings{
		discount: p.Float("popularity_discount_factor"),
		together: uint32(max(1, p.Int("min_cointeraction_count"))),
		userMin:  p.Float("min_user_history_length_percentile"),
		userMax:  p.Float("max_user_history_length_percentile"),
		itemMin:  p.Float("min_item_interaction_count_percentile"),
		itemMax:  p.Float("max_item_interaction_count_percentile"),
	}, nil
}
