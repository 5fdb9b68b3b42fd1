package nn

import (
	"math"

	"usher/kernel"
)

// Muon (Jordan et al., 2024) moves a weight matrix by its momentum with all singular
// values made about one: directions that the gradient shows weakly are learnt as fast
// as the strong ones. It is for the matrices of the blocks; vectors, biases of
// distances and the table, whose rows are seen now and then, are left to Adam.

// muonKeep is the part of the old momentum that a step keeps.
const muonKeep = .95

// The coefficients of the Newton-Schulz iteration x ← a·x + b·(xxᵀ)x + c·(xxᵀ)²x. They
// are chosen for a steep start: five rounds bring singular values of .002 to 1 between
// .68 and 1.13, which is near enough.
const (
	muonA, muonB, muonC = 3.4445, -4.7750, 2.0315
	muonRounds          = 5
)

// matrixView is a (rows,cols) matrix with ld floats from one row to the next.
type matrixView struct {
	x              []float32
	rows, cols, ld int
}

func (m matrixView) row(i int) []float32 { return m.x[i*m.ld : i*m.ld+m.cols] }

// matrices lists the weight matrices of the blocks. Queries, keys and values are
// matrices of their own.
func (s Shape) matrices(v views) (out []matrixView) {
	d, f := s.Dim, s.Inner
	for _, b := range v.blocks {
		for i := range 3 {
			out = append(out, matrixView{b.qkv[i*d:], d, d, 3 * d})
		}
		out = append(out, matrixView{b.gate, d, d, d}, matrixView{b.out, d, d, d},
			matrixView{b.silu, d, f, f}, matrixView{b.lin, d, f, f}, matrixView{b.down, f, d, d})
	}
	return out
}

// vectors lists the parameters of views that matrices leaves out.
func (v views) vectors() (out [][]float32) {
	for _, b := range v.blocks {
		out = append(out, b.gain1, b.bias1, b.rel, b.gain2, b.bias2)
	}
	return append(out, v.gain, v.bias, v.marks)
}

// muon is the memory of one worker.
type muon struct{ x, y, gram, poly []float32 }

// step moves w against the momentum m of the gradient g, which counts times scale.
func (u *muon) step(w, m, g matrixView, lr, scale float32) {
	x := room(&u.x, w.rows*w.cols)
	for i := range w.rows {
		xi, mi, gi := x[i*w.cols:(i+1)*w.cols], m.row(i), g.row(i)
		kernel.Scale(mi, muonKeep)
		kernel.Axpy(mi, (1-muonKeep)*scale, gi)
		copy(xi, mi) // Nesterov's: what the momentum will be with this gradient once more
		kernel.Scale(xi, muonKeep)
		kernel.Axpy(xi, (1-muonKeep)*scale, gi)
	}
	x = u.orthogonalise(x, w.rows, w.cols)
	for i := range w.rows {
		kernel.Axpy(w.row(i), -lr, x[i*w.cols:(i+1)*w.cols])
	}
}

// orthogonalise gives x (rows,cols), which it may overwrite, with singular values of
// about one. The result is u's. Zeros stay zeros.
func (u *muon) orthogonalise(x []float32, rows, cols int) []float32 {
	length := math.Sqrt(float64(kernel.Dot(x, x)))
	if length == 0 {
		return x
	}
	kernel.Scale(x, float32(1/length))
	n := min(rows, cols)
	y, gram, poly := room(&u.y, rows*cols), room(&u.gram, n*n), room(&u.poly, n*n)
	for range muonRounds {
		if rows <= cols {
			kernel.MatMulNT(gram, n, x, cols, x, cols, n, n, cols, false)
		} else {
			kernel.MatMulTN(gram, n, x, cols, x, cols, n, n, rows, false)
		}
		kernel.MatMul(poly, n, gram, n, gram, n, n, n, n, false)
		kernel.Scale(poly, muonC)
		kernel.Axpy(poly, muonB, gram)
		if rows <= cols {
			kernel.MatMul(y, cols, poly, n, x, cols, rows, cols, n, false)
		} else {
			kernel.MatMul(y, cols, x, cols, poly, n, rows, cols, n, false)
		}
		kernel.Axpy(y, muonA, x)
		x, y = y, x
	}
	return x
}
