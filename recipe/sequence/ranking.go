package sequence

import (
	"context"
	"fmt"
	"io"

	"usher/recipe"
)

// RankingName is the name of the recipe for rankings in its ARN.
const RankingName = "aws-personalized-ranking-v2"

// Ranking is aws-personalized-ranking-v2: the same network, asked to put a list
// into order (Model.Rank) instead of choosing from all items. It has no state.
type Ranking struct{}

// Spec is the recipe's entry in the table.
func (Ranking) Spec() recipe.Spec { return specOf(RankingName) }

// Train learns what Recipe learns of the same input, to the bit.
func (Ranking) Train(ctx context.Context, in recipe.Input) (recipe.Model, error) {
	m, err := Recipe{}.Train(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", RankingName, err)
	}
	return m, nil
}

// Load reads what Model.Save wrote.
func (Ranking) Load(r io.ReaderAt, size int64) (recipe.Model, error) { return Recipe{}.Load(r, size) }
