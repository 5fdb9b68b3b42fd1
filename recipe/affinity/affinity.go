// Package affinity is aws-item-affinity and aws-item-attribute-affinity: for an item,
// or for the items of an attribute, the users who are most drawn to it.
//
// Both keep the training's events: of each user the items, each with a weight that
// halves with the user's every ten newer events. For one item (Item) the events of
// the items that the same users had count too: a user's score is the sum, over what
// he had, of the cosine between that and the item. For an attribute (Attribute) it is
// the events with its items: how many the user's next ones would be of, if he goes on
// as before. In both a user who does more counts more, by the square root of it.
// Where nothing speaks for further users, the busiest fill up the list.
//
// Invariants: scores depend on the events alone, with any number of workers (I4); who
// has no event in the training is in no segment. What an attribute is, and which
// users a filter leaves, is decided above.
package affinity

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"usher/dataset"
	"usher/recipe"
)

// The names of the recipes in their ARNs.
const (
	ItemName      = "aws-item-affinity"
	AttributeName = "aws-item-attribute-affinity"
)

// Item is aws-item-affinity. It has no state.
type Item struct{}

// Attribute is aws-item-attribute-affinity. It has no state.
type Attribute struct{}

// Spec is the recipe's entry in the table.
func (Item) Spec() recipe.Spec { return specOf(ItemName) }

// Spec is the recipe's entry in the table.
func (Attribute) Spec() recipe.Spec { return specOf(AttributeName) }

func specOf(name string) recipe.Spec {
	s, ok := recipe.SpecOf(name)
	if !ok {
		panic("affinity: no entry " + name + " in the table of recipes")
	}
	return s
}

// Train weighs the events.
func (Item) Train(ctx context.Context, in recipe.Input) (recipe.Model, error) {
	return train(ctx, ItemName, true, in.Data)
}

// Train weighs the events.
func (Attribute) Train(ctx context.Context, in recipe.Input) (recipe.Model, error) {
	return train(ctx, AttributeName, false, in.Data)
}

// Load reads what Model.Save wrote.
func (Item) Load(r io.ReaderAt, size int64) (recipe.Model, error) { return load(r, size, true) }

// Load reads what Model.Save wrote.
func (Attribute) Load(r io.ReaderAt, size int64) (recipe.Model, error) { return load(r, size, false) }

// repeatsFew is the part of repeated items below which a repeat is an accident.
const repeatsFew = .01

// halving is after how many newer events of the user an event counts half.
const halving = 10

func train(ctx context.Context, name string, neighbours bool, data *dataset.Snapshot) (*Model, error) {
	if data == nil {
		return nil, fmt.Errorf("train %s: no data", name)
	}
	if len(data.Events) == 0 {
		return nil, fmt.Errorf("train %s: the data have no interactions", name)
	}
	same := func(e dataset.Event) bool { return e.Time == data.Events[0].Time }
	if len(data.Events) > 1 && !slices.ContainsFunc(data.Events, func(e dataset.Event) bool { return !same(e) }) {
		return nil, fmt.Errorf("train %s: all interactions have the same timestamp, so nothing can be learnt of their order. Import them with their own timestamps", name)
	}
	m := &Model{neighbours: neighbours, known: data.Items(), start: make([]uint32, data.Users()+1)}
	weight := make(map[dataset.Index]float32)
	for u := range data.UserIDs {
		if u%4096 == 0 {
			if err := context.Cause(ctx); err != nil {
				return nil, err
			}
		}
		clear(weight)
		history := data.History(dataset.Index(u))
		for n, e := range history {
			weight[e.Item] += float32(math.Exp2(float64(n+1-len(history)) / halving))
		}
		for _, i := range sortedKeys(weight) {
			m.items, m.weights = append(m.items, uint32(i)), append(m.weights, weight[i])
		}
		m.start[u+1] = uint32(len(m.items))
	}
	m.once = float64(len(data.Events)-len(m.items)) < repeatsFew*float64(len(data.Events))
	m.index()
	return m, nil
}

func sortedKeys(m map[dataset.Index]float32) []dataset.Index {
	out := make([]dataset.Index, 0, len(m))
	for i := range m {
		out = append(out, i)
	}
	slices.Sort(out)
	return out
}

var errSegments = errors.New("the recipe makes user segments and recommends nothing")
