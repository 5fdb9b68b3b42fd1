// Package kernel holds the hot float32 loops of training and serving.
//
// Every function has a plain-Go twin, which defines what it computes, and
// generated assembly (kernel/internal/generate writes it): for amd64 with AVX-512
// or with AVX2 and FMA, for arm64 with NEON. The path is chosen once when the
// program starts (Path tells which); tests force one with Use, and whole programs
// by the processor's flags: GODEBUG=cpu.avx512f=off, GODEBUG=cpu.avx2=off.
// Slices may have any alignment and any length; matrices are row-major with a
// leading dimension (ld: floats from one row to the next). Slices that are too
// short panic. A result may not overlap an argument unless it starts at the same
// element.
//
// Results of the paths differ by rounding only, within the bounds that the
// tests state; one path gives the same bits each time, and the twin gives the
// same bits on every machine (docs/decisions/0012). Of the element-wise functions
// the value of an element does not depend on its place in the slice. NaN and Inf
// go the way they go in Go's arithmetic.
//
// A Rounded is a matrix in bfloat16, for products that may be rounded, on processors with
// instructions for them. A Quantised is a matrix in eight bits, for
// products with all rows of a large catalogue; its products are the same bits on all
// paths.
//
// What is multiplied with what, and on how many goroutines, is the caller's
// business: every function is for concurrent use and starts no goroutine. A
// call cannot be interrupted, so very large work should come in pieces.
package kernel

import "math"

//go:generate go test ./internal/generate -run TestUpToDate -update

// MatMul computes C (m,n) = A (m,k) · B (k,n), or C += when add is set.
func MatMul(c []float32, ldc int, a []float32, lda int, b []float32, ldb int, m, n, k int, add bool) {
	need(a, m, k, lda)
	need(b, k, n, ldb)
	multiplyMatrices(c, ldc, operand{a, lda, 1}, operand{b, ldb, 1}, m, n, k, add)
}

// MatMulNT computes C (m,n) = A (m,k) · B (n,k)ᵀ, or C += when add is set.
func MatMulNT(c []float32, ldc int, a []float32, lda int, b []float32, ldb int, m, n, k int, add bool) {
	need(a, m, k, lda)
	need(b, n, k, ldb)
	multiplyMatrices(c, ldc, operand{a, lda, 1}, operand{b, 1, ldb}, m, n, k, add)
}

// MatMulTN computes C (m,n) = A (k,m)ᵀ · B (k,n), or C += when add is set.
func MatMulTN(c []float32, ldc int, a []float32, lda int, b []float32, ldb int, m, n, k int, add bool) {
	need(a, k, m, lda)
	need(b, k, n, ldb)
	multiplyMatrices(c, ldc, operand{a, 1, lda}, operand{b, ldb, 1}, m, n, k, add)
}

// operand is a matrix whose element (i,j) is x[i*row+j*col].
type operand struct {
	x        []float32
	row, col int
}

// need panics when x is no matrix of this size.
func need(x []float32, rows, cols, ld int) {
	if rows > 0 && cols > 0 {
		_ = x[(rows-1)*ld+cols-1]
	}
}

// multiplyMatrices does what all products have in common.
func multiplyMatrices(c []float32, ldc int, a, b operand, m, n, k int, add bool) {
	if m <= 0 || n <= 0 {
		return
	}
	need(c, m, n, ldc)
	if k > 0 {
		active.matMul(c, ldc, a, b, m, n, k, add)
	} else if !add {
		for i := range m {
			clear(c[i*ldc : i*ldc+n])
		}
	}
}

// Dot gives Σ a[i]·b[i]; b is at least as long as a.
func Dot(a, b []float32) float32 {
	if len(a) == 0 {
		return 0
	}
	return active.dot(a, b[:len(a)])
}

// Axpy computes y += s·x over the length of x.
func Axpy(y []float32, s float32, x []float32) {
	if len(x) > 0 {
		active.axpy(y[:len(x)], s, x)
	}
}

// Scale computes x *= s.
func Scale(x []float32, s float32) {
	if len(x) > 0 {
		active.scale(x, s)
	}
}

// Multiply computes y[i] = a[i]·b[i] over the length of y.
func Multiply(y, a, b []float32) {
	if n := len(y); n > 0 {
		active.multiply(y, a[:n], b[:n])
	}
}

// Max gives the largest element, -Inf for none. NaN elements are ignored.
func Max(x []float32) float32 {
	if len(x) == 0 {
		return float32(math.Inf(-1))
	}
	return active.max(x)
}

// ExpSum computes x[i] = exp(x[i]·scale + shift) in place and gives the sum.
// Arguments below -87 give 0.
func ExpSum(x []float32, scale, shift float32) float32 {
	if len(x) == 0 {
		return 0
	}
	return active.expSum(x, scale, shift)
}

// AddLog computes y[i] += w·log(1 + s·x[i]) over the length of x, where x[i] is not
// below 0; s is not either. The logarithm is right to 1e-7, and all paths give the
// same bits for finite x.
func AddLog(y, x []float32, w, s float32) {
	if len(x) > 0 {
		active.addLog(y[:len(x)], x, w, s)
	}
}

// Softmax replaces x by its softmax. Where the largest element is infinite the
// result is NaN.
func Softmax(x []float32) {
	Scale(x, 1/ExpSum(x, 1, -Max(x)))
}

