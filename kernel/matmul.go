//go:build amd64 || arm64

package kernel

import "sync"

// The blocks of a product. A panel is panelDepth rows of B, as wide as a tile: it
// stays in the L1 cache while blockRows rows of A, which stay in the L2 cache, go
// over it a tile at a time.
const (
	panelDepth = 256
	blockRows  = 240
	// farRow is the distance of rows of B from which a panel is copied even if
	// its rows are contiguous: each row would be on another page.
	farRow = 1024
	// widest is the most columns that a tile of any path has.
	widest = 32
)

// tileFunc multiplies a tile; cols counts where there are fewer than a full
// tile's. It is called for k of 1 or more.
type tileFunc func(k int, a *float32, aRow, aCol int, b *float32, bRow int, c *float32, cRow, cols, add int)

// tile is the micro-kernels for one number of rows: for all columns, for more than
// half of them and for up to half. A path without masks has the first only.
type tile struct {
	rows               int
	full, wide, narrow tileFunc
}

// tiling is how a path multiplies matrices.
type tiling struct {
	cols  int    // of a full tile
	tiles []tile // the highest first, the last of one row
	// transpose8 writes 8·blocks columns of eight rows as rows of eight, toRow
	// floats apart; nil where there is none.
	transpose8 func(blocks int, to *float32, toRow int, from *float32, row int)
	// rowTimesRows computes c (n) = B·a for B whose columns are contiguous: n
	// rows of k floats.
	rowTimesRows func(c, a []float32, b operand, n, k int, add bool)
}

// panel is a copied part of B, and memory for a tile that C has no room for.
type panel struct {
	b     [panelDepth * widest]float32
	aside [8 * 8]float32
}

var panels = sync.Pool{New: func() any { return new(panel) }}

// matMul is C = A·B (Goto, van de Geijn, ACM TOMS 2008, but what fits into the
// caches is not copied). Each element is summed over k in order, in blocks of
// panelDepth, wherever it is in C and whatever the tile. Only a single row times
// contiguous columns of B is summed by lanes.
func (t *tiling) matMul(c []float32, ldc int, a, b operand, m, n, k int, add bool) {
	if m == 1 && b.row == 1 && a.col == 1 {
		t.rowTimesRows(c, a.x[:k], b, n, k, add)
		return
	}
	var copied *panel
	if b.col != 1 || b.row >= farRow && m > 2*t.tiles[0].rows || t.tiles[0].narrow == nil && n%t.cols != 0 {
		copied = panels.Get().(*panel)
		defer panels.Put(copied)
	}
	for p := 0; p < k; p += panelDepth {
		depth := min(panelDepth, k-p)
		plus := add || p > 0
		for i := 0; i < m; i += blockRows {
			rows := min(blockRows, m-i)
			ai := operand{a.x[i*a.row+p*a.col:], a.row, a.col}
			for j := 0; j < n; j += t.cols {
				cols := min(t.cols, n-j)
				at, row := &b.x[p*b.row+j*b.col], b.row
				if copied != nil {
					t.pack(copied, b, p, j, depth, cols)
					at, row = &copied.b[0], t.cols
				}
				if cols < t.cols && t.tiles[0].narrow == nil {
					t.lastColumn(c[i*ldc+j:], ldc, ai, copied, rows, cols, depth, plus)
				} else {
					t.column(c[i*ldc+j:], ldc, ai, at, row, rows, cols, depth, plus)
				}
			}
		}
	}
}

// column multiplies some rows of A with one panel of B.
func (t *tiling) column(c []float32, ldc int, a operand, b *float32, bRow, rows, cols, depth int, add bool) {
	plus := 0
	if add {
		plus = 1
	}
	next := 0
	for r := 0; r < rows; r += t.tiles[next].rows {
		for t.tiles[next].rows > rows-r {
			next++
		}
		f := &t.tiles[next]
		from, to := &a.x[r*a.row], c[r*ldc:]
		switch {
		case cols == t.cols:
			f.full(depth, from, a.row, a.col, b, bRow, &to[0], ldc, cols, plus)
		case 2*cols <= t.cols:
			f.narrow(depth, from, a.row, a.col, b, bRow, &to[0], ldc, cols, plus)
		default:
			f.wide(depth, from, a.row, a.col, b, bRow, &to[0], ldc, cols, plus)
		}
	}
}

// lastColumn is column for a copied panel with fewer columns than a tile has, on
// a path without masks: a tile is computed aside, and what there is of it copied.
func (t *tiling) lastColumn(c []float32, ldc int, a operand, b *panel, rows, cols, depth int, add bool) {
	for r := 0; r < rows; r += t.tiles[0].rows {
		n := min(t.tiles[0].rows, rows-r)
		t.column(b.aside[:], t.cols, operand{a.x[r*a.row:], a.row, a.col}, &b.b[0], t.cols, n, t.cols, depth, false)
		for i := range n {
			to := c[(r+i)*ldc:][:cols]
			for s, v := range b.aside[i*t.cols:][:cols] {
				if add {
					v += to[s]
				}
				to[s] = v
			}
		}
	}
}

// pack copies columns j… of rows p… of B to a panel. What the panel holds
// beyond the columns is left over, and not used.
func (t *tiling) pack(to *panel, b operand, p, j, depth, cols int) {
	if b.col == 1 {
		for i := range depth {
			from := b.x[(p+i)*b.row+j:]
			copy(to.b[i*t.cols:i*t.cols+cols], from[:cols])
		}
		return
	}
	whole, blocks := 0, 0 // columns that are done but for the last rows; eights of rows
	if t.transpose8 != nil {
		for blocks = depth / 8; blocks > 0 && whole+8 <= cols; whole += 8 {
			t.transpose8(blocks, &to.b[whole], t.cols, &b.x[p*b.row+(j+whole)*b.col], b.col)
		}
	}
	for s := range cols {
		from := b.x[(j+s)*b.col+p*b.row:]
		i := 0
		if s < whole {
			i = blocks * 8
		}
		for ; i < depth; i++ {
			to.b[i*t.cols+s] = from[i*b.row]
		}
	}
}
