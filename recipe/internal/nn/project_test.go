package nn

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// What Project computed beforehand is what Encode computes, to the bit.
func TestProject(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	for i, blocks := range []int{1, 2, 3, 2} {
		n := sayMarks(New(Shape{Rows: 1500, Dim: 32, Inner: 64, Heads: 2, Blocks: blocks, Window: 60, Tau: 15, Marks: 4}, 1))
		if i == 3 {
			n.Round()
		}
		var e Encoder
		encode := func(tokens []uint32) []float32 {
			q := make([]float32, n.Dim)
			n.Encode(&e, tokens, q)
			return q
		}
		var histories [][]uint32
		var want [][]float32
		for l := 1; l <= n.Window; l++ {
			h := make([]uint32, l)
			for i := range h {
				h[i] = Marked(uint32(r.IntN(n.Rows)), r.IntN(n.Marks+1))
			}
			histories, want = append(histories, h), append(want, encode(h))
		}
		n.Project()
		if (n.projected != nil) != (blocks > 1) {
			t.Errorf("%d blocks: projected is %v", blocks, n.projected != nil)
		}
		for i, h := range histories {
			if got := encode(h); !slices.Equal(got, want[i]) {
				t.Fatalf("%d blocks, %d tokens: %v, before %v", blocks, len(h), got[:3], want[i][:3])
			}
		}
	}
}
