package sequence

import "usher/recipe"

// spec is the recipe's entry in the table.
var spec = recipe.Spec{
	Name: Name, Type: recipe.UserPersonalization, Algorithm: Name,
	Algo:      []recipe.Param{{Name: "apply_recency_bias", Kind: recipe.Bool, Default: "true"}},
	NeedsUser: true, Scores: true, Live: true, Metadata: true, Events: true,
}
