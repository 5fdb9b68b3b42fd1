package nn

import "usher/kernel"

// Encoder is the memory of Encode. One goroutine at a time may use it.
type Encoder struct {
	w        work
	lens     [1]int
	mean, sd [1]float32
}

// Encode writes to q (d) the query vector of one sequence: its product with a
// normalised item vector is the item's logit. tokens are 1…Window rows of the
// table. Of the last block only what the last token needs is computed.
func (n *Net) Encode(e *Encoder, tokens []uint32, q []float32) {
	w, d, t := &e.w, n.Dim, len(tokens)
	for len(w.tapes) < 1 {
		w.tapes = append(w.tapes, tape{})
	}
	x := room(&w.x, t*d)
	n.gather(x, tokens)
	e.lens[0] = t
	for i := range n.Blocks - 1 {
		if i == 0 && n.projected != nil {
			n.recall(tokens, &w.tapes[0])
		} else {
			n.project(i, x, &w.tapes[0])
		}
		n.mix(i, x, e.lens[:], &w.tapes[0], &w.sc, dropper{})
	}
	if n.Blocks > 0 {
		n.addMarks(x, tokens)
		n.lastBlock(x, &w.tapes[0], &w.sc)
	}
	kernel.LayerNorm(q, x[(t-1)*d:], n.v.gain, n.v.bias, e.mean[:], e.sd[:], 1, d)
	kernel.Normalise(q, q)
	kernel.Scale(q, n.Tau)
}

// Project makes encoding quicker by a fifth: what the first block makes of a token
// before its attention does not depend on the token's place, so it is computed here
// for all rows of the table. It takes 16·Rows·d bytes. The network must not be trained
// afterwards.
func (n *Net) Project() {
	if n.Blocks < 2 {
		return
	}
	const together = 1024
	d := n.Dim
	n.projected = make([]float32, n.Rows*4*d)
	var tp tape
	var tokens []uint32
	x := make([]float32, together*d)
	for from := 0; from < n.Rows; from += together {
		tokens = tokens[:0]
		for r := from; r < min(from+together, n.Rows); r++ {
			tokens = append(tokens, uint32(r))
		}
		n.gather(x[:len(tokens)*d], tokens)
		n.project(0, x[:len(tokens)*d], &tp)
		for i, r := range tokens {
			to := n.projected[int(r)*4*d:]
			copy(to[:3*d], tp.qkv[i*3*d:])
			copy(to[3*d:4*d], tp.s[i*d:])
		}
	}
}

// recall is project for the first block, from what Project made.
func (n *Net) recall(tokens []uint32, tp *tape) {
	d := n.Dim
	room(&tp.qkv, len(tokens)*3*d)
	room(&tp.s, len(tokens)*d)
	for at, r := range tokens {
		from := n.projected[int(rowOf(r))*4*d:]
		copy(tp.qkv[at*3*d:(at+1)*3*d], from[:3*d])
		copy(tp.s[at*d:(at+1)*d], from[3*d:4*d])
	}
}

// lastBlock changes the last row of x (t,d) to the last block's output.
func (n *Net) lastBlock(x []float32, tp *tape, sc *scratch) {
	d, f, t := n.Dim, n.Inner, len(x)/n.Dim
	w := &n.v.blocks[n.Blocks-1]
	last := (t - 1) * d
	kernel.LayerNorm(room(&tp.h1, t*d), x, w.gain1, w.bias1, room(&tp.mean1, t), room(&tp.rstd1, t), t, d)
	o := room(&tp.o, d)
	n.attendLast(o, tp, w, sc)
	x, r := x[last:last+d], room(&sc.t1, d)
	kernel.MatMul(r, d, tp.h1[last:], d, w.gate, d, 1, d, d, false)
	kernel.Sigmoid(room(&tp.s, d), r)
	kernel.Multiply(o, o, tp.s)
	kernel.MatMul(r, d, o, d, w.out, d, 1, d, d, false)
	kernel.Axpy(x, 1, r)
	kernel.LayerNorm(room(&tp.h2, d), x, w.gain2, w.bias2, tp.mean1[:1], tp.rstd1[:1], 1, d)
	kernel.MatMul(room(&tp.a, f), f, tp.h2, d, w.silu, f, 1, f, d, false)
	kernel.MatMul(room(&tp.b, f), f, tp.h2, d, w.lin, f, 1, f, d, false)
	kernel.SwiGLU(room(&tp.f, f), tp.a, tp.b)
	kernel.MatMul(r, d, tp.f, f, w.down, d, 1, d, f, false)
	kernel.Axpy(x, 1, r)
}

// attendLast writes to o (d) what the last of the rows h1 (t,d) of the tape attends to.
// One query needs no keys and values of all rows: its product with a key h·K is the
// product of h with K·query, and a sum of values h·V is that sum of rows, times V. So
// a row costs 2·H·d products instead of 2·d·d.
func (n *Net) attendLast(o []float32, tp *tape, w *blockView, sc *scratch) {
	d, t := n.Dim, len(tp.h1)/n.Dim
	width, ld := d/n.Heads, 3*d
	scale := 1 / sqrt32(width)
	q, p := room(&tp.qkv, d), room(&tp.p, n.Heads*t)
	kernel.MatMul(q, d, tp.h1[(t-1)*d:], d, w.qkv, ld, 1, d, d, false)
	asked, sums := room(&sc.t1, d), room(&sc.t2, n.Heads*d)
	for h := range n.Heads {
		kernel.MatMulNT(asked, d, q[h*width:], d, w.qkv[d+h*width:], ld, 1, d, width, false)
		row := p[h*t : (h+1)*t]
		kernel.MatMulNT(row, t, asked, d, tp.h1, d, 1, t, d, false)
		n.soften(row, w.rel[h*n.Window:(h+1)*n.Window], scale)
	}
	kernel.MatMul(sums, d, p, t, tp.h1, d, n.Heads, d, t, false)
	for h := range n.Heads {
		kernel.MatMul(o[h*width:], width, sums[h*d:], d, w.qkv[2*d+h*width:], ld, 1, width, d, false)
	}
}

// Items gives the normalised vectors of the first items rows of the table.
func (n *Net) Items(items int) []float32 {
	out := make([]float32, items*n.Dim)
	for i := range items {
		kernel.Normalise(out[i*n.Dim:(i+1)*n.Dim], n.row(uint32(i)))
	}
	return out
}
