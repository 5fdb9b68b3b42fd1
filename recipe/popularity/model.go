package popularity

import (
	"context"
	"slices"

	"usher/dataset"
	"usher/recipe"
)

// Model is the order of popularity.
type Model struct {
	known  int             // items of the data it was trained on, those without events included
	order  []dataset.Index // items with events, the most popular first
	users  []uint32        // of each of order, how many users had it
	places []uint32        // by item, its place in order + 1; 0 for items without events
}

// newModel fills in places. It gives nil when an item stands in order twice.
func newModel(known int, order []dataset.Index, users []uint32) *Model {
	m := &Model{known: known, order: order, users: users, places: make([]uint32, known)}
	for at, i := range order {
		if m.places[i] != 0 {
			return nil
		}
		m.places[i] = uint32(at + 1)
	}
	return m
}

// at gives the place of an item in the order, false when nobody had it.
func (m *Model) at(i dataset.Index) (int, bool) {
	if int64(i) >= int64(len(m.places)) || m.places[i] == 0 {
		return 0, false
	}
	return int(m.places[i] - 1), true
}

// Len counts the items of the data it was trained on.
func (m *Model) Len() int { return m.known }

// Users says how many users had an item in training.
func (m *Model) Users(i dataset.Index) int {
	at, ok := m.at(i)
	if !ok {
		return 0
	}
	return int(m.users[at])
}

// Recommend gives the first k allowed items of the order. The question does not
// matter.
func (m *Model) Recommend(ctx context.Context, _ *recipe.Query, k int, allow dataset.Set, dst []recipe.Scored) ([]recipe.Scored, error) {
	dst = dst[:0]
	if err := context.Cause(ctx); err != nil {
		return dst, err
	}
	for _, i := range m.order {
		if len(dst) >= k {
			break
		}
		if allow.Has(i) {
			dst = append(dst, recipe.Scored{Index: i, Flags: recipe.NoScore})
		}
	}
	return dst, nil
}

// Rank puts items in the order of popularity; those that nobody had in training
// come last, in the order of the list.
func (m *Model) Rank(ctx context.Context, _ *recipe.Query, items []dataset.Index, dst []recipe.Scored) ([]recipe.Scored, error) {
	dst = dst[:0]
	if err := context.Cause(ctx); err != nil {
		return dst, err
	}
	keys := make([]uint64, len(items)) // place in the order, place in the list
	for n, i := range items {
		at, ok := m.at(i)
		if !ok {
			at = len(m.order)
		}
		keys[n] = uint64(at)<<32 | uint64(n)
	}
	slices.Sort(keys)
	for _, key := range keys {
		dst = append(dst, recipe.Scored{Index: items[uint32(key)], Flags: recipe.NoScore})
	}
	return dst, nil
}
