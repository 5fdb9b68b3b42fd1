package kernel

import "unsafe"

// sparseRounds is how many entries of the next row a round of the loops fetches: a
// line of the cache of each slice.
const sparseRounds = 16

// lineBytes is the size of a line of the cache.
const lineBytes = 64

// sparseLoops sets what adds rows of sparse matrices, which all paths of amd64 share.
func (p *path) sparseLoops() {
	p.addSparse = func(y []float32, s float32, row, next Sparse) {
		done := addSparseAVX(len(row.At), unsafe.SliceData(y), &row.At[0], &row.X[0], len(y), s,
			unsafe.SliceData(next.At), unsafe.SliceData(next.X), fetched(next))
		if done < 0 {
			panicOutside(y, row)
		}
	}
	p.noteSparse = func(noted []uint32, y []float32, s float32, row, next Sparse) int {
		n := noteSparseAVX(len(row.At), unsafe.SliceData(y), &row.At[0], &row.X[0], len(y), s,
			unsafe.SliceData(next.At), unsafe.SliceData(next.X), fetched(next), &noted[0])
		if n < 0 {
			panicOutside(y, row)
		}
		return n
	}
	p.fetch = func(x []byte) { fetchLines((len(x)+lineBytes-1)/lineBytes, &x[0]) }
	p.sumAbove = func(x []float32) (sums [sumLanes]float64) {
		sumAboveAVX(len(x)/sumLanes, &sums[0], &x[0])
		return sums
	}
}

// fetched counts the lines to fetch of both slices of a row.
func fetched(next Sparse) int {
	return (min(len(next.At), len(next.X)) + sparseRounds - 1) / sparseRounds
}

// panicOutside panics at the column that y does not have.
func panicOutside(y []float32, row Sparse) {
	for _, c := range row.At {
		_ = y[c]
	}
}
