package kernel

import (
	"math"
	"sync"
)

// Rounded is a matrix B (k,n) whose elements are rounded to bfloat16, which has the
// range of a float32 and 8 bits of its precision. Processors with AVX512-BF16 multiply
// with it at twice the speed: what it is multiplied with is rounded, too, and sums are
// float32. It is for where such roundings are far below what is uncertain anyway. Its
// memory is used again by SetRows and SetColumns; one goroutine at a time may do that.
type Rounded struct {
	k, n int
	// pairs has for each 32 columns and each two rows the columns' two elements side by
	// side, the first row's in the lower half.
	pairs []uint32
}

const (
	// roundedCols is how many columns lie together in a Rounded.
	roundedCols = 32
	// roundedDepth is how many pairs of a column are multiplied at a time: with 32
	// columns they stay in the L1 cache.
	roundedDepth = 128
	// roundedRows is how many rows of A are rounded at a time: they stay in the L1
	// cache, too. Of Aᵀ, of which more is read at a time, it is roundedTurned.
	roundedRows   = 48
	roundedTurned = 192
)

// roundedLoops are a path's loops for products in bfloat16.
type roundedLoops struct {
	// pairInRows rounds rows of 16·groups floats, neighbours side by side.
	pairInRows func(to []uint32, toRow int, x []float32, ld, rows, groups int)
	// pairRows rounds 2·pairs rows of 32·groups floats, two rows' elements of a column
	// side by side. Groups are toGroup words apart.
	pairRows func(to []uint32, toRow, toGroup int, x []float32, ld, pairs, groups int)
	// transpose writes 32 rows of words, a multiple of 8, as rows of 32.
	transpose func(to, from []uint32, words int)
	// multiply is C (m,32) = A·B or C += for as many pairs as B has rows of 32.
	multiply func(c []float32, ldc int, a []uint32, aRow, aCol int, b []uint32, m int, add bool)
}

// CanRound says whether the path in use multiplies a Rounded of this size: whether it
// has instructions for it, and both are multiples of 32.
func CanRound(k, n int) bool {
	return active.rounded != nil && k > 0 && n > 0 && k%roundedCols == 0 && n%roundedCols == 0
}

// Round rounds B (k,n). It gives nil where CanRound says no.
func Round(b []float32, ldb, k, n int) *Rounded {
	if !CanRound(k, n) {
		return nil
	}
	out := &Rounded{}
	out.SetRows(b, ldb, k, n)
	return out
}

// SetRows makes it the rounded B (k,n). k may be any if only MatMulTN follows.
func (b *Rounded) SetRows(x []float32, ld, k, n int) {
	need(x, k, n, ld)
	words := b.room(k, n)
	roundedActive().pairAllRows(b.pairs, roundedCols, words*roundedCols, x, ld, k, n)
}

// SetColumns makes it the rounded B (k,n), of which the transpose (n,k) is given. k is a
// multiple of 32.
func (b *Rounded) SetColumns(x []float32, ld, k, n int) {
	need(x, n, k, ld)
	words := b.room(k, n)
	loops, memory := roundedActive(), roundedMemory.Get().(*[]uint32)
	defer roundedMemory.Put(memory)
	rows := roomFor(memory, roundedCols*words)
	for j := 0; j < n; j += roundedCols {
		loops.pairInRows(rows, words, x[j*ld:], ld, roundedCols, k/16)
		loops.transpose(b.pairs[j*words:], rows, words)
	}
}

// room makes room for a matrix (k,n) and gives how many pairs a column has.
func (b *Rounded) room(k, n int) (words int) {
	if k < 1 || n < 1 || n%roundedCols != 0 {
		panic("kernel: no size of a rounded matrix")
	}
	b.k, b.n, words = k, n, (k+1)/2
	roomFor(&b.pairs, words*n)
	return words
}

// MatMul computes C (m,n) = A (m,k) · B, or C += when add is set, with A rounded, too.
// k is a multiple of 32. Sums are float32; each is taken over k in order, in blocks of
// 256, whatever m is.
func (b *Rounded) MatMul(c []float32, ldc int, a []float32, lda, m int, add bool) {
	need(a, m, b.k, lda)
	need(c, m, b.n, ldc)
	loops, memory := roundedActive(), roundedMemory.Get().(*[]uint32)
	defer roundedMemory.Put(memory)
	words := b.k / 2
	for from := 0; from < m; from += roundedRows {
		rows := min(roundedRows, m-from)
		for p := 0; p < words; p += roundedDepth {
			depth := min(roundedDepth, words-p)
			pairs := roomFor(memory, rows*depth)
			loops.pairInRows(pairs, depth, a[from*lda+2*p:], lda, rows, depth/8)
			for j := 0; j < b.n; j += roundedCols {
				loops.multiply(c[from*ldc+j:], ldc, pairs, depth, 1, b.panel(j, p, depth), rows, add || p > 0)
			}
		}
	}
}

