package kernel

import "unsafe"

// roundedAVX512 are the loops for products in bfloat16 on processors that have them.
var roundedAVX512 = roundedLoops{
	pairInRows: func(to []uint32, toRow int, x []float32, ld, rows, groups int) {
		pairInRowsAVX512(rows, groups, &to[0], toRow, &x[0], ld)
	},
	pairRows: func(to []uint32, toRow, toGroup int, x []float32, ld, pairs, groups int) {
		pairRowsAVX512(pairs, groups, &to[0], toRow, toGroup, &x[0], ld)
	},
	transpose: func(to, from []uint32, words int) {
		for j := 0; j < roundedCols; j += 8 {
			transpose8(words/8, asFloat(&to[j]), roundedCols, asFloat(&from[j*words]), words)
		}
	},
	multiply: func(c []float32, ldc int, a []uint32, aRow, aCol int, b []uint32, m int, add bool) {
		from := operand{unsafe.Slice(asFloat(&a[0]), len(a)), aRow, aCol}
		roundedTiles.column(c, ldc, from, asFloat(&b[0]), roundedCols, m, roundedCols, len(b)/roundedCols, add)
	},
}

// roundedTiles are the tiles of products in bfloat16: in the place of floats there are
// pairs.
var roundedTiles = tiling{cols: roundedCols, tiles: []tile{
	{rows: 12, full: tile12PairsAVX512}, {rows: 8, full: tile8PairsAVX512}, {rows: 4, full: tile4PairsAVX512},
	{rows: 2, full: tile2PairsAVX512}, {rows: 1, full: tile1PairsAVX512},
}}

// asFloat lets pairs travel as float32, which nothing computes with.
func asFloat(pairs *uint32) *float32 { return (*float32)(unsafe.Pointer(pairs)) }
