package kernel

import "math"

// Rounded is a matrix B (k,n) whose elements are rounded to bfloat16, which has the
// range of a float32 and 8 bits of its precision. Processors with AVX512-BF16 multiply
// with it at twice the speed. It is for what is computed from a trained network, where
// such roundings are far below what the training left open.
type Rounded struct {
	k, n int
	// pairs has for each 32 columns and each two rows the columns' two elements side by
	// side, the first row's in the lower half.
	pairs []uint32
}

// roundedCols is how many columns lie together in a Rounded.
const roundedCols = 32

// Round rounds B (k,n). It gives nil where the path in use has no instructions for the
// products, or the matrix has no size that they are for: k a multiple of 16, n of 32.
func Round(b []float32, ldb, k, n int) *Rounded {
	if active.multiplyRounded == nil || k < 1 || n < 1 || k%16 != 0 || n%roundedCols != 0 {
		return nil
	}
	return round(b, ldb, k, n)
}

func round(b []float32, ldb, k, n int) *Rounded {
	need(b, k, n, ldb)
	out := &Rounded{k: k, n: n, pairs: make([]uint32, 0, k/2*n)}
	for from := 0; from < n; from += roundedCols {
		for i := 0; i < k; i += 2 {
			for j := from; j < from+roundedCols; j++ {
				out.pairs = append(out.pairs, pair(b[i*ldb+j], b[(i+1)*ldb+j]))
			}
		}
	}
	return out
}

// MatMul computes C (m,n) = A (m,k) · B, with A rounded, too. Sums are float32; each is
// taken over k in order, whatever m is.
func (b *Rounded) MatMul(c []float32, ldc int, a []float32, lda, m int) {
	need(a, m, b.k, lda)
	need(c, m, b.n, ldc)
	switch {
	case m <= 0:
	case active.multiplyRounded != nil:
		active.multiplyRounded(c, ldc, a, lda, b, m)
	default:
		plainMultiplyRounded(c, ldc, a, lda, b, m)
	}
}

// pair puts two numbers into a word as bfloat16.
func pair(low, high float32) uint32 { return bfloat16(low) | bfloat16(high)<<16 }

// bfloat16 rounds to the nearest, of two that are equally near to the even one.
func bfloat16(x float32) uint32 {
	bits := math.Float32bits(x)
	if x != x {
		return bits>>16 | 0x40
	}
	return (bits + 0x7fff + bits>>16&1) >> 16
}

// plainMultiplyRounded is the twin. Products of two bfloat16 are exact in float32.
func plainMultiplyRounded(c []float32, ldc int, a []float32, lda int, b *Rounded, m int) {
	float := func(bits uint32) float32 { return math.Float32frombits(bits << 16) }
	for i := range m {
		for j := range b.n {
			from := b.pairs[j/roundedCols*roundedCols*b.k/2+j%roundedCols:]
			var sum float32
			for p := range b.k / 2 {
				x, w := pair(a[i*lda+2*p], a[i*lda+2*p+1]), from[p*roundedCols]
				sum += float32(float(x>>16) * float(w>>16))
				sum += float32(float(x) * float(w))
			}
			c[i*ldc+j] = sum
		}
	}
}
