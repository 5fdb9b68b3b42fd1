package kernel

import "sync"

// The blocks of a product. A panel is panelDepth rows of B, sixteen columns
// wide: it stays in the L1 cache while blockRows rows of A, which stay in the
// L2 cache, go over it six at a time.
const (
	tileRows   = 6
	tileCols   = 16
	panelDepth = 256
	blockRows  = 40 * tileRows
	// farRow is the distance of rows of B from which a panel is copied even if
	// its rows are contiguous: each row would be on another page.
	farRow = 1024
	// rowGroups is how many groups of four rows one call does: a call in
	// assembly holds up the garbage collector.
	rowGroups = 1024
)

// tileFunc multiplies a tile; cols counts where there are fewer than sixteen.
type tileFunc func(k int, a *float32, aRow, aCol int, b *float32, bRow int, c *float32, cRow, cols, add int)

// tiles are the micro-kernels by rows-1, then for 16, 9–15 and 1–8 columns.
var tiles = [tileRows][3]tileFunc{
	{tile1, tile1Wide, tile1Narrow}, {tile2, tile2Wide, tile2Narrow}, {tile3, tile3Wide, tile3Narrow},
	{tile4, tile4Wide, tile4Narrow}, {tile5, tile5Wide, tile5Narrow}, {tile6, tile6Wide, tile6Narrow},
}

// panels are buffers for copied panels.
var panels = sync.Pool{New: func() any { return new([panelDepth * tileCols]float32) }}

// matMulAVX2 is C = A·B (Goto, van de Geijn, ACM TOMS 2008, but what fits into
// the caches is not copied). Each element is summed over k in order, in blocks
// of panelDepth, wherever it is in C. Only a single row times contiguous
// columns of B is summed by eight lanes.
func matMulAVX2(c []float32, ldc int, a, b operand, m, n, k int, add bool) {
	if m == 1 && b.row == 1 && a.col == 1 {
		rowTimesRows(c, a.x[:k], b, n, k, add)
		return
	}
	var panel *[panelDepth * tileCols]float32
	if b.col != 1 || b.row >= farRow && m > 2*tileRows {
		panel = panels.Get().(*[panelDepth * tileCols]float32)
		defer panels.Put(panel)
	}
	for p := 0; p < k; p += panelDepth {
		depth := min(panelDepth, k-p)
		plus := 0
		if add || p > 0 {
			plus = 1
		}
		for i := 0; i < m; i += blockRows {
			rows := min(blockRows, m-i)
			for j := 0; j < n; j += tileCols {
				cols := min(tileCols, n-j)
				at, row := &b.x[p*b.row+j*b.col], b.row
				if panel != nil {
					pack(panel, b, p, j, depth, cols)
					at, row = &panel[0], tileCols
				}
				kind := 0
				if cols <= 8 {
					kind = 2
				} else if cols < tileCols {
					kind = 1
				}
				for r := i; r < i+rows; r += tileRows {
					tiles[min(tileRows, i+rows-r)-1][kind](depth, &a.x[r*a.row+p*a.col], a.row, a.col, at, row, &c[r*ldc+j], ldc, cols, plus)
				}
			}
		}
	}
}

// pack copies columns j… of rows p… of B to a panel. What the panel holds
// beyond the columns is left over, and not used.
func pack(panel *[panelDepth * tileCols]float32, b operand, p, j, depth, cols int) {
	if b.col == 1 {
		for i := range depth {
			from := b.x[(p+i)*b.row+j:]
			copy(panel[i*tileCols:i*tileCols+cols], from[:cols])
		}
		return
	}
	whole := 0 // columns that are done in full depth but for the last rows
	blocks := depth / 8
	for ; blocks > 0 && whole+8 <= cols; whole += 8 {
		transpose8(blocks, &panel[whole], &b.x[p*b.row+(j+whole)*b.col], b.col)
	}
	for s := range cols {
		from := b.x[(j+s)*b.col+p*b.row:]
		i := 0
		if s < whole {
			i = blocks * 8
		}
		for ; i < depth; i++ {
			panel[i*tileCols+s] = from[i*b.row]
		}
	}
}

// rowTimesRows computes c (n) = B·a for B whose columns are contiguous: n rows
// of k floats.
func rowTimesRows(c, a []float32, b operand, n, k int, add bool) {
	groups, plus := n/4, 0
	if add {
		plus = 1
	}
	for g := 0; g < groups; g += rowGroups {
		rowProducts(min(rowGroups, groups-g), k, &c[g*4], &a[0], &b.x[g*4*b.col], b.col, plus)
	}
	for j := groups * 4; j < n; j++ {
		s := dotAVX2(k, &a[0], &b.x[j*b.col])
		if add {
			s += c[j]
		}
		c[j] = s
	}
}
