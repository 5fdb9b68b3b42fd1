package eval

import (
	"math"
	"slices"

	"usher/dataset"
)

// ListLength is how many recommendations are asked for in an evaluation.
const ListLength = 25

// Cutoffs are the K of NDCG and precision.
func Cutoffs() [3]int { return cutoffs }

var cutoffs = [3]int{5, 10, ListLength}

// Ranking judges one ranked list. Arrays are by Cutoffs.
type Ranking struct {
	ReciprocalRank float64    // 1/rank of the first hit among the first 25; 0 without one
	NDCG           [3]float64 // gain 1, discount log2(1+rank); ideal: the hits found in the first K, all in front
	IdealNDCG      [3]float64 // the textbook's: ideal is min(K, len(truth)) hits in front
	Precision      [3]float64 // hits in the first K / K, however short the list is
}

// Measure judges a list, best first, by the items of truth. What follows place
// 25 does not count, and neither does an item that the list holds a second time
// but for the place it takes.
//
// NDCG divides by the ideal order of the hits found, as the numbers do that AWS
// prints: it says how far in front the hits are, precision how many they are.
func Measure(list, truth []dataset.Index) Ranking {
	var r Ranking
	var gain, found float64
	hits := 0
	for i, item := range list[:min(len(list), ListLength)] {
		if slices.Contains(truth, item) && !slices.Contains(list[:i], item) {
			if hits == 0 {
				r.ReciprocalRank = 1 / float64(i+1)
			}
			gain += discount(i)
			found += discount(hits)
			hits++
		}
		for c, k := range cutoffs {
			if i < k && hits > 0 { // the last place below k stays
				r.NDCG[c] = gain / found
				r.IdealNDCG[c] = gain
				r.Precision[c] = float64(hits) / float64(k)
			}
		}
	}
	for c, k := range cutoffs {
		if r.IdealNDCG[c] > 0 {
			r.IdealNDCG[c] /= ideal(min(k, distinct(truth)))
		}
	}
	return r
}

// WeightedNDCG is the NDCG by Cutoffs in which a right item gains what it weighs.
// It divides by the best order of the gains found, as Measure does. gain holds the
// right items.
func WeightedNDCG(list []dataset.Index, gain map[dataset.Index]float64) (out [3]float64) {
	for c, k := range cutoffs {
		var found []float64
		sum := 0.
		for i, item := range list[:min(len(list), k)] {
			if g := gain[item]; g > 0 && !slices.Contains(list[:i], item) {
				found = append(found, g)
				sum += g * discount(i)
			}
		}
		slices.Sort(found)
		best := 0.
		for i, g := range found {
			best += g * discount(len(found)-1-i)
		}
		if best > 0 {
			out[c] = sum / best
		}
	}
	return out
}

// discount is the weight of a hit at a place counted from 0.
func discount(place int) float64 { return 1 / math.Log2(float64(place+2)) }

// ideal is the gain of n hits in front.
func ideal(n int) (sum float64) {
	for i := range n {
		sum += discount(i)
	}
	return sum
}

func distinct(items []dataset.Index) (n int) {
	for i, x := range items {
		if !slices.Contains(items[:i], x) {
			n++
		}
	}
	return n
}

// Place gives the rank of item in a list, counted from 1; 0 when it is not there.
func Place(list []dataset.Index, item dataset.Index) int {
	return slices.Index(list, item) + 1
}

// PessimisticPlace gives the rank of a target among all items by their scores,
// counted from 1, without those that skip holds. Ties rank against the target:
// a model that gives all items one score finds nothing. So do scores that are
// not a number. skip may be nil.
func PessimisticPlace(scores []float32, target dataset.Index, skip func(dataset.Index) bool) int {
	place := 1
	for i, s := range scores {
		x := dataset.Index(i)
		if x != target && !(s < scores[target]) && (skip == nil || !skip(x)) {
			place++
		}
	}
	return place
}

// HitAt is 1 when a rank counted from 1 is among the first k; rank 0 is none.
// Its mean over users is the hit rate, which is recall where the truth is one item.
func HitAt(k, rank int) float64 {
	if rank >= 1 && rank <= k {
		return 1
	}
	return 0
}

// GainAt is the NDCG of one single right item at a rank counted from 1, cut at k.
func GainAt(k, rank int) float64 {
	if rank >= 1 && rank <= k {
		return discount(rank - 1)
	}
	return 0
}
