package trending

import (
	"context"

	"usher/dataset"
	"usher/recipe"
)

// Explain says whether the item is among those that grow, or behind them by its
// popularity.
func (m *Model) Explain(ctx context.Context, _ *recipe.Query, item dataset.Index) (*recipe.Explanation, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if int64(item) >= int64(len(m.places)) || m.places[item] == 0 {
		return &recipe.Explanation{Basis: recipe.Unknown}, nil
	}
	out := &recipe.Explanation{Basis: recipe.Trend, Place: int(m.places[item]), Parts: []recipe.Part{{Name: "items that grow", Value: float64(m.rising)}}}
	if out.Place > m.rising {
		out.Basis = recipe.Popularity
	}
	return out, nil
}
