// Package kernel holds the hot float32 loops of training and serving.
//
// Every function has a plain-Go twin, which defines what it computes, and on
// amd64 with AVX2 and FMA a generated assembly path. The path is chosen once
// when the program starts (Path tells which) and can be forced in tests with
// Use. Slices may have any alignment and any length; matrices are row-major
// with a leading dimension (ld: floats from one row to the next). Results of
// the paths differ by rounding only, within the bounds that the tests state;
// one path gives the same bits each time.
package kernel

// MatMul computes C (m,n) = A (m,k) · B (k,n), or C += when add is set.
func MatMul(c []float32, ldc int, a []float32, lda int, b []float32, ldb int, m, n, k int, add bool) {
	panic("todo")
}

// MatMulNT computes C (m,n) = A (m,k) · B (n,k)ᵀ, or C += when add is set.
func MatMulNT(c []float32, ldc int, a []float32, lda int, b []float32, ldb int, m, n, k int, add bool) {
	panic("todo")
}

// MatMulTN computes C (m,n) = A (k,m)ᵀ · B (k,n), or C += when add is set.
func MatMulTN(c []float32, ldc int, a []float32, lda int, b []float32, ldb int, m, n, k int, add bool) {
	panic("todo")
}

// Dot gives Σ a[i]·b[i]; b is at least as long as a.
func Dot(a, b []float32) float32 { panic("todo") }

// Axpy computes y += s·x over the length of x.
func Axpy(y []float32, s float32, x []float32) { panic("todo") }

// Scale computes x *= s.
func Scale(x []float32, s float32) { panic("todo") }

// Max gives the largest element, -Inf for none. NaN elements are ignored.
func Max(x []float32) float32 { panic("todo") }

// ExpSum computes x[i] = exp(x[i]·scale + shift) in place and gives the sum.
// Arguments below -87 give 0.
func ExpSum(x []float32, scale, shift float32) float32 { panic("todo") }

// Softmax replaces x by its softmax.
func Softmax(x []float32) { panic("todo") }

// LayerNorm computes y = (x-mean)·rstd·gain + bias for rows of d, and stores
// mean and rstd (rows) for the backward pass. Epsilon is 1e-5.
func LayerNorm(y, x, gain, bias, mean, rstd []float32, rows, d int) { panic("todo") }

// LayerNormBackward adds to dx, dgain and dbias the gradients for dy.
func LayerNormBackward(dx, dgain, dbias, dy, x, gain, mean, rstd []float32, rows, d int) {
	panic("todo")
}

// SwiGLU computes y = silu(a)·b, silu(a) = a/(1+exp(-a)).
func SwiGLU(y, a, b []float32) { panic("todo") }

// SwiGLUBackward computes da and db (overwriting them) for dy.
func SwiGLUBackward(da, db, dy, a, b []float32) { panic("todo") }

// Sigmoid computes y = 1/(1+exp(-x)).
func Sigmoid(y, x []float32) { panic("todo") }

// Dropout computes y = x·mask/(1-p): element i is kept when the hash of (key,
// first+i) says so. The same key gives the same mask, so the backward pass
// calls it again on the gradient. p = 0 copies. y and x may be the same slice.
func Dropout(y, x []float32, p float32, key, first uint64) { panic("todo") }

// AdamStep is one step of AdamW (Loshchilov, Hutter, ICLR 2019).
type AdamStep struct {
	LR, Beta1, Beta2, Eps, Decay float32
	T                            int // step number from 1, for the bias correction
}

// Adam updates weights w and moments m, v by gradient g·scale.
func Adam(w, m, v, g []float32, scale float32, s AdamStep) { panic("todo") }

// Path names the code in use: "avx2" or "go".
func Path() string { panic("todo") }

// Paths lists what this machine can use, best first.
func Paths() []string { panic("todo") }

// Use forces a path and gives a function that restores the old one. It is for
// tests and benchmarks, before other goroutines use the package.
func Use(path string) (restore func(), err error) { panic("todo") }
