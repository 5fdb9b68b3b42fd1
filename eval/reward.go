package eval

import (
	"cmp"
	"slices"

	"usher/dataset"
)

// RewardedList is how many recommendations a user has where an objective is measured.
// AWS does not say; of so many, the metric of AWS's example is what lists of usual
// quality have.
const RewardedList = 50

// Reward is the part of a user's reward that lies in the most rewarding 25
// recommendations, https://docs.aws.amazon.com/personalize/latest/dg/working-with-training-metrics.html:
// the rewards of the items of truth among these, by those of the items of truth in the
// whole list. false: none of the list is, or they reward nothing. Rewards below zero
// count as none. Of recommendations that reward the same the better ranked ones come
// first.
func Reward(list, truth []dataset.Index, reward func(dataset.Index) float64) (part float64, ok bool) {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b dataset.Index) int { return cmp.Compare(reward(b), reward(a)) })
	var most, all float64
	for at, i := range list {
		if slices.Contains(truth, i) {
			x := max(0, reward(i))
			all += x
			if at < ListLength {
				most += x
			}
		}
	}
	if all == 0 {
		return 0, false
	}
	return most / all, true
}
