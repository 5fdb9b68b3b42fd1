package sequence

import (
	"math"

	"usher/dataset"
)

// A newcomer that users were shown and nobody took is favoured less, so that what is
// explored is what was shown least. Of what is shown a part r is taken; one that was
// shown n times and never taken has, with a prior of one take at that rate, the rate
// r/(1+n·r): what it loses against the others is log(1+n·r). Without impressions that
// is nothing; where all were shown alike it is the same for all, and their bias, which
// is chosen afterwards, makes up for it.

// passedOver gives what each newcomer loses; nil where nothing is known of what was
// shown.
func (f *fit) passedOver(n *newcomers) []float32 {
	shown := f.in.Data.Shown
	if shown == nil {
		return nil
	}
	times, some := make([]int, len(n.items)), false
	for _, x := range shown.List {
		if at := n.find(x.Item); at >= 0 {
			times[at]++
			some = true
		}
	}
	if !some {
		return nil
	}
	taken := float64(takenOf(f.in.Data))
	rate := taken / (taken + float64(len(shown.List)))
	out := make([]float32, len(times))
	for at, k := range times {
		out[at] = float32(math.Log1p(float64(k) * rate))
	}
	return out
}

// takenOf counts the events that told of what was shown beside them.
func takenOf(data *dataset.Snapshot) (n int) {
	for u := range data.UserIDs {
		list := data.Shown.Of(dataset.Index(u))
		for _, e := range data.History(dataset.Index(u)) {
			for len(list) > 0 && list[0].Time < e.Time {
				list = list[1:]
			}
			if len(list) > 0 && list[0].Time == e.Time {
				n++
			}
		}
	}
	return n
}
