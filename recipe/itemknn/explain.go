package itemknn

import (
	"context"
	"runtime"
	"slices"

	"usher/dataset"
	"usher/recipe"
)

// Explain says whether the item is a neighbour of q.Item, and which, or stands
// behind these by its popularity.
func (m *Model) Explain(ctx context.Context, q *recipe.Query, item dataset.Index) (*recipe.Explanation, error) {
	defer runtime.KeepAlive(m)
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	r := m.row(item)
	if r == noRow {
		return &recipe.Explanation{Basis: recipe.Unknown}, nil
	}
	near := m.neighbours(q.Item)
	out := &recipe.Explanation{Basis: recipe.Neighbours, Parts: []recipe.Part{{Name: "neighbours of the item", Value: float64(len(near))}, {Name: "place by popularity", Value: float64(r + 1)}}}
	if at := slices.Index(near, r); at >= 0 {
		out.Place = at + 1
		return out, nil
	}
	out.Basis = recipe.Popularity
	out.Place = len(near) + 1 // behind the neighbours, without them and the item itself
	for popular := range r {
		if !slices.Contains(near, popular) && m.items[popular] != q.Item {
			out.Place++
		}
	}
	return out, nil
}
