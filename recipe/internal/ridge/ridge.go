// Package ridge solves systems of linear equations with a large symmetric
// positive definite matrix: the normal equations of ridge regression.
//
// Factor is a blocked Cholesky decomposition A = L·Lᵀ in place, right-looking:
// a diagonal block is decomposed and inverted in float64, the blocks below it
// and what is to the right of them are products of package kernel. Solve goes
// through the blocks forward and backward, with products only. Off-diagonal
// blocks are kept negated, so that all products are added.
//
// Invariants: work is cut at fixed places, so the bytes do not depend on the
// number of workers (I4); between two pieces of work (tens of milliseconds)
// the context is asked. What the equations mean is the caller's business.
package ridge

import (
	"context"
	"errors"
	"fmt"
	"math"

	"usher/kernel"
	"usher/recipe/internal/nn"
)

// block is the size of diagonal blocks, strip how many rows or columns are one
// piece of work.
const (
	block = 96
	strip = 4 * block
)

// ErrNotPositive says that a matrix is not positive definite.
var ErrNotPositive = errors.New("matrix is not positive definite")

// Factor is L of A = L·Lᵀ.
type Factor struct {
	n int
	a []float32 // (n,n) the blocks below the diagonal are -L; the rest is left over
	d []float32 // (n,block) inverses of the diagonal blocks
}

// NewFactor decomposes a (n,n), of which only what is on and below the diagonal
// is read. a becomes the factor's own.
func NewFactor(ctx context.Context, a []float32, n, workers int) (*Factor, error) {
	f := &Factor{n: n, a: a[:n*n], d: make([]float32, n*block)}
	var panel []float32 // (rows below, size), not negated
	for k := 0; k < n; k += block {
		size := min(block, n-k)
		if !f.diagonal(k, size) {
			return nil, fmt.Errorf("decompose: %w", ErrNotPositive)
		}
		below := n - k - size
		if below == 0 {
			break
		}
		if panel == nil {
			panel = make([]float32, below*block)
		}
		pieces := (below + strip - 1) / strip
		nn.Each(workers, pieces, func(_, i int) {
			r0, r1 := i*strip, min(below, (i+1)*strip)
			at := (k+size+r0)*n + k
			kernel.MatMulNT(panel[r0*size:], size, a[at:], n, f.d[k*block:], block, r1-r0, size, size, false)
			for r := r0; r < r1; r++ {
				row := a[(k+size+r)*n+k:][:size]
				for j := range row {
					row[j] = -panel[r*size+j]
				}
			}
		})
		nn.Each(workers, pieces, func(_, i int) {
			if ctx.Err() != nil {
				return
			}
			i = pieces - 1 - i // the longest first
			r0, r1 := i*strip, min(below, (i+1)*strip)
			at := (k+size+r0)*n + k + size
			kernel.MatMulNT(a[at:], n, a[(k+size+r0)*n+k:], n, panel, size, r1-r0, r1, size, true)
		})
		if ctx.Err() != nil {
			return nil, fmt.Errorf("decompose: %w", context.Cause(ctx))
		}
	}
	return f, nil
}

// diagonal decomposes the block at k and keeps its inverse.
func (f *Factor) diagonal(k, size int) bool {
	var l, inv [block][block]float64
	for i := range size {
		row := f.a[(k+i)*f.n+k:]
		for j := range i + 1 {
			s := float64(row[j])
			for p := range j {
				s -= l[i][p] * l[j][p]
			}
			if i > j {
				l[i][j] = s / l[j][j]
			} else if !(s > 0) || math.IsInf(s, 0) {
				return false
			} else {
				l[i][i] = math.Sqrt(s)
			}
		}
	}
	for j := range size {
		inv[j][j] = 1 / l[j][j]
		for i := j + 1; i < size; i++ {
			var s float64
			for p := j; p < i; p++ {
				s += l[i][p] * inv[p][j]
			}
			inv[i][j] = -s / l[i][i]
		}
		for i := range size {
			f.d[(k+i)*block+j] = float32(inv[i][j])
		}
	}
	return true
}

// Solve changes c (n,m) from C to X of A·X = C.
func (f *Factor) Solve(ctx context.Context, c []float32, m, workers int) error {
	n := f.n
	nn.Each(workers, (m+strip-1)/strip, func(_, i int) {
		c0, c1 := i*strip, min(m, (i+1)*strip)
		w := c1 - c0
		part := make([]float32, block*w)
		for k := 0; k < n && ctx.Err() == nil; k += block {
			size := min(block, n-k)
			kernel.MatMul(c[k*m+c0:], m, f.a[k*n:], n, c[c0:], m, size, w, k, true)
			kernel.MatMul(part, w, f.d[k*block:], block, c[k*m+c0:], m, size, w, size, false)
			put(c[k*m+c0:], m, part, w, size)
		}
		for k := (n - 1) / block * block; k >= 0 && ctx.Err() == nil; k -= block {
			size := min(block, n-k)
			if rest := n - k - size; rest > 0 {
				kernel.MatMulTN(c[k*m+c0:], m, f.a[(k+size)*n+k:], n, c[(k+size)*m+c0:], m, size, w, rest, true)
			}
			kernel.MatMulTN(part, w, f.d[k*block:], block, c[k*m+c0:], m, size, w, size, false)
			put(c[k*m+c0:], m, part, w, size)
		}
	})
	if ctx.Err() != nil {
		return fmt.Errorf("solve: %w", context.Cause(ctx))
	}
	return nil
}

// put copies rows of w to a matrix.
func put(c []float32, ld int, part []float32, w, rows int) {
	for r := range rows {
		copy(c[r*ld:r*ld+w], part[r*w:(r+1)*w])
	}
}
