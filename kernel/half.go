package kernel

import "math"

// Halves are numbers in bfloat16, two in a word, for what is read from far more often
// than it is computed with.

// RoundHalf rounds x to the numbers that bfloat16 has, in place: to the nearest, of two
// that are equally near to the even one.
func RoundHalf(x []float32) {
	if len(x) > 0 {
		active.roundHalf(x)
	}
}

// Narrow puts x, which RoundHalf rounded, into halves: word i has x[i] in its lower half
// and x[len(y)+i] in its upper one. x is twice as long as y.
func Narrow(y []uint32, x []float32) {
	low, high := x[:len(y)], x[len(y):2*len(y)]
	for i := range y {
		y[i] = math.Float32bits(low[i])>>16 | math.Float32bits(high[i])
	}
}

// Widen is the inverse of Narrow. y is twice as long as x.
func Widen(y []float32, x []uint32) {
	if n := len(x); n > 0 {
		active.widen(y[:2*n], x)
	}
}

func plainRoundHalf(x []float32) {
	for i, v := range x {
		b := math.Float32bits(v)
		x[i] = math.Float32frombits((b + b>>16&1 + 0x7fff) >> 16 << 16)
	}
}

func plainWiden(y []float32, x []uint32) {
	low, high := y[:len(x)], y[len(x):]
	for i, w := range x {
		low[i], high[i] = math.Float32frombits(w<<16), math.Float32frombits(w>>16<<16)
	}
}
