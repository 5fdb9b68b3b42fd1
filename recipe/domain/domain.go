// Package domain is the ten use cases of the domains VIDEO_ON_DEMAND and
// ECOMMERCE: which algorithm each of them is, and with which hyperparameters.
//
// A use case has no hyperparameters of its own. What it learns from (Spec.Learns)
// and which items it leaves out (Spec.Excludes) stands in the table of recipes;
// training and serving see to these. Lists of related items are cosines over the
// users of two items and cut no popular ones: whoever watches a blockbuster
// wants an answer too. The personal use cases are the first version of
// aws-user-personalization, over all users: new items come by exploration, which
// serving adds by the recommender's settings.
package domain

import (
	"usher/recipe"
	"usher/recipe/itemknn"
	"usher/recipe/popularity"
	"usher/recipe/sequence"
	"usher/recipe/trending"
)

// Recipes gives the ten use cases, sorted by name.
func Recipes() []recipe.Recipe {
	related := recipe.Params{
		"popularity_discount_factor":            "0.5",
		"min_cointeraction_count":               "2",
		"min_user_history_length_percentile":    "0.0",
		"max_user_history_length_percentile":    "1.0",
		"min_item_interaction_count_percentile": "0.0",
		"max_item_interaction_count_percentile": "1.0",
	}
	discount := recipe.Params{"popularity_discount_factor": related["popularity_discount_factor"]}
	everybody := recipe.Params{"max_user_history_length_percentile": "1.0"}
	popular, knn, like, next, trend := popularity.Recipe{}, itemknn.Recipe{}, itemknn.Similar{}, sequence.PersonalizationV1{}, trending.Recipe{}
	return []recipe.Recipe{
		recipe.As("aws-ecomm-customers-who-viewed-x-also-viewed", knn, related),
		recipe.As("aws-ecomm-frequently-bought-together", knn, related),
		recipe.As("aws-ecomm-popular-items-by-purchases", popular, nil),
		recipe.As("aws-ecomm-popular-items-by-views", popular, nil),
		recipe.As("aws-ecomm-recommended-for-you", next, everybody),
		recipe.As("aws-vod-because-you-watched-x", knn, related),
		recipe.As("aws-vod-more-like-x", like, discount),
		recipe.As("aws-vod-most-popular", popular, nil),
		recipe.As("aws-vod-top-picks", next, everybody),
		recipe.As("aws-vod-trending-now", trend, nil),
	}
}
