// Package nn holds the networks of the recipes: layers with forward and
// backward by hand, a softmax loss, gradients and optimisers.
//
// There is one network so far: a causal transformer over item sequences. Two
// or more pre-LN blocks of attention with a learned bias per head and distance
// (no absolute positions), a sigmoid gate on the attention's output and a
// SwiGLU feed-forward part; then a layer norm and logits as cosine × Tau
// between the L2-normalised query and item vectors. Projections have no
// biases: the layer norm before them has one.
//
// Sequences are ragged: a Batch lays them one after the other, no padding, and
// is small enough (about 800 tokens) that its activations stay in cache. All
// slices are row-major; comments give their shapes with T tokens, d = Dim,
// F = Inner, H = Heads, L = Window.
//
// Invariant (I4): the result of a step depends on the batches, the shards they
// are cut into and the key, never on the number of workers. A shard sums its
// batches in order into a Gradient of its own, shards are added in shard order,
// and element-wise work is cut at fixed places.
//
// What the sequences are, how long to train and what to do with the vectors is
// the recipe's business.
package nn

import (
	"fmt"
	"math"

	"usher/internal/seed"
)

// Shape says how large a network is.
type Shape struct {
	Rows   int     // rows of the table of vectors: items, and tokens such as "start"
	Dim    int     // width of the vectors, a multiple of Heads
	Inner  int     // width of the feed-forward part
	Heads  int     // attention heads
	Blocks int     // transformer blocks
	Window int     // longest sequence, in tokens
	Marks  int     `json:",omitempty"` // what tokens can be marked with
	Tau    float32 // scale of the logits
}

// Check refuses shapes that make no network, or one of absurd size.
func (s Shape) Check() error {
	switch {
	case s.Rows < 1 || s.Rows > 1<<markShift, s.Marks < 0 || s.Marks > markMost, s.Dim < 1 || s.Dim > 1<<12, s.Inner < 1 || s.Inner > 1<<14,
		s.Heads < 1 || s.Blocks < 0 || s.Blocks > 64, s.Window < 1 || s.Window > 1<<14:
		return fmt.Errorf("check network shape: %+v is out of range", s)
	case s.Dim%s.Heads != 0:
		return fmt.Errorf("check network shape: width %d is no multiple of %d heads", s.Dim, s.Heads)
	case !(s.Tau > 0 && s.Tau <= 1000):
		return fmt.Errorf("check network shape: scale %v is out of range", s.Tau)
	}
	return nil
}

// DenseSize counts the parameters beside the table.
func (s Shape) DenseSize() int {
	d := s.Dim
	block := 4*d + d*3*d + d*d + s.Heads*s.Window + d*d + 3*d*s.Inner
	return s.Blocks*block + 2*d + s.Marks*d
}

// Net is a network: its parameters are its state. Training changes them in
// place; otherwise it is read only and used concurrently.
type Net struct {
	Shape
	Table []float32 // (Rows,d)
	Dense []float32 // the rest, in the order of views

	v views

	rounded   []roundedBlock // by Round; nil: not made
	projected *projected     // by Project; nil: not made
}

// views are the parameters of Dense, or their gradients, by name.
type views struct {
	blocks     []blockView
	gain, bias []float32 // (d) of the last layer norm
	marks      []float32 // (Marks,d)
}

// blockView is one block's part.
type blockView struct {
	gain1, bias1 []float32 // (d) layer norm before the attention
	qkv          []float32 // (d,3d)
	gate         []float32 // (d,d)
	rel          []float32 // (H,L): column L-1-distance
	out          []float32 // (d,d)
	gain2, bias2 []float32 // (d) layer norm before the feed-forward part
	silu, lin    []float32 // (d,F) the two inputs of SwiGLU
	down         []float32 // (F,d)
}

// view cuts a slice of DenseSize floats.
func (s Shape) view(p []float32) views {
	cut := func(n int) []float32 {
		out := p[:n:n]
		p = p[n:]
		return out
	}
	d := s.Dim
	var v views
	for range s.Blocks {
		v.blocks = append(v.blocks, blockView{
			gain1: cut(d), bias1: cut(d), qkv: cut(d * 3 * d), gate: cut(d * d),
			rel: cut(s.Heads * s.Window), out: cut(d * d),
			gain2: cut(d), bias2: cut(d), silu: cut(d * s.Inner), lin: cut(d * s.Inner), down: cut(s.Inner * d),
		})
	}
	v.gain, v.bias, v.marks = cut(d), cut(d), cut(s.Marks*d)
	return v
}

// New makes a network with random parameters. Marks begin at nothing.
func New(s Shape, from seed.Seed) *Net {
	n := Wrap(s, make([]float32, s.Rows*s.Dim), make([]float32, s.DenseSize()))
	normal := func(name string, block int, w []float32, sd float64) {
		r := from.Branch(name, uint64(block)).Rand()
		for i := range w {
			w[i] = float32(r.NormFloat64() * sd)
		}
	}
	ones := func(w []float32) {
		for i := range w {
			w[i] = 1
		}
	}
	d, f := float64(s.Dim), float64(s.Inner)
	deep := math.Sqrt(float64(max(1, s.Blocks))) // branches add up: keep their sum's size
	normal("table", 0, n.Table, .1/math.Sqrt(d))
	for i, b := range n.v.blocks {
		ones(b.gain1)
		ones(b.gain2)
		normal("qkv", i, b.qkv, math.Sqrt(1/d))
		normal("gate", i, b.gate, math.Sqrt(1/d))
		normal("out", i, b.out, math.Sqrt(1/d)/deep)
		normal("silu", i, b.silu, math.Sqrt(2/(d+2*f)))
		normal("lin", i, b.lin, math.Sqrt(2/(d+2*f)))
		normal("down", i, b.down, math.Sqrt(2/(d+f))/deep)
	}
	ones(n.v.gain)
	return n
}

// Wrap makes a network of parameters that exist, for example loaded ones. The
// slices become the network's own.
func Wrap(s Shape, table, dense []float32) *Net {
	return &Net{Shape: s, Table: table, Dense: dense, v: s.view(dense)}
}

// row gives the vector of a token.
func (n *Net) row(i uint32) []float32 { return n.Table[int(i)*n.Dim : (int(i)+1)*n.Dim] }

// room gives a slice of n floats out of *p, which grows when it is too small.
// What is in it is left over from before.
func room(p *[]float32, n int) []float32 {
	if cap(*p) < n {
		*p = make([]float32, n+n/4)
	}
	*p = (*p)[:n]
	return *p
}
