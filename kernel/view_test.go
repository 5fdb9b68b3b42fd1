package kernel

import (
	"bytes"
	"math"
	"slices"
	"testing"
)

// View and Bytes give what their twins give, at any alignment and length, and are
// inverses of one another to the bit.
func TestViewsEqualCopies(t *testing.T) {
	raw := make([]byte, 300)
	for i := range raw {
		raw[i] = byte(i*37 + 11)
	}
	for from := range 9 {
		for n := range 68 {
			b := raw[from : from+4*n+n%4]
			floats, numbers := View[float32](b), View[uint32](b)
			if !slices.Equal(numbers, plainView[uint32](b)) || !bytes.Equal(plainBytes(floats), plainBytes(plainView[float32](b))) {
				t.Fatalf("from %d, %d bytes: another view than the copy", from, len(b))
			}
			if whole := b[:len(b)/4*4]; !bytes.Equal(Bytes(floats), whole) || !bytes.Equal(Bytes(numbers), whole) || !bytes.Equal(plainBytes(numbers), whole) {
				t.Fatalf("from %d, %d bytes: not turned back", from, len(b))
			}
		}
	}
	odd := []float32{float32(math.NaN()), float32(math.Inf(-1)), math.SmallestNonzeroFloat32, 0}
	if got := View[float32](Bytes(odd)); !bytes.Equal(plainBytes(got), plainBytes(odd)) {
		t.Errorf("%v became %v", odd, got)
	}
}

// A view of aligned bytes is those bytes.
func TestViewIsInPlace(t *testing.T) {
	if !littleEndian {
		t.Skip("big-endian machines copy")
	}
	x := []uint32{1, 2, 3}
	View[uint32](Bytes(x))[1] = 7
	if x[1] != 7 {
		t.Error("it is a copy")
	}
}

// A stored matrix gives the same products, and one that does not fit is refused.
func TestStoredQuantised(t *testing.T) {
	const rows, dim = 37, 12
	x := make([]float32, rows*dim)
	for i := range x {
		x[i] = float32(i%17) - 8
	}
	made := Quantise(x, rows, dim)
	again, err := made.Stored().Quantised(rows, dim)
	if err != nil {
		t.Fatal(err)
	}
	var q ByteQueries
	q.Set(made, [][]float32{x[:dim]})
	want, got := make([]float32, rows), make([]float32, rows)
	made.Scan(want, rows, &q, 0, rows)
	again.Scan(got, rows, &q, 0, rows)
	if !slices.Equal(want, got) || made.Slack(&q, 0) != again.Slack(&q, 0) {
		t.Errorf("%v, slack %v; want %v, %v", got, again.Slack(&q, 0), want, made.Slack(&q, 0))
	}
	for _, size := range [][2]int{{rows, dim + 4}, {rows + 16, dim}, {0, 0}, {-1, dim}} {
		if _, err := made.Stored().Quantised(size[0], size[1]); err == nil {
			t.Errorf("taken for a matrix of %d rows of %d", size[0], size[1])
		}
	}
}
