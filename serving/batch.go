package serving

import "usher/recipe"

// A batch job is asked like a campaign, by its ARN: it answers with the version
// that it was created for, from its creation on.

// Explains says whether a recipe's answers tell why an item is among them
// (Item.Reason).
func Explains(spec recipe.Spec) bool { return explains(spec) }
