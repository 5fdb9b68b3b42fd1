package eval

import (
	"math"
	"slices"

	"usher/internal/seed"
)

// Interval is a mean with the range that holds 95 % of the means of resampled
// users.
type Interval struct {
	Mean float64 `json:"mean"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// resamples is enough that the bounds move by about 2 % of the interval's
// width from seed to seed.
const resamples = 2000

// Bootstrap gives the mean of one value for each user and its 95 % interval by
// the percentile bootstrap (Efron 1979): as many users are drawn with
// replacement, again and again. The same values and seed give the same
// interval. Without values all is zero.
func Bootstrap(values []float64, from seed.Seed) Interval {
	n := len(values)
	if n == 0 {
		return Interval{}
	}
	var total float64
	for _, v := range values {
		total += v
	}
	r := from.Branch("bootstrap").Rand()
	means := make([]float64, resamples)
	for i := range means {
		var sum float64
		for range n {
			sum += values[r.IntN(n)]
		}
		means[i] = sum / float64(n)
	}
	slices.Sort(means)
	// The bounds leave out as many means below as above.
	out := int(math.Floor(.025 * resamples))
	return Interval{total / float64(n), means[out], means[resamples-1-out]}
}
