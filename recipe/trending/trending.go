// Package trending is aws-trending-now: items whose interactions grow fastest.
//
// Time is cut into intervals of trend_discovery_frequency that end with the
// newest event of the data; an event stands in the interval (end-frequency, end].
// An item's growth is its number of events in the last interval less that in the
// one before. Items that grow come first, most growth first; of equal growth the
// one with more events in the last interval, then the more popular one. Behind
// them, and alone where nothing grows, come popular items (package popularity),
// flagged Popular.
//
// A Model is a Renewer: the list is about now and not about the training, so
// serving has it made anew from the newest events once an interval, and every
// two hours where intervals are longer. Items that nobody had are never
// answered. Answers have no scores (NoScore): AWS shows none. Time is one pass
// over the events for the popular items and one for the growth.
package trending

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"usher/dataset"
	"usher/recipe"
	"usher/recipe/popularity"
)

// Name is the recipe's name in its ARN.
const Name = "aws-trending-now"

// Recipe is the algorithm. It has no state.
type Recipe struct{}

var (
	_       recipe.Measurer = Recipe{}
	spec, _                 = recipe.SpecOf(Name)
)

// Spec is the recipe's entry in the table.
func (Recipe) Spec() recipe.Spec { return spec }

// frequencies are the values of trend_discovery_frequency.
var frequencies = map[string]time.Duration{
	"30 minutes": 30 * time.Minute,
	"1 hour":     time.Hour,
	"2 hours":    2 * time.Hour,
	"3 hours":    3 * time.Hour,
	"1 day":      24 * time.Hour,
}

// Train ranks the items. Workers do not matter.
func (Recipe) Train(ctx context.Context, in recipe.Input) (recipe.Model, error) {
	if in.Data == nil {
		return nil, fmt.Errorf("train %s: no data", Name)
	}
	frequency, err := frequencyOf(in.Params)
	if err == nil {
		var m *Model
		if m, err = newModel(ctx, in.Data, frequency); err == nil {
			return m, nil
		}
	}
	return nil, fmt.Errorf("train %s: %w", Name, err)
}

func frequencyOf(given recipe.Params) (time.Duration, error) {
	p, err := recipe.Check(slices.Concat(spec.Algo, spec.Feature), given)
	if err != nil {
		return 0, err
	}
	return frequencies[p["trend_discovery_frequency"]], nil
}

// Measure gives trend_prediction_accuracy: how much the items that would have
// been called trending one interval ago have grown since, at most 25 of them, of
// the growth of as many that grew most. It is 0 where nothing was trending then
// or nothing grows now, and where what was called trending shrinks.
func (Recipe) Measure(ctx context.Context, in recipe.Input) (map[string]float64, error) {
	accuracy, err := measure(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("measure %s: %w", Name, err)
	}
	return map[string]float64{"trend_prediction_accuracy": accuracy}, nil
}

func measure(ctx context.Context, in recipe.Input) (float64, error) {
	frequency, err := frequencyOf(in.Params)
	if err != nil {
		return 0, err
	}
	end, _ := newest(in.Data)
	users, err := popularity.Count(ctx, in.Data)
	if err != nil {
		return 0, err
	}
	then, err := countGrowth(ctx, in.Data, end-int64(frequency/time.Second), frequency)
	if err != nil {
		return 0, err
	}
	now, err := countGrowth(ctx, in.Data, end, frequency)
	if err != nil {
		return 0, err
	}
	sum := func(list []dataset.Index) (total float64) {
		for _, i := range list[:min(25, len(list))] {
			total += float64(now.of(i))
		}
		return total
	}
	most := sum(now.rising(users))
	if most == 0 {
		return 0, nil
	}
	return max(0, sum(then.rising(users))/most), nil
}

// newest gives the time of the newest event, false when there is none.
func newest(data *dataset.Snapshot) (at int64, ok bool) {
	for u := range data.UserIDs {
		if h := data.History(dataset.Index(u)); len(h) > 0 {
			if last := h[len(h)-1].Time; !ok || last > at {
				at, ok = last, true
			}
		}
	}
	return at, ok
}

// checkEvery is after how many users a loop asks whether to stop.
const checkEvery = 1 << 12

// growth is how many events items had in two neighbouring intervals.
type growth struct{ last, before []int32 } // by item

// of gives how much an item grew.
func (g growth) of(i dataset.Index) int32 { return g.last[i] - g.before[i] }

// countGrowth counts in the interval that ends at end and in the one before.
func countGrowth(ctx context.Context, data *dataset.Snapshot, end int64, frequency time.Duration) (growth, error) {
	g := growth{make([]int32, data.Items()), make([]int32, data.Items())}
	f := int64(frequency / time.Second)
	for u := range data.UserIDs {
		if u%checkEvery == 0 {
			if err := context.Cause(ctx); err != nil {
				return growth{}, err
			}
		}
		h := data.History(dataset.Index(u))
		for n := len(h) - 1; n >= 0 && h[n].Time > end-2*f; n-- { // oldest first: what is left is older
			switch e := h[n]; {
			case e.Time > end:
			case e.Time > end-f:
				g.last[e.Item]++
			default:
				g.before[e.Item]++
			}
		}
	}
	return g, nil
}

// rising gives the items that grow, the fastest first. users is how many had
// each item; of equal ones it decides.
func (g growth) rising(users []uint32) []dataset.Index {
	var out []dataset.Index
	for i := range dataset.Index(len(g.last)) {
		if g.of(i) > 0 {
			out = append(out, i)
		}
	}
	slices.SortFunc(out, func(a, b dataset.Index) int {
		return cmp.Or(cmp.Compare(g.of(b), g.of(a)), cmp.Compare(g.last[b], g.last[a]), cmp.Compare(users[b], users[a]), cmp.Compare(a, b))
	})
	return out
}
