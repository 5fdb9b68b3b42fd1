package trending

import (
	"context"
	"errors"
	"slices"
	"time"

	"usher/dataset"
	"usher/recipe"
	"usher/recipe/popularity"
)

// Model is the list of items.
type Model struct {
	known     int             // items of the data, those without events included
	frequency time.Duration   // of the intervals
	order     []dataset.Index // items with events: those that grow, then the others by popularity
	rising    int             // how many of order grow
	places    []uint32        // by item, its place in order + 1; 0 for items without events
}

var _ recipe.Renewer = (*Model)(nil)

// newModel ranks the items of data.
func newModel(ctx context.Context, data *dataset.Snapshot, frequency time.Duration) (*Model, error) {
	end, ok := newest(data)
	if !ok {
		return nil, errors.New("the data have no interactions")
	}
	users, err := popularity.Count(ctx, data)
	if err != nil {
		return nil, err
	}
	grown, err := countGrowth(ctx, data, end, frequency)
	if err != nil {
		return nil, err
	}
	order := grown.rising(users)
	m := &Model{known: data.Items(), frequency: frequency, rising: len(order)}
	grows := make([]bool, data.Items())
	for _, i := range order {
		grows[i] = true
	}
	for _, i := range popularity.Order(users) {
		if !grows[i] {
			order = append(order, i)
		}
	}
	m.order = order
	m.fillPlaces()
	return m, nil
}

// fillPlaces gives false when an item stands in order twice.
func (m *Model) fillPlaces() bool {
	m.places = make([]uint32, m.known)
	for at, i := range m.order {
		if m.places[i] != 0 {
			return false
		}
		m.places[i] = uint32(at + 1)
	}
	return true
}

// Len counts the items of the data.
func (m *Model) Len() int { return m.known }

// longest is how old a list may be, whatever the frequency: AWS's promise.
const longest = 2 * time.Hour

// Period implements recipe.Renewer.
func (m *Model) Period() time.Duration { return min(m.frequency, longest) }

// Renew implements recipe.Renewer.
func (m *Model) Renew(ctx context.Context, data *dataset.Snapshot) (recipe.Model, error) {
	return newModel(ctx, data, m.frequency)
}

// Recommend gives the first k allowed items of the list. The question does not
// matter.
func (m *Model) Recommend(ctx context.Context, _ *recipe.Query, k int, allow dataset.Set, dst []recipe.Scored) ([]recipe.Scored, error) {
	dst = dst[:0]
	if err := context.Cause(ctx); err != nil {
		return dst, err
	}
	for at, i := range m.order {
		if len(dst) >= k {
			break
		}
		if allow.Has(i) {
			dst = append(dst, recipe.Scored{Index: i, Flags: m.flags(at)})
		}
	}
	return dst, nil
}

// flags gives those of a place in the list.
func (m *Model) flags(at int) recipe.Flags {
	if at < m.rising {
		return recipe.NoScore
	}
	return recipe.NoScore | recipe.Popular
}

// Rank puts items in the order of the list; those that nobody had come last, in
// the order they were given in.
func (m *Model) Rank(ctx context.Context, _ *recipe.Query, items []dataset.Index, dst []recipe.Scored) ([]recipe.Scored, error) {
	dst = dst[:0]
	if err := context.Cause(ctx); err != nil {
		return dst, err
	}
	keys := make([]uint64, len(items)) // place in the list, place in items
	for n, i := range items {
		at := uint64(len(m.order))
		if int64(i) < int64(len(m.places)) && m.places[i] != 0 {
			at = uint64(m.places[i] - 1)
		}
		keys[n] = at<<32 | uint64(n)
	}
	slices.Sort(keys)
	for _, key := range keys {
		x := recipe.Scored{Index: items[uint32(key)], Flags: recipe.NoScore}
		if at := int(key >> 32); at < len(m.order) {
			x.Flags = m.flags(at)
		}
		dst = append(dst, x)
	}
	return dst, nil
}
