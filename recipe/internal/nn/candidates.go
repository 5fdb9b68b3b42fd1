package nn

import (
	"slices"

	"usher/internal/seed"
	"usher/kernel"
)

// candidates are the C items that a batch's softmax is over, and their products with
// queries. W is the next multiple of candidateColumns above C: what is between them is
// zeros, so that products can be rounded, and room for a token's own target.
type candidates struct {
	perm []uint32 // a permutation of the items; the first C are the candidates
	swap []int32  // how to undo it
	pos  []int32  // (items) place among the candidates, or -1

	c, wide          int       // C and W
	cand, dcand, inv []float32 // (W,d) normalised vectors and their gradient, zeros beyond C; (C)

	products
	columns, rows kernel.Rounded // the transpose (d,W) of cand and cand, where products are rounded
}

// candidateColumns is what W is a multiple of: kernel.CanRound wants it.
const candidateColumns = 32

// draw puts c different items, all equally likely, in front of perm.
func (w *candidates) draw(items, c int, key seed.Seed) {
	if len(w.perm) != items {
		w.perm, w.pos = make([]uint32, items), make([]int32, items)
		for i := range w.perm {
			w.perm[i], w.pos[i] = uint32(i), -1
		}
	}
	w.swap = w.swap[:0]
	if c < items {
		r := key.Rand()
		for i := range c {
			j := i + int(r.Uint64N(uint64(items-i)))
			w.perm[i], w.perm[j] = w.perm[j], w.perm[i]
			w.swap = append(w.swap, int32(j))
		}
	}
	for i := range c {
		w.pos[w.perm[i]] = int32(i)
	}
	w.c, w.wide = c, (c/candidateColumns+1)*candidateColumns
}

// undo makes perm the identity again, so that no draw depends on earlier ones.
func (w *candidates) undo() {
	for _, item := range w.perm[:w.c] {
		w.pos[item] = -1
	}
	for i, j := range slices.Backward(w.swap) {
		w.perm[i], w.perm[j] = w.perm[j], w.perm[i]
	}
}

// fill normalises the vectors of what was drawn.
func (w *candidates) fill(n *Net) {
	d := n.Dim
	cand, inv := room(&w.cand, w.wide*d), room(&w.inv, w.c)
	for i := range w.c {
		inv[i] = kernel.Normalise(cand[i*d:(i+1)*d], n.row(w.perm[i]))
	}
	clear(cand[w.c*d:])
	clear(room(&w.dcand, w.wide*d))
	if w.rounded(d, w.wide) {
		w.columns.SetColumns(cand, d, d, w.wide)
		w.rows.SetRows(cand, d, w.wide, d)
	}
}

// multiply computes the products (n,W) of n queries (n,d) with the candidates. What is
// beyond C may be left over.
func (w *candidates) multiply(logits, q []float32, n, d int) {
	if w.rounded(d, w.wide) {
		w.columns.MatMul(logits, w.wide, q, d, n, false)
		return
	}
	kernel.MatMulNT(logits, w.wide, q, d, w.cand, d, n, w.c, d, false)
}

// multiplyBackward computes the gradient dq (n,d) of queries for dlogits (n,W), which is
// 0 beyond C, and adds to that of the candidates with qw (n,d) in the place of the
// queries.
func (w *candidates) multiplyBackward(dq, dlogits, qw []float32, n, d int) {
	if w.rounded(d, w.wide) {
		w.rows.MatMul(dq, d, dlogits, w.wide, n, false)
		w.matMulTN(w.dcand, d, dlogits, w.wide, qw, d, w.wide, d, n, true)
		return
	}
	kernel.MatMul(dq, d, dlogits, w.wide, w.cand, d, n, d, w.c, false)
	kernel.MatMulTN(w.dcand, d, dlogits, w.wide, qw, d, w.c, d, n, true)
}
