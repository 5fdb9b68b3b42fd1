package nn

import (
	"math"

	"usher/kernel"
)

// tape keeps of one block's forward pass what the backward pass needs.
type tape struct {
	x, h1, mean1, rstd1 []float32 // (T,d) input and its layer norm; (T)
	qkv, p              []float32 // (T,3d); probabilities, (H,l,l) for each sequence
	o, s, og            []float32 // (T,d) attention's output, gate, their product
	x2, h2              []float32 // (T,d) between the two parts, and its layer norm
	mean2, rstd2        []float32 // (T)
	a, b, f             []float32 // (T,F) the inputs of SwiGLU; its output after dropout
}

// scratch is memory that a block's passes share.
type scratch struct {
	t1, t2, t3, ds []float32
	products
}

// dropper is dropout with rate p: each place of the network has its own mask,
// made anew from the key in the backward pass.
type dropper struct {
	p   float32
	key uint64
}

// The places of dropout: one before the blocks, three in each.
const (
	placeInput = iota
	placeAttention
	placeInner
	placeOut
	places
)

func (dr dropper) apply(x []float32, block, place int) {
	if dr.p > 0 {
		kernel.Dropout(x, x, dr.p, dr.key+uint64(block*places+place)*0x9e3779b97f4a7c15, 0)
	}
}

// blockForward changes x (T,d) to the output of block i.
func (n *Net) blockForward(i int, x []float32, lens []int, tp *tape, sc *scratch, dr dropper) {
	d, t := n.Dim, len(x)/n.Dim
	copy(room(&tp.x, t*d), x)
	n.project(i, x, tp, sc)
	n.mix(i, x, lens, tp, sc, dr)
}

// project puts queries, keys, values and gates of x (T,d) into the tape. Who encodes has
// projectFrom, which multiplies queries apart from keys and values: in training that
// would round the tokens twice, and these products would cost 1 to 3 % more.
func (n *Net) project(i int, x []float32, tp *tape, sc *scratch) {
	d, t := n.Dim, len(x)/n.Dim
	w := &n.v.blocks[i]
	kernel.LayerNorm(room(&tp.h1, t*d), x, w.gain1, w.bias1, room(&tp.mean1, t), room(&tp.rstd1, t), t, d)
	sc.matMul(room(&tp.qkv, t*3*d), 3*d, tp.h1, d, w.qkv, 3*d, t, 3*d, d, false)
	sc.matMul(room(&tp.s, t*d), d, tp.h1, d, w.gate, d, t, d, d, false)
	kernel.Sigmoid(tp.s, tp.s)
}

// mix is the rest of a block: attention over what was projected, and the
// feed-forward part.
func (n *Net) mix(i int, x []float32, lens []int, tp *tape, sc *scratch, dr dropper) {
	d, w := n.Dim, &n.v.blocks[i]
	room(&tp.o, len(x))
	room(&tp.p, probabilities(lens, n.Heads))
	at, pat := 0, 0
	for _, l := range lens {
		n.attention(tp.o[at*d:], tp.p[pat:], tp.qkv[at*3*d:], w.rel, l, 0)
		at += l
		pat += n.Heads * l * l
	}
	n.feed(i, x, tp, sc, dr)
}

