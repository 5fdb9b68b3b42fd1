package recipe

import "slices"

// Table gives the entries of all recipes of Amazon Personalize, sorted by name.
// The caller may change the slice, but not the hyperparameters in it.
func Table() []Spec { return slices.Clone(table) }

// SpecOf gives the entry of the recipe with that name.
func SpecOf(name string) (Spec, bool) {
	i, ok := slices.BinarySearchFunc(table, name, func(s Spec, name string) int {
		switch {
		case s.Name < name:
			return -1
		case s.Name > name:
			return 1
		}
		return 0
	})
	if !ok {
		return Spec{}, false
	}
	return table[i], true
}

// The domains of use cases, as ListRecipes prints them.
const (
	ecommerce = "ECOMMERCE"
	video     = "VIDEO_ON_DEMAND"
)

// Hyperparameters that several recipes share. Names, defaults and ranges are
// those of the developer guide's recipe pages,
// https://docs.aws.amazon.com/personalize/latest/dg/working-with-predefined-recipes.html
var (
	recencyBias = []Param{{Name: "apply_recency_bias", Kind: Bool, Default: "true"}}

	percentiles = []Param{
		{Name: "min_user_history_length_percentile", Kind: Float, Default: "0.0", Min: 0, Max: 1},
		{Name: "max_user_history_length_percentile", Kind: Float, Default: "0.99", Min: 0, Max: 1},
	}
	segment = []Param{{Name: "hidden_dimension", Kind: Int, Default: "149", Min: 32, Max: 256}}
)

// recurrent gives the algorithm parameters of the HRNN family.
func recurrent(hiddenDimension string) []Param {
	return []Param{
		{Name: "hidden_dimension", Kind: Int, Default: hiddenDimension, Min: 32, Max: 256, Tunable: true},
		{Name: "bptt", Kind: Int, Default: "32", Min: 2, Max: 32, Tunable: true},
		{Name: "recency_mask", Kind: Bool, Default: "true", Tunable: true},
	}
}

