package nn

import (
	"math"

	"usher/kernel"
)

// Gradient is the sum of gradients of some batches: dense for the layers, by
// row for the table, of which a batch touches a few rows only.
type Gradient struct {
	Loss float64 // Σ weight × loss

	dense []float32
	v     views
	dim   int
	slot  []int32   // (Rows) place in rows + 1, 0: untouched
	rows  []uint32  // touched rows, in order of first touch
	vals  []float32 // (len(rows),d)
}

func newGradient(s Shape) *Gradient {
	g := &Gradient{dense: make([]float32, s.DenseSize()), dim: s.Dim, slot: make([]int32, s.Rows)}
	g.v = s.view(g.dense)
	return g
}

// row gives the gradient of a row of the table, valid until the next call.
func (g *Gradient) row(i uint32) []float32 {
	at := int(g.slot[i])
	if at == 0 {
		g.rows = append(g.rows, i)
		at = len(g.rows)
		g.slot[i] = int32(at)
		if n := at * g.dim; n <= cap(g.vals) {
			g.vals = g.vals[:n]
			clear(g.vals[n-g.dim:])
		} else {
			g.vals = append(g.vals, make([]float32, g.dim)...)
		}
	}
	return g.vals[(at-1)*g.dim : at*g.dim]
}

// reset makes g zero.
func (g *Gradient) reset() {
	clear(g.dense)
	for _, i := range g.rows {
		g.slot[i] = 0
	}
	g.rows, g.vals, g.Loss = g.rows[:0], g.vals[:0], 0
}

// pieceFloats is where element-wise work is cut: at fixed places, because the
// kernels may round the last few elements of a slice differently.
const pieceFloats = 1 << 14

// sum adds all others to the first gradient, in their order, and gives it.
func sum(gs []*Gradient, workers int) *Gradient {
	g := gs[0]
	pieces(workers, len(g.dense), func(a, b int) {
		for _, o := range gs[1:] {
			kernel.Axpy(g.dense[a:b], 1, o.dense[a:b])
		}
	})
	for _, o := range gs[1:] {
		for i, r := range o.rows {
			kernel.Axpy(g.row(r), 1, o.vals[i*g.dim:(i+1)*g.dim])
		}
		g.Loss += o.Loss
	}
	return g
}

// norm gives the length of the gradient as one vector.
func (g *Gradient) norm() float64 {
	var sq float64
	for _, x := range [][]float32{g.dense, g.vals} {
		for a := 0; a < len(x); a += pieceFloats {
			p := x[a:min(len(x), a+pieceFloats)]
			sq += float64(kernel.Dot(p, p))
		}
	}
	return math.Sqrt(sq)
}

// pieces calls f for the fixed pieces of 0…n-1, in parallel.
func pieces(workers, n int, f func(a, b int)) {
	Each(workers, (n+pieceFloats-1)/pieceFloats, func(_, i int) {
		f(i*pieceFloats, min(n, (i+1)*pieceFloats))
	})
}