// feed adds to x (T,d) what was attended to, with its gate, and the feed-forward part.
func (n *Net) feed(i int, x []float32, tp *tape, sc *scratch, dr dropper) {
	d, f, t := n.Dim, n.Inner, len(x)/n.Dim
	w, b := &n.v.blocks[i], n.roundedOf(i)
	r := room(&sc.t1, t*d)
	kernel.Multiply(room(&tp.og, t*d), tp.o, tp.s)
	sc.times(factor{w.out, d, d, d, b.out}, r, d, tp.og, t)
	dr.apply(r, i, placeAttention)
	kernel.Axpy(x, 1, r)

	copy(room(&tp.x2, t*d), x)
	kernel.LayerNorm(room(&tp.h2, t*d), x, w.gain2, w.bias2, room(&tp.mean2, t), room(&tp.rstd2, t), t, d)
	sc.times(factor{w.silu, f, d, f, b.silu}, room(&tp.a, t*f), f, tp.h2, t)
	sc.times(factor{w.lin, f, d, f, b.lin}, room(&tp.b, t*f), f, tp.h2, t)
	kernel.SwiGLU(room(&tp.f, t*f), tp.a, tp.b)
	dr.apply(tp.f, i, placeInner)
	sc.times(factor{w.down, d, f, d, b.down}, r, d, tp.f, t)
	dr.apply(r, i, placeOut)
	kernel.Axpy(x, 1, r)
}

// blockBackward changes dx (T,d) from the gradient of block i's output to that
// of its input, and adds the gradients of its parameters to g.
func (n *Net) blockBackward(i int, dx []float32, lens []int, g *blockView, tp *tape, sc *scratch, dr dropper) {
	d, f, t := n.Dim, n.Inner, len(dx)/n.Dim
	w := &n.v.blocks[i]
	r, dh := room(&sc.t1, t*d), room(&sc.t2, t*d)

	copy(r, dx)
	dr.apply(r, i, placeOut)
	sc.matMulTN(g.down, d, tp.f, f, r, d, f, d, t, true)
	df := room(&sc.t3, 3*t*f)
	df, da, db := df[:t*f], df[t*f:2*t*f], df[2*t*f:]
	sc.matMulNT(df, f, r, d, w.down, d, t, f, d, false)
	dr.apply(df, i, placeInner)
	kernel.SwiGLUBackward(da, db, df, tp.a, tp.b)
	sc.matMulTN(g.silu, f, tp.h2, d, da, f, d, f, t, true)
	sc.matMulTN(g.lin, f, tp.h2, d, db, f, d, f, t, true)
	sc.matMulNT(dh, d, da, f, w.silu, f, t, d, f, false)
	sc.matMulNT(dh, d, db, f, w.lin, f, t, d, f, true)
	kernel.LayerNormBackward(dx, g.gain2, g.bias2, dh, tp.x2, w.gain2, tp.mean2, tp.rstd2, t, d)

	copy(r, dx)
	dr.apply(r, i, placeAttention)
	sc.matMulTN(g.out, d, tp.og, d, r, d, d, d, t, true)
	sc.matMulNT(dh, d, r, d, w.out, d, t, d, d, false)
	do, du := dh, r
	kernel.GateBackward(do, du, tp.o, tp.s)
	dqkv := room(&sc.t3, t*3*d)
	clear(dqkv)
	at, pat := 0, 0
	for _, l := range lens {
		ds := room(&sc.ds, min(l, attentionRows)*l)
		n.attentionBackward(dqkv[at*3*d:], g.rel, do[at*d:], tp.p[pat:], tp.qkv[at*3*d:], l, ds)
		at += l
		pat += n.Heads * l * l
	}
	sc.matMulTN(g.qkv, 3*d, tp.h1, d, dqkv, 3*d, d, 3*d, t, true)
	sc.matMulTN(g.gate, d, tp.h1, d, du, d, d, d, t, true)
	sc.matMulNT(dh, d, dqkv, 3*d, w.qkv, 3*d, t, d, 3*d, false)
	sc.matMulNT(dh, d, du, d, w.gate, d, t, d, d, true)
	kernel.LayerNormBackward(dx, g.gain1, g.bias1, dh, tp.x, w.gain1, tp.mean1, tp.rstd1, t, d)
}

// probabilities counts the attention weights of all sequences.
func probabilities(lens []int, heads int) (n int) {
	for _, l := range lens {
		n += heads * l * l
	}
	return n
}

func sqrt32(n int) float32 { return float32(math.Sqrt(float64(n))) }
