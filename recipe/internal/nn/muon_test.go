package nn

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"usher/internal/seed"
)

// random is a matrix of normal numbers.
func random(rows, cols int, from seed.Seed) []float32 {
	r := from.Rand()
	x := make([]float32, rows*cols)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// plainOrthogonal is the iteration in float64, one element after the other.
func plainOrthogonal(in []float32, rows, cols int) []float64 {
	x, length := make([]float64, len(in)), 0.
	for i, v := range in {
		x[i] = float64(v)
		length += x[i] * x[i]
	}
	for i := range x {
		x[i] /= math.Sqrt(length)
	}
	times := func(a, b []float64, n, k, m int) []float64 { // (n,k)·(k,m)
		out := make([]float64, n*m)
		for i := range n {
			for j := range m {
				for l := range k {
					out[i*m+j] += a[i*k+l] * b[l*m+j]
				}
			}
		}
		return out
	}
	for range muonRounds {
		turned := make([]float64, len(x))
		for i := range rows {
			for j := range cols {
				turned[j*rows+i] = x[i*cols+j]
			}
		}
		gram := times(x, turned, rows, cols, rows)
		third := times(gram, x, rows, rows, cols)
		fifth := times(gram, third, rows, rows, cols)
		for i := range x {
			x[i] = muonA*x[i] + muonB*third[i] + muonC*fifth[i]
		}
	}
	return x
}

func TestOrthogonaliseIsThePlainIteration(t *testing.T) {
	for _, size := range [][2]int{{8, 8}, {16, 33}, {33, 16}, {1, 5}, {5, 1}, {64, 128}} {
		rows, cols := size[0], size[1]
		in := random(rows, cols, seed.Seed(rows*cols))
		want := plainOrthogonal(in, rows, cols)
		var u muon
		for _, scale := range []float32{1e-6, 1, 1e6} { // its length does not matter
			x := slices.Clone(in)
			for i := range x {
				x[i] *= scale
			}
			for i, got := range u.orthogonalise(x, rows, cols) {
				if math.Abs(float64(got)-want[i]) > 2e-4 {
					t.Fatalf("%d × %d times %g: element %d is %v, want %v", rows, cols, scale, i, got, want[i])
				}
			}
		}
	}
}

// A matrix that stretches one direction a hundred times more than another moves
// weights about equally far in both.
func TestOrthogonaliseEvensDirections(t *testing.T) {
	x := []float32{100, 0, 0, 0, 10, 0, 0, 0, 1}
	var u muon
	for i, got := range u.orthogonalise(x, 3, 3) {
		if diagonal := i%4 == 0; diagonal && (got < .6 || got > 1.2) || !diagonal && got != 0 {
			t.Errorf("element %d is %v", i, got)
		}
	}
}

func TestMuonStepWithoutGradientMovesNothing(t *testing.T) {
	at := func(x []float32) matrixView { return matrixView{x, 4, 3, 3} }
	w, m, g := random(4, 3, 1), make([]float32, 12), make([]float32, 12)
	before := slices.Clone(w)
	var u muon
	u.step(at(w), at(m), at(g), .02, 1)
	if !slices.Equal(w, before) {
		t.Errorf("%v became %v", before, w)
	}
}

// Matrices and vectors together are all dense parameters, each once.
func TestMatricesAndVectorsAreAllOfTheBlocks(t *testing.T) {
	shape := small
	shape.Marks = 3
	dense := make([]float32, shape.DenseSize())
	v := shape.view(dense)
	for _, m := range shape.matrices(v) {
		for i := range m.rows {
			row := m.row(i)
			for j := range row {
				row[j]++
			}
		}
	}
	for _, x := range v.vectors() {
		for i := range x {
			x[i]++
		}
	}
	for i, n := range dense {
		if n != 1 {
			t.Fatalf("parameter %d is counted %v times", i, n)
		}
	}
}

// BenchmarkMuon moves the matrices of two blocks once: a step's time beside its
// batches, whatever their number.
func BenchmarkMuon(b *testing.B) {
	for _, dim := range []int{64, 128} {
		b.Run(fmt.Sprintf("d %d", dim), func(b *testing.B) {
			s := Shape{Rows: 1, Dim: dim, Inner: 2 * dim, Heads: 2, Blocks: 2, Window: 200, Tau: 15}
			w, m, g := New(s, 1), New(s, 2), New(s, 3)
			ws, ms, gs := s.matrices(w.v), s.matrices(m.v), s.matrices(g.v)
			var u muon
			for b.Loop() {
				for i := range ws {
					u.step(ws[i], ms[i], gs[i], .02, 1)
				}
			}
		})
	}
}
