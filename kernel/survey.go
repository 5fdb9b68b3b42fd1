package kernel

import "math"

// Survey looks over scores: it adds extra to x, nil standing for nothing, and gives of
// what is then in x the largest element, like Max, and the sum of exp(x[i]-shift). It
// sets the bits of those elements that are least or more, and clears those of others:
// element i is bit i%64 of marks[i/64].
//
// x keeps what was added: where the largest is so far above shift that the sum is
// infinite, another shift can be tried. Exponents in the sum are right to 3e-6, less
// where x[i]-shift is large: by 1e-7 of that. Those below 2⁻¹²⁶ count 0.
func Survey(marks []uint64, x, extra []float32, least, shift float32) (largest, sum float32) {
	n := len(x)
	if n == 0 {
		return float32(math.Inf(-1)), 0
	}
	marks = marks[:(n+63)/64]
	marks[len(marks)-1] = 0
	if extra == nil {
		return active.survey(marks, x, least, shift)
	}
	return active.addSurvey(marks, x, extra[:n], least, shift)
}

// plainSurvey sets bits of words whose last is 0.
func plainSurvey(marks []uint64, x []float32, least, shift float32) (largest, sum float32) {
	clear(marks)
	total := 0.
	for i, v := range x {
		if v >= least {
			marks[i/64] |= 1 << (i % 64)
		}
		total += float64(power(float64(v)*float64(log2E) - float64(float32(shift*log2E))))
	}
	return plainMax(x), float32(total)
}

func plainAddSurvey(marks []uint64, x, extra []float32, least, shift float32) (largest, sum float32) {
	plainAxpy(x, 1, extra)
	return plainSurvey(marks, x, least, shift)
}

const log2E = float32(math.Log2E)

// power is two to the power of x, rounded to float32: a polynomial for what is behind
// the point, with the least relative error that one of its degree can have, and the rest
// in the exponent.
func power(x float64) float32 {
	a := float32(x)
	switch {
	case a < -126:
		return 0
	case a >= 128:
		return float32(math.Inf(1))
	case a != a:
		return a
	}
	whole := float32(math.Floor(float64(a)))
	r := a - whole
	p := float32(0.0135341679)
	p = float32(p*r) + 0.0520114606
	p = float32(p*r) + 0.241442757
	p = float32(p*r) + 0.693003834
	p = float32(p*r) + 1.00000259
	return math.Float32frombits(math.Float32bits(p) + uint32(int32(whole))<<23)
}
