package sequence

import (
	"math/bits"

	"usher/dataset"
	"usher/kernel"
)

// A pass learns only on its way what scores the best rows have, and before it knows it
// collects many that are not among them. But rows that counters favour are nearly always
// among the best: so the scores of some of them say beforehand what the best have at least.

// favouredPart is the part of the few rows of an extra that the wanted ones may be for
// some to be looked at: of a larger one the k-th has not much to say.
const favouredPart = 4

// least gives a score that k rows of allow have at least; lowest: none is known.
func (q *lookup) least(s *scanner, t *tile) float32 {
	x, k := &q.extra, q.most
	if s.quantised == nil || k > len(x.few)/favouredPart {
		return lowest
	}
	marks := t.marksOf(len(x.of))
	if !favour(marks, x.of, k) {
		return lowest
	}
	q.top.begin(k)
	eachMarked(marks, func(i int) { kernel.Fetch(s.vector(x.few[i])) })
	eachMarked(marks, func(i int) {
		if r := x.few[i]; q.allow.Has(dataset.Index(s.items[r])) {
			q.top.offer(ranked{kernel.Dot(q.query, s.vector(r)) + x.of[i], r})
		}
	})
	if len(q.top.rows) < k {
		return lowest
	}
	q.top.cut()
	return q.top.least()
}

// favour marks those of values that are largest and above 0, from k to 2k of them; it says
// whether it found a bound for so many.
func favour(marks []uint64, values []float32, k int) bool {
	const tries = 16
	low, high := float32(0), kernel.Max(values)
	if !(high > low) {
		return false
	}
	for range tries {
		middle := low + (high-low)/2
		kernel.Survey(marks, values, nil, middle, high)
		switch n := countMarks(marks); {
		case n < k:
			high = middle
		case n > 2*k:
			low = middle
		default:
			return true
		}
	}
	return false
}

// countMarks counts the marks.
func countMarks(marks []uint64) (n int) {
	for _, word := range marks {
		n += bits.OnesCount64(word)
	}
	return n
}

// eachMarked calls fn for the places of the marks.
func eachMarked(marks []uint64, fn func(i int)) {
	for w, word := range marks {
		for ; word != 0; word &= word - 1 {
			fn(w*64 + bits.TrailingZeros64(word))
		}
	}
}
