package nn

import "usher/kernel"

// attentionRows is how many rows of the score matrix are computed at a time:
// blocks above the diagonal are skipped, and a strip stays in the L1 cache.
const attentionRows = 48

// attention computes o = softmax(QKᵀ/√(d/H) + rel)·V for one sequence of l
// tokens, for the query rows from…l-1; later keys are not seen. qkv is (l,3d),
// o is (l,d), p is (H,l,l) and keeps the probabilities for the backward pass. What a
// row becomes does not depend on from, as long as l-from is 2 or more: a product of one
// row alone with others is summed in another order, so no strip has one row.
func (s Shape) attention(o, p, qkv, rel []float32, l, from int) {
	d := s.Dim
	width, ld := d/s.Heads, 3*d
	scale := 1 / sqrt32(width)
	for h := range s.Heads {
		q, k, v := qkv[h*width:], qkv[d+h*width:], qkv[2*d+h*width:]
		near := rel[h*s.Window : (h+1)*s.Window]
		ph := p[h*l*l : (h+1)*l*l]
		for r0, r1 := from, 0; r0 < l; r0 = r1 {
			if r1 = r0 + attentionRows; r1+1 >= l {
				r1 = l
			}
			kernel.MatMulNT(ph[r0*l:], l, q[r0*ld:], ld, k, ld, r1-r0, r1, width, false)
			for r := r0; r < r1; r++ {
				kernel.BiasedSoftmax(ph[r*l:r*l+r+1], near[s.Window-1-r:], scale)
				clear(ph[r*l+r+1 : r*l+r1])
			}
			kernel.MatMul(o[r0*d+h*width:], d, ph[r0*l:], l, v, ld, r1-r0, width, r1, false)
		}
	}
}

// attentionBackward adds to dqkv (l,3d) and drel (H,L) the gradients for do
// (l,d). p is (H,l,l) from attention with from = 0. ds is scratch.
func (s Shape) attentionBackward(dqkv, drel, do, p, qkv []float32, l int, ds []float32) {
	d := s.Dim
	width, ld := d/s.Heads, 3*d
	scale := 1 / sqrt32(width)
	for h := range s.Heads {
		q, k, v := qkv[h*width:], qkv[d+h*width:], qkv[2*d+h*width:]
		dq, dk, dv := dqkv[h*width:], dqkv[d+h*width:], dqkv[2*d+h*width:]
		near := drel[h*s.Window : (h+1)*s.Window]
		ph, doh := p[h*l*l:(h+1)*l*l], do[h*width:]
		for r0 := 0; r0 < l; r0 += attentionRows {
			r1 := min(l, r0+attentionRows)
			n := r1 - r0
			kernel.MatMulNT(ds, l, doh[r0*d:], d, v, ld, n, r1, width, false)
			kernel.MatMulTN(dv, ld, ph[r0*l:], l, doh[r0*d:], d, r1, width, n, true)
			for r := r0; r < r1; r++ {
				row := ds[(r-r0)*l : (r-r0)*l+r+1]
				kernel.SoftmaxBackward(row, ph[r*l:r*l+r+1])
				kernel.Axpy(near[s.Window-1-r:], 1, row)
				kernel.Scale(row, scale)
				clear(ds[(r-r0)*l+r+1 : (r-r0)*l+r1])
			}
			kernel.MatMul(dq[r0*ld:], ld, ds, l, k, ld, n, width, r1, true)
			kernel.MatMulTN(dk, ld, ds, l, q[r0*ld:], ld, r1, width, n, true)
		}
	}
}
