package popularity

import (
	"context"

	"usher/dataset"
	"usher/recipe"
)

// Explain says how many users had the item.
func (m *Model) Explain(ctx context.Context, _ *recipe.Query, item dataset.Index) (*recipe.Explanation, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	at, ok := m.at(item)
	if !ok {
		return &recipe.Explanation{Basis: recipe.Unknown}, nil
	}
	return &recipe.Explanation{Basis: recipe.Popularity, Place: at + 1, Parts: []recipe.Part{{Name: "users", Value: float64(m.users[at])}}}, nil
}
