package nn

import "usher/kernel"

// Encoder is the memory of Encode. One goroutine at a time may use it.
type Encoder struct {
	w        work
	mean, sd [1]float32
}

// Encode writes to q (d) the query vector of one sequence: its product with a
// normalised item vector is the item's logit. tokens are 1…Window rows of the
// table. Of the last block only what the last token needs is computed.
func (n *Net) Encode(e *Encoder, tokens []uint32, q []float32) { n.Continue(e, tokens, nil, q) }

// Continue is Encode of tokens that begin with those of an earlier sequence, of which
// Entered gave rows: what came later does not change what the blocks before the last
// make of a token. So a token more costs little beside its own way through them, and q
// is the same to the bit. rows may be of none.
func (n *Net) Continue(e *Encoder, tokens []uint32, rows []float32, q []float32) {
	w, d, t := &e.w, n.Dim, len(tokens)
	if len(w.tapes) < 1 {
		w.tapes = append(w.tapes, tape{})
	}
	tp, x := &w.tapes[0], room(&w.x, t*d)
	n.gather(x, tokens)
	known := 0
	if n.Blocks == 2 {
		known = max(0, min(len(rows)/d, t-2)) // two are made anew: see attention
	}
	for i := range n.Blocks - 1 {
		n.encodeBlock(i, tokens, known, x, e)
	}
	last := x[(t-1)*d:]
	if n.Blocks > 0 {
		n.addMarks(x[known*d:], tokens[known:])
		n.enterLast(x, rows[:known*d], tp)
		n.lastBlock(last, tp, &w.sc)
	}
	kernel.LayerNorm(q, last, n.v.gain, n.v.bias, e.mean[:], e.sd[:], 1, d)
	kernel.Normalise(q, q)
	kernel.Scale(q, n.Tau)
}

// Entered gives what Continue wants of the tokens that were encoded last, d floats of
// each: what enters the attention of the last of two blocks. Of other networks it is
// nil. It is the encoder's own.
func (n *Net) Entered(e *Encoder) []float32 {
	if n.Blocks != 2 {
		return nil
	}
	return e.w.tapes[0].h1
}

// encodeBlock changes the rows of x (t,d) from one on to the output of block i. Of those
// before, only keys and values are needed.
func (n *Net) encodeBlock(i int, tokens []uint32, from int, x []float32, e *Encoder) {
	d, t := n.Dim, len(tokens)
	tp := &e.w.tapes[0]
	if i == 0 && n.projected != nil {
		n.recall(tokens, tp)
	} else {
		n.projectFrom(i, from, x, tp)
		if i == 0 && n.halves() {
			kernel.RoundHalf(tp.qkv)
			kernel.RoundHalf(tp.s)
		}
	}
	o := room(&tp.o, t*d)
	n.attention(o, room(&tp.p, n.Heads*t*t), tp.qkv, n.v.blocks[i].rel, t, from)
	if from > 0 {
		tp.o, tp.s = o[:copy(o, o[from*d:])], tp.s[:copy(tp.s, tp.s[from*d:])]
	}
	n.feed(i, x[from*d:], tp, &e.w.sc, dropper{})
}

// projectFrom is project where queries and gates are wanted from a token on.
func (n *Net) projectFrom(i, from int, x []float32, tp *tape) {
	d, t := n.Dim, len(x)/n.Dim
	w, b, later := &n.v.blocks[i], n.roundedOf(i), t-from
	kernel.LayerNorm(room(&tp.h1, t*d), x, w.gain1, w.bias1, room(&tp.mean1, t), room(&tp.rstd1, t), t, d)
	qkv, s := room(&tp.qkv, t*3*d), room(&tp.s, t*d)[from*d:]
	factor{w.qkv[d:], 3 * d, d, 2 * d, b.keysValues}.product(qkv[d:], 3*d, tp.h1, t)
	factor{w.qkv, 3 * d, d, d, b.query}.product(qkv[from*3*d:], 3*d, tp.h1[from*d:], later)
	factor{w.gate, d, d, d, b.gate}.product(s, d, tp.h1[from*d:], later)
	kernel.Sigmoid(s, s)
}

// enterLast leaves in the tape what enters the last block's attention: known rows, and
// x (t,d) normalised of the others.
func (n *Net) enterLast(x, known []float32, tp *tape) {
	d, from := n.Dim, len(known)
	w, t := &n.v.blocks[n.Blocks-1], (len(x)-from)/d
	copy(room(&tp.h1, len(x)), known)
	kernel.LayerNorm(tp.h1[from:], x[from:], w.gain1, w.bias1, room(&tp.mean1, t), room(&tp.rstd1, t), t, d)
}

// lastBlock changes x (d), the last token's row, to the last block's output.
func (n *Net) lastBlock(x []float32, tp *tape, sc *scratch) {
	d, f := n.Dim, n.Inner
	w, last := &n.v.blocks[n.Blocks-1], len(tp.h1)-d
	o := room(&tp.o, d)
	n.attendLast(o, tp, w, sc)
	r := room(&sc.t1, d)
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
		kernel.BiasedSoftmax(row, w.rel[(h+1)*n.Window-t:], scale)
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