// BiasedSoftmax replaces x by the softmax of scale·x + bias: an attention's row. Where
// its largest element is infinite the result is NaN.
func BiasedSoftmax(x, bias []float32, scale float32) {
	if len(x) > 0 {
		active.biasedSoftmax(x, bias[:len(x)], scale)
	}
}

// SoftmaxBackward turns dp, the gradient of the probabilities p, into the
// gradient of what the softmax was made of.
func SoftmaxBackward(dp, p []float32) {
	if len(dp) > 0 {
		active.softmaxBackward(dp, p[:len(dp)])
	}
}

// LayerNorm computes y = (x-mean)·rstd·gain + bias for rows of d, and stores
// mean and rstd (rows) for the backward pass. Epsilon is 1e-5.
func LayerNorm(y, x, gain, bias, mean, rstd []float32, rows, d int) {
	if rows > 0 && d > 0 {
		n := rows * d
		active.layerNorm(y[:n], x[:n], gain[:d], bias[:d], mean[:rows], rstd[:rows], rows, d)
	}
}

// LayerNormBackward adds to dx, dgain and dbias the gradients for dy.
func LayerNormBackward(dx, dgain, dbias, dy, x, gain, mean, rstd []float32, rows, d int) {
	if rows > 0 && d > 0 {
		n := rows * d
		active.layerNormBackward(dx[:n], dgain[:d], dbias[:d], dy[:n], x[:n], gain[:d], mean[:rows], rstd[:rows], rows, d)
	}
}

// Normalise computes y = x·inv, inv = 1/√(Σx²+1e-9), over the length of x, and
// gives inv. y and x may be the same slice.
func Normalise(y, x []float32) (inv float32) {
	if len(x) == 0 {
		return 1 / float32(math.Sqrt(1e-9))
	}
	return active.normalise(y[:len(x)], x)
}

// NormaliseBackward adds to dx the gradient for dy, where y and inv came from
// Normalise.
func NormaliseBackward(dx, dy, y []float32, inv float32) {
	if n := len(dx); n > 0 {
		active.normaliseBackward(dx, dy[:n], y[:n], inv)
	}
}

// SwiGLU computes y = silu(a)·b, silu(a) = a/(1+exp(-a)).
func SwiGLU(y, a, b []float32) {
	if n := len(y); n > 0 {
		active.swiGLU(y, a[:n], b[:n])
	}
}

// SwiGLUBackward computes da and db (overwriting them) for dy.
func SwiGLUBackward(da, db, dy, a, b []float32) {
	if n := len(dy); n > 0 {
		active.swiGLUBackward(da[:n], db[:n], dy, a[:n], b[:n])
	}
}

// Sigmoid computes y = 1/(1+exp(-x)).
func Sigmoid(y, x []float32) {
	if n := len(y); n > 0 {
		active.sigmoid(y, x[:n])
	}
}

// GateBackward is the backward pass of y = o·s, s = sigmoid(u): dy comes in as
// the gradient of y and leaves as that of o; du, that of u, is written.
func GateBackward(dy, du, o, s []float32) {
	if n := len(dy); n > 0 {
		active.gateBackward(dy, du[:n], o[:n], s[:n])
	}
}

// Dropout computes y = x·mask/(1-p): element i is kept when the hash of (key,
// first+i) says so; of one that is dropped not even a NaN stays. The same key
// gives the same mask, so the backward pass calls it again on the gradient.
// p = 0 copies. y and x may be the same slice.
func Dropout(y, x []float32, p float32, key, first uint64) {
	x = x[:len(y)]
	if p <= 0 {
		copy(y, x)
		return
	}
	for len(y) > 0 { // pieces whose upper half of the counter is one
		n := int(min(uint64(len(y)), 1<<32-first&(1<<32-1)))
		active.dropout(y[:n], x[:n], newMask(p, key, first))
		y, x, first = y[n:], x[n:], first+uint64(n)
	}
}

// AdamStep is one step of AdamW (Loshchilov, Hutter, ICLR 2019).
type AdamStep struct {
	LR, Beta1, Beta2, Eps, Decay float32
	T                            int // step number from 1, for the bias correction
}

// AdamUpdate is a step made ready for a scale of the gradient.
type AdamUpdate struct {
	scale                      float32 // of the gradient
	keep1, take1, keep2, take2 float32 // parts of old moment and gradient
	rate, correct              float32 // learning rate and second moment, with bias correction
	eps, shrink                float32 // shrink: factor of the old weight
}

// Update makes the step ready for gradients that count times scale.
func (s AdamStep) Update(scale float32) AdamUpdate {
	b1, b2, t := float64(s.Beta1), float64(s.Beta2), float64(s.T)
	return AdamUpdate{
		scale: scale,
		keep1: s.Beta1, take1: float32(1 - b1), keep2: s.Beta2, take2: float32(1 - b2),
		rate: float32(float64(s.LR) / (1 - math.Pow(b1, t))), correct: float32(1 / (1 - math.Pow(b2, t))),
		eps: s.Eps, shrink: float32(1 - float64(s.LR)*float64(s.Decay)),
	}
}

// Adam updates weights w and moments m, v by gradient g.
func Adam(w, m, v, g []float32, u AdamUpdate) {
	if n := len(w); n > 0 {
		active.adam(w, m[:n], v[:n], g[:n], u)
	}
}