// MatMulTN computes C (m,n) = A (k,m)ᵀ · B, or C += when add is set, with A rounded,
// too. m is a multiple of 32. Sums are as those of MatMul.
func (b *Rounded) MatMulTN(c []float32, ldc int, a []float32, lda, m int, add bool) {
	need(a, b.k, m, lda)
	need(c, m, b.n, ldc)
	loops, memory := roundedActive(), roundedMemory.Get().(*[]uint32)
	defer roundedMemory.Put(memory)
	words := (b.k + 1) / 2
	for from := 0; from < m; from += roundedTurned {
		rows := min(roundedTurned, m-from)
		for p := 0; p < words; p += roundedDepth {
			depth := min(roundedDepth, words-p)
			pairs := roomFor(memory, rows*depth)
			loops.pairAllRows(pairs, rows, roundedCols, a[2*p*lda+from:], lda, min(2*depth, b.k-2*p), rows)
			for j := 0; j < b.n; j += roundedCols {
				loops.multiply(c[from*ldc+j:], ldc, pairs, 1, rows, b.panel(j, p, depth), rows, add || p > 0)
			}
		}
	}
}

// pairAllRows is pairRows of k rows of n floats. Of an odd last row the other half is 0.
func (l *roundedLoops) pairAllRows(to []uint32, toRow, toGroup int, x []float32, ld, k, n int) {
	if k > 1 {
		l.pairRows(to, toRow, toGroup, x, ld, k/2, n/roundedCols)
	}
	for j := range n * (k % 2) {
		to[k/2*toRow+j/roundedCols*toGroup+j%roundedCols] = pair(x[(k-1)*ld+j], 0)
	}
}

// panel gives 32 columns' pairs from p on.
func (b *Rounded) panel(col, p, depth int) []uint32 {
	from := col*((b.k+1)/2) + p*roundedCols
	return b.pairs[from : from+depth*roundedCols]
}

// roundedMemory is for what is rounded of A.
var roundedMemory = sync.Pool{New: func() any { return new([]uint32) }}

// roomFor gives n words out of *p, which grows when it is too small.
func roomFor(p *[]uint32, n int) []uint32 {
	if cap(*p) < n {
		*p = make([]uint32, n)
	}
	*p = (*p)[:n]
	return *p
}

// roundedActive gives the loops of the path in use; the twin's where it has none.
func roundedActive() *roundedLoops {
	if active.rounded != nil {
		return active.rounded
	}
	return &plainRounded
}

// plainRounded is the twin. Processors take numbers too small for a float32's full
// precision for 0, and add the two products of a pair in an order of their own.
var plainRounded = roundedLoops{
	pairInRows: plainPairInRows, pairRows: plainPairRows, transpose: plainTranspose, multiply: plainMultiplyPairs,
}

// pair puts two numbers into a word as bfloat16.
func pair(low, high float32) uint32 { return bfloat16(low) | bfloat16(high)<<16 }

// bfloat16 rounds to the nearest, of two that are equally near to the even one.
func bfloat16(x float32) uint32 {
	bits := math.Float32bits(x)
	switch {
	case x != x:
		return bits>>16 | 0x40
	case bits&0x7f800000 == 0:
		return bits >> 31 << 15
	}
	return (bits + 0x7fff + bits>>16&1) >> 16
}

func plainPairInRows(to []uint32, toRow int, x []float32, ld, rows, groups int) {
	for i := range rows {
		for p := range groups * 8 {
			to[i*toRow+p] = pair(x[i*ld+2*p], x[i*ld+2*p+1])
		}
	}
}

func plainPairRows(to []uint32, toRow, toGroup int, x []float32, ld, pairs, groups int) {
	for p := range pairs {
		for j := range groups * roundedCols {
			to[p*toRow+j/roundedCols*toGroup+j%roundedCols] = pair(x[2*p*ld+j], x[(2*p+1)*ld+j])
		}
	}
}

func plainTranspose(to, from []uint32, words int) {
	for p := range words {
		for j := range roundedCols {
			to[p*roundedCols+j] = from[j*words+p]
		}
	}
}

// plainMultiplyPairs multiplies. Products of two bfloat16 are exact in float32.
func plainMultiplyPairs(c []float32, ldc int, a []uint32, aRow, aCol int, b []uint32, m int, add bool) {
	float := func(bits uint32) float32 { return math.Float32frombits(bits << 16) }
	for i := range m {
		for j := range roundedCols {
			var sum float32
			for p := range len(b) / roundedCols {
				x, w := a[i*aRow+p*aCol], b[p*roundedCols+j]
				sum += float32(float(x>>16) * float(w>>16))
				sum += float32(float(x) * float(w))
			}
			if add {
				sum += c[i*ldc+j]
			}
			c[i*ldc+j] = sum
		}
	}
}
