package sequence

import (
	"bytes"
	"testing"

	"usher/internal/seed"
	"usher/recipe"
	"usher/recipe/recipetest"
)

func TestRankingContract(t *testing.T) { recipetest.Run(t, Ranking{}) }

// TestRankingLearnsTheSame: a ranking is the recommender's network.
func TestRankingLearnsTheSame(t *testing.T) {
	in := recipe.Input{Data: snapshot(12, chain(12, 20, 6, 2)), Seed: seed.Seed(9), Workers: 1, Params: recipe.Defaults(Ranking{}.Spec().Algo)}
	got, err := Ranking{}.Train(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Recipe{}.Train(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(saved(t, got), saved(t, want)) {
		t.Error("the models differ")
	}
	if s := (Ranking{}).Spec(); s.Name != "aws-personalized-ranking-v2" || s.Type != recipe.PersonalizedRanking {
		t.Errorf("the spec is %+v", s)
	}
}
