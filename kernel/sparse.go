package kernel

import "math"

// Sparse is a row of a sparse matrix: X[i] stands in column At[i]. No column occurs
// twice.
type Sparse struct {
	At []uint32
	X  []float32
}

// AddSparse computes y[At[i]] += s·X[i]; product and sum are rounded each, so all
// paths give the same bits. Meanwhile it fetches next, the row that will be asked for
// after this one: rows of a large table are far from the processor, and waiting for
// them costs more than adding them.
func AddSparse(y []float32, s float32, row, next Sparse) {
	if len(row.At) > 0 {
		active.addSparse(y, s, Sparse{row.At, row.X[:len(row.At)]}, next)
	}
}

// NoteSparse is AddSparse that notes the columns where y was 0 (not -0) before, in
// order, and gives how many. noted has room for all columns of the row.
func NoteSparse(noted []uint32, y []float32, s float32, row, next Sparse) int {
	if len(row.At) == 0 {
		return 0
	}
	return active.noteSparse(noted[:len(row.At)], y, s, Sparse{row.At, row.X[:len(row.At)]}, next)
}

// Fetch brings x nearer to the processor, for use soon, without waiting for it.
func Fetch[T number](x []T) {
	if len(x) > 0 && littleEndian { // elsewhere Bytes would copy
		active.fetch(Bytes(x))
	}
}

// SumAbove sums what is above zero. All paths give the same bits.
func SumAbove(x []float32) float64 {
	whole := len(x) / sumLanes * sumLanes
	var sums [sumLanes]float64
	if whole > 0 {
		sums = active.sumAbove(x[:whole])
	}
	for i, v := range x[whole:] {
		sums[i] += above(v)
	}
	for n := sumLanes / 2; n > 0; n /= 2 {
		for i := range n {
			sums[i] += sums[i+n]
		}
	}
	return sums[0]
}

// sumLanes is how many sums SumAbove keeps side by side.
const sumLanes = 16

// above gives x where it is above 0, else 0.
func above(x float32) float64 {
	if x > 0 {
		return float64(x)
	}
	return 0
}

func plainAddSparse(y []float32, s float32, row, _ Sparse) {
	for i, c := range row.At {
		y[c] += float32(s * row.X[i])
	}
}

func plainNoteSparse(noted []uint32, y []float32, s float32, row, _ Sparse) (n int) {
	for i, c := range row.At {
		if math.Float32bits(y[c]) == 0 {
			noted[n] = c
			n++
		}
		y[c] += float32(s * row.X[i])
	}
	return n
}

func plainSumAbove(x []float32) (sums [sumLanes]float64) {
	for ; len(x) >= sumLanes; x = x[sumLanes:] {
		for i, v := range x[:sumLanes] {
			sums[i] += above(v)
		}
	}
	return sums
}
