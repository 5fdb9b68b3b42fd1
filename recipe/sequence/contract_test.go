package sequence

import (
	"testing"

	"usher/recipe/recipetest"
)

func TestContract(t *testing.T) { recipetest.Run(t, Recipe{}) }
