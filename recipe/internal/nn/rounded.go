package nn

import "usher/kernel"

// roundedBlock is a block's matrices in bfloat16: nil where they are not made so.
type roundedBlock struct{ query, keysValues, gate, out, silu, lin, down *kernel.Rounded }

// Round makes encoding quicker on processors with instructions for bfloat16; on others it
// does nothing. In all blocks but the last, of which Encode computes little, products are
// then of numbers rounded to 8 bits, which turns query vectors by less than a hundredth of
// a right angle (TestRoundedQueries). The network must not be trained afterwards.
func (n *Net) Round() {
	d, f := n.Dim, n.Inner
	n.rounded = make([]roundedBlock, n.Blocks)
	for i := range n.Blocks - 1 {
		w := &n.v.blocks[i]
		n.rounded[i] = roundedBlock{
			query: kernel.Round(w.qkv, 3*d, d, d), keysValues: kernel.Round(w.qkv[d:], 3*d, d, 2*d),
			gate: kernel.Round(w.gate, d, d, d), out: kernel.Round(w.out, d, d, d),
			silu: kernel.Round(w.silu, f, d, f), lin: kernel.Round(w.lin, f, d, f), down: kernel.Round(w.down, d, f, d),
		}
	}
}

// roundedOf gives the matrices of a block.
func (n *Net) roundedOf(block int) roundedBlock {
	if n.rounded == nil {
		return roundedBlock{}
	}
	return n.rounded[block]
}

// factor is a matrix (k,n) of a block, rows ld apart.
type factor struct {
	w        []float32
	ld, k, n int
	rounded  *kernel.Rounded // nil: as it is
}

// product computes y (T,n), rows ldy apart, = x (T,k) · m.
func (m factor) product(y []float32, ldy int, x []float32, t int) {
	if m.rounded != nil {
		m.rounded.MatMul(y, ldy, x, m.k, t, false)
		return
	}
	kernel.MatMul(y, ldy, x, m.k, m.w, m.ld, t, m.n, m.k, false)
}
