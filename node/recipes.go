package node

import "usher/recipe"

// Recipes gives the recipes that this usher can train.
func Recipes() []recipe.Recipe { return recipes() }
