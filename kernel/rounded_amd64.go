package kernel

import (
	"sync"
	"unsafe"
)

// roundedTiles are the tiles of products in bfloat16: in the place of floats there are
// pairs.
var roundedTiles = tiling{cols: roundedCols, tiles: []tile{
	{rows: 12, full: tile12PairsAVX512}, {rows: 8, full: tile8PairsAVX512}, {rows: 4, full: tile4PairsAVX512},
	{rows: 2, full: tile2PairsAVX512}, {rows: 1, full: tile1PairsAVX512},
}}

// roundedRows is how many rows of A are rounded at a time: they stay in the L1 cache.
const roundedRows = 48

// roundedMemory is for rows of A.
var roundedMemory = sync.Pool{New: func() any { return new([]float32) }}

// multiplyRoundedAVX512 is Rounded.MatMul. Pairs travel as float32, which nothing
// computes with.
func multiplyRoundedAVX512(c []float32, ldc int, a []float32, lda int, b *Rounded, m int) {
	words := b.k / 2
	memory := roundedMemory.Get().(*[]float32)
	defer roundedMemory.Put(memory)
	if len(*memory) < roundedRows*words {
		*memory = make([]float32, roundedRows*words)
	}
	pairs := *memory
	for from := 0; from < m; from += roundedRows {
		rows := min(roundedRows, m-from)
		for i := range rows {
			roundPairsAVX512(b.k/16, &pairs[i*words], &a[(from+i)*lda])
		}
		for j := 0; j < b.n; j += roundedCols {
			panel := (*float32)(unsafe.Pointer(&b.pairs[j*words]))
			roundedTiles.column(c[from*ldc+j:], ldc, operand{pairs, words, 1}, panel, roundedCols, rows, roundedCols, words, false)
		}
	}
}
