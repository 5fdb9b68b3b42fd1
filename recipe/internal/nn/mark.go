package nn

import "usher/kernel"

// A token is a row of the table and may carry a mark, a small number for what else is
// known of it, in the bits above markShift. A mark has a vector of its own, which is
// added, times √d as a token's is, before the last block: what the first block makes of
// a token still depends on its row alone (Project).
const (
	markShift = 28
	markMost  = 1<<(32-markShift) - 1
)

// Marked gives the token of a row below 1<<28 with a mark from 1 to the shape's Marks;
// with 0 it is the row.
func Marked(row uint32, mark int) uint32 { return row | uint32(mark)<<markShift }

// rowOf gives the row of a token.
func rowOf(token uint32) uint32 { return token & (1<<markShift - 1) }

// mark gives what v has for a token's mark; nil: it carries none.
func (v *views) mark(token uint32, dim int) []float32 {
	m := int(token >> markShift)
	if m == 0 {
		return nil
	}
	return v.marks[(m-1)*dim : m*dim]
}

// addMarks adds to x (T,d) what the tokens are marked with.
func (n *Net) addMarks(x []float32, tokens []uint32) {
	if n.Marks == 0 {
		return
	}
	for i, t := range tokens {
		if m := n.v.mark(t, n.Dim); m != nil {
			kernel.Axpy(x[i*n.Dim:(i+1)*n.Dim], sqrt32(n.Dim), m)
		}
	}
}

// addMarksBackward adds the gradient of addMarks to g, for dx (T,d).
func (n *Net) addMarksBackward(g *Gradient, dx []float32, tokens []uint32) {
	if n.Marks == 0 {
		return
	}
	for i, t := range tokens {
		if m := g.v.mark(t, n.Dim); m != nil {
			kernel.Axpy(m, sqrt32(n.Dim), dx[i*n.Dim:(i+1)*n.Dim])
		}
	}
}
