package kernel

import "math"

// SumExp adds extra to x, nil standing for nothing, and gives of what is then in x the
// largest element, like Max, and the sum of exp(x[i]-shift). x keeps what was added:
// where the largest is so far above shift that the sum is infinite, another shift can be
// tried. Arguments of exp below -87 count 0.
func SumExp(x, extra []float32, shift float32) (largest, sum float32) {
	switch {
	case len(x) == 0:
		return float32(math.Inf(-1)), 0
	case extra == nil:
		return active.sumExp(x, shift)
	}
	return active.addSumExp(x, extra[:len(x)], shift)
}

func plainSumExp(x []float32, shift float32) (largest, sum float32) {
	total := 0.
	for _, v := range x {
		total += float64(exp(v - shift))
	}
	return plainMax(x), float32(total)
}

func plainAddSumExp(x, extra []float32, shift float32) (largest, sum float32) {
	plainAxpy(x, 1, extra)
	return plainSumExp(x, shift)
}

// Mark sets the bits of those elements of x that are least or more, and clears those of
// others: element i is bit i%64 of marks[i/64].
func Mark(marks []uint64, x []float32, least float32) {
	if n := len(x); n > 0 {
		marks = marks[:(n+63)/64]
		marks[len(marks)-1] = 0
		active.mark(marks, x, least)
	}
}

// plainMark sets bits of words whose last is 0.
func plainMark(marks []uint64, x []float32, least float32) {
	clear(marks)
	for i, v := range x {
		if v >= least {
			marks[i/64] |= 1 << (i % 64)
		}
	}
}
