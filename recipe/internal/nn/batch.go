package nn

import (
	"usher/internal/seed"
	"usher/kernel"
)

// Batch is a ragged micro-batch: sequences laid one after the other.
type Batch struct {
	Tokens  []uint32  // (T) rows of the table, marked or not
	Lens    []int     // tokens of each sequence; their sum is T, none is above Window or 0
	Targets []uint32  // (T) the row that follows each token
	Weights []float32 // (T) what a target counts; 0: not trained on
}

// work is the memory of one worker.
type work struct {
	tapes []tape
	sc    scratch
	loss  lossWork
	x, dx []float32 // (T,d)

	y, mean, rstd []float32 // last layer norm: (T,d), (T), (T)
}

// forward computes y (T,d), the queries before normalisation. Dropout is off
// when dr.p is 0.
func (n *Net) forward(w *work, b *Batch, dr dropper) {
	d, t := n.Dim, len(b.Tokens)
	for len(w.tapes) < n.Blocks {
		w.tapes = append(w.tapes, tape{})
	}
	x := room(&w.x, t*d)
	n.gather(x, b.Tokens)
	dr.apply(x, 0, placeInput)
	for i := range n.Blocks {
		if i == n.Blocks-1 {
			n.addMarks(x, b.Tokens)
		}
		n.blockForward(i, x, b.Lens, &w.tapes[i], &w.sc, dr)
	}
	kernel.LayerNorm(room(&w.y, t*d), x, n.v.gain, n.v.bias, room(&w.mean, t), room(&w.rstd, t), t, d)
}

// backward adds to g the gradients for dy (T,d), the gradient of forward's y.
func (n *Net) backward(w *work, b *Batch, dy []float32, g *Gradient, dr dropper) {
	dx := room(&w.dx, len(dy))
	clear(dx)
	kernel.LayerNormBackward(dx, g.v.gain, g.v.bias, dy, w.x, n.v.gain, w.mean, w.rstd, len(b.Tokens), n.Dim)
	for i := n.Blocks - 1; i >= 0; i-- {
		n.blockBackward(i, dx, b.Lens, &g.v.blocks[i], &w.tapes[i], &w.sc, dr)
		if i == n.Blocks-1 {
			n.addMarksBackward(g, dx, b.Tokens)
		}
	}
	dr.apply(dx, 0, placeInput)
	root := sqrt32(n.Dim)
	for i, tok := range b.Tokens {
		kernel.Axpy(g.row(rowOf(tok)), root, dx[i*n.Dim:(i+1)*n.Dim])
	}
}

// gather writes the vectors of tokens, times √d, to x (T,d).
func (n *Net) gather(x []float32, tokens []uint32) {
	const ahead = 8
	for i, tok := range tokens {
		if i+ahead < len(tokens) {
			kernel.Fetch(n.row(rowOf(tokens[i+ahead])))
		}
		copy(x[i*n.Dim:(i+1)*n.Dim], n.row(rowOf(tok)))
	}
	kernel.Scale(x, sqrt32(n.Dim))
}

// batch computes loss and gradients of one micro-batch. scale is 1 / the sum
// of the weights of the whole step.
func (t *Trainer) batch(w *work, b *Batch, g *Gradient, scale float32, key seed.Seed) {
	w.sc.rounds, w.loss.rounds = true, true
	dr := dropper{p: t.Drop, key: uint64(key.Branch("dropout"))}
	t.Net.forward(w, b, dr)
	dy := t.Net.softmaxLoss(&w.loss, b, w.y, g, lossOptions{
		items: t.Items, sample: t.Sample, scale: scale, key: key.Branch("sample"),
	})
	t.Net.backward(w, b, dy, g, dr)
}