// table is sorted by name. The algorithms of use cases are not documented by
// AWS: they carry the recipe's name; likewise an undocumented feature
// transformation carries it without "aws-" (docs/compatibility.md).
var table = []Spec{
	{
		Name: "aws-ecomm-customers-who-viewed-x-also-viewed", Type: RelatedItems, Domain: ecommerce,
		Algorithm: "aws-ecomm-customers-who-viewed-x-also-viewed", Transformation: "ecomm-customers-who-viewed-x-also-viewed",
		Description: "Items that customers viewed who also viewed a given item. Leaves out what the user has purchased.",
		NeedsUser:   true, NeedsItem: true,
		Learns: "View", Excludes: "Purchase",
	},
	{
		Name: "aws-ecomm-frequently-bought-together", Type: RelatedItems, Domain: ecommerce,
		Algorithm: "aws-ecomm-frequently-bought-together", Transformation: "ecomm-frequently-bought-together",
		Description: "Items that customers often buy together with a given item.",
		NeedsItem:   true,
		Learns:      "Purchase",
	},
	{
		Name: "aws-ecomm-popular-items-by-purchases", Type: PopularItems, Domain: ecommerce,
		Algorithm: "aws-ecomm-popular-items-by-purchases", Transformation: "ecomm-popular-items-by-purchases",
		Description: "The best sellers: items in the order of how many customers purchased them.",
		NeedsUser:   true,
		Learns:      "Purchase",
	},
	{
		Name: "aws-ecomm-popular-items-by-views", Type: PopularItems, Domain: ecommerce,
		Algorithm: "aws-ecomm-popular-items-by-views", Transformation: "ecomm-popular-items-by-views",
		Description: "The most viewed: items in the order of how many customers viewed them.",
		NeedsUser:   true,
		Learns:      "View",
	},
	{
		Name: "aws-ecomm-recommended-for-you", Type: UserPersonalization, Domain: ecommerce,
		Algorithm: "aws-ecomm-recommended-for-you", Transformation: "ecomm-recommended-for-you",
		Description: "Items a customer is likely to want next, by what was viewed and purchased before. Leaves out what the user has purchased.",
		NeedsUser:   true, Live: true,
		Excludes: "Purchase",
	},
	{
		Name: "aws-hrnn", Type: UserPersonalization,
		Algorithm: "aws-hrnn", Transformation: "JSON-percentile-filtering",
		Description: "Legacy. Predicts a user's next items with a hierarchical recurrent network over interactions.",
		Algo:        recurrent("43"), Feature: percentiles,
		NeedsUser: true, Legacy: true,
	},
	{
		Name: "aws-hrnn-coldstart", Type: UserPersonalization,
		Algorithm: "aws-hrnn-coldstart", Transformation: "featurize_coldstart",
		Description: "Legacy. The recurrent network with metadata, which also recommends items that have few interactions.",
		Algo:        recurrent("149"),
		Feature: append([]Param{
			{Name: "cold_start_max_interactions", Kind: Int, Default: "15", Min: 1, Max: 1e6},
			{Name: "cold_start_max_duration", Kind: Float, Default: "5.0", Min: 0, Max: 36500},
			{Name: "cold_start_relative_from", Kind: Choice, Default: "latestItem", Values: []string{"latestItem", "currentTime"}},
		}, percentiles...),
		NeedsUser: true, Legacy: true,
	},
	{
		Name: "aws-hrnn-metadata", Type: UserPersonalization,
		Algorithm: "aws-hrnn-metadata", Transformation: "featurize_metadata",
		Description: "Legacy. The recurrent network over interactions with metadata of items, users and context.",
		Algo:        recurrent("43"), Feature: percentiles,
		NeedsUser: true, Legacy: true,
	},
	{
		Name: "aws-item-affinity", Type: UserSegmentation,
		Algorithm: "aws-item-affinity", Transformation: "item-affinity",
		Description: "For an item, the users who are most likely to interact with it.",
		Algo:        segment, NeedsItem: true,
	},
	{
		Name: "aws-item-attribute-affinity", Type: UserSegmentation,
		Algorithm: "aws-item-attribute-affinity", Transformation: "item-attribute-affinity",
		Description: "For an attribute of items, for example a genre, the users who are most drawn to it.",
		Algo:        segment,
	},
	{
		Name: "aws-next-best-action", Type: PersonalizedActions,
		Algorithm: "aws-next-best-action", Transformation: "next-best-action",
		Description: "The actions that a user is most likely to take, each with its propensity, inside a period.",
		Feature:     []Param{{Name: "action_optimization_period", Kind: Int, Default: "14", Min: 7, Max: 28}},
		NeedsUser:   true, Scores: true, Live: true,
	},
	{
		Name: "aws-personalized-ranking", Type: PersonalizedRanking,
		Algorithm: "aws-personalized-ranking", Transformation: "JSON-percentile-filtering",
		Description: "Puts a list of items into the order in which they suit a user.",
		Algo:        recurrent("149"), Feature: percentiles,
		NeedsUser: true, Scores: true, Live: true, Objective: true,
	},
	{
		Name: "aws-personalized-ranking-v2", Type: PersonalizedRanking,
		Algorithm: "aws-personalized-ranking-v2", Transformation: "personalized-ranking-v2",
		Description: "Puts a list of items into the order in which they suit a user, with a transformer over histories.",
		Algo:        recencyBias,
		NeedsUser:   true, Scores: true, Live: true, Metadata: true, Events: true,
	},
	{
		Name: "aws-popularity-count", Type: PopularItems,
		Algorithm: "aws-popularity-count", Transformation: "sims",
		Description: "Items in the order of how many users interacted with them, the same for everybody. The baseline for other recipes.",
	},
	{
		Name: "aws-semantic-similarity", Type: RelatedItems,
		Algorithm: "aws-semantic-similarity", Transformation: "aws-semantic-similarity",
		Description: "Items whose name and text mean something similar to those of a given item.",
		NeedsItem:   true, Metadata: true,
	},
	{
		Name: "aws-similar-items", Type: RelatedItems,
		Algorithm: "aws-similar-items", Transformation: "similar-items",
		Description: "Items similar to a given item, by interactions and metadata together.",
		Algo: []Param{
			{Name: "popularity_discount_factor", Kind: Float, Default: "0.0", Min: 0, Max: 1},
			{Name: "item_id_hidden_dim", Kind: Int, Default: "100", Min: 30, Max: 200, Tunable: true, HPOOnly: true},
			{Name: "item_metadata_hidden_dim", Kind: Int, Default: "100", Min: 30, Max: 200, Tunable: true, HPOOnly: true},
		},
		NeedsItem: true,
	},
	{
		Name: "aws-sims", Type: RelatedItems,
		Algorithm: "aws-sims", Transformation: "sims",
		Description: "Items that occur in the same histories as a given item, counted over all users.",
		Algo: []Param{
			{Name: "popularity_discount_factor", Kind: Float, Default: "0.5", Min: 0, Max: 1, Tunable: true},
			{Name: "min_cointeraction_count", Kind: Int, Default: "3", Min: 0, Max: 10, Tunable: true},
		},
		Feature: []Param{
			{Name: "min_user_history_length_percentile", Kind: Float, Default: "0.005", Min: 0, Max: 1},
			{Name: "max_user_history_length_percentile", Kind: Float, Default: "0.995", Min: 0, Max: 1},
			{Name: "min_item_interaction_count_percentile", Kind: Float, Default: "0.01", Min: 0, Max: 1},
			{Name: "max_item_interaction_count_percentile", Kind: Float, Default: "0.9", Min: 0, Max: 1},
		},
		NeedsItem: true,
	},
	{
		Name: "aws-trending-now", Type: PopularItems,
		Algorithm: "aws-trending-now-custom", Transformation: "trending-now",
		Description: "Items whose interactions grow fastest from one interval of time to the next.",
		Feature: []Param{{Name: "trend_discovery_frequency", Kind: Choice, Default: "2 hours",
			Values: []string{"30 minutes", "1 hour", "2 hours", "3 hours", "1 day"}}},
	},
	{
		Name: "aws-user-personalization", Type: UserPersonalization,
		Algorithm: "aws-user-personalization", Transformation: "JSON-percentile-filtering",
		Description: "Predicts the items a user will interact with next, and explores new items.",
		Algo:        recurrent("149"), Feature: percentiles,
		NeedsUser: true, Scores: true, Live: true, Objective: true,
	},
	{
		Name: "aws-user-personalization-v2", Type: UserPersonalization,
		Algorithm: "aws-user-personalization-v2", Transformation: "user-personalization-v2",
		Description: "Predicts the items a user will interact with next, with a transformer over histories.",
		Algo:        recencyBias,
		NeedsUser:   true, Scores: true, Live: true, Metadata: true, Events: true,
	},
	{
		Name: "aws-vod-because-you-watched-x", Type: RelatedItems, Domain: video,
		Algorithm: "aws-vod-because-you-watched-x", Transformation: "vod-because-you-watched-x",
		Description: "Videos that users watched who also watched a given video. Leaves out what the user has watched.",
		NeedsUser:   true, NeedsItem: true,
		Learns: "Watch", Excludes: "Watch",
	},
	{
		Name: "aws-vod-more-like-x", Type: RelatedItems, Domain: video,
		Algorithm: "aws-vod-more-like-x", Transformation: "vod-more-like-x",
		Description: "Videos similar to a given video, by interactions and metadata. Leaves out what the user has watched.",
		NeedsUser:   true, NeedsItem: true,
		Excludes: "Watch",
	},
	{
		Name: "aws-vod-most-popular", Type: PopularItems, Domain: video,
		Algorithm: "aws-vod-most-popular", Transformation: "vod-most-popular",
		Description: "Videos in the order of how many users watched them.",
		NeedsUser:   true,
		Learns:      "Watch",
	},
	{
		Name: "aws-vod-top-picks", Type: UserPersonalization, Domain: video,
		Algorithm: "aws-vod-top-picks", Transformation: "vod-top-picks",
		Description: "Videos that a user is likely to watch next. Leaves out what the user has watched.",
		NeedsUser:   true, Live: true,
		Excludes: "Watch",
	},
	{
		Name: "aws-vod-trending-now", Type: PopularItems, Domain: video,
		Algorithm: "aws-vod-trending-now", Transformation: "vod-trending-now",
		Description: "Videos whose interactions grow fastest now.",
	},
}
