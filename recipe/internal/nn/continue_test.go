package nn

import (
	"math/rand/v2"
	"slices"
	"testing"

	"usher/kernel"
)

// A sequence that goes on from a known one gets the query it gets by itself, to the bit:
// by all paths of the kernels, however much is known, and what it leaves for the next
// one is the same, too.
func TestContinue(t *testing.T) {
	for _, path := range kernel.Paths() {
		restore, err := kernel.Use(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, blocks := range []int{0, 1, 2, 3} {
			r := rand.New(rand.NewPCG(5, uint64(blocks)))
			n := sayMarks(New(Shape{Rows: 300, Dim: 32, Inner: 64, Heads: 2, Blocks: blocks, Window: 2*attentionRows + 9, Tau: 15, Marks: 4}, 1))
			for _, then := range []func(){n.Round, n.Project, func() {}} {
				continueAll(t, n, r, path)
				then()
			}
		}
		restore()
	}
}

// continueAll goes on from parts of sequences whose lengths are around those of the
// attention's strips.
func continueAll(t *testing.T, n *Net, r *rand.Rand, path string) {
	t.Helper()
	tokens := make([]uint32, n.Window)
	for i := range tokens {
		tokens[i] = Marked(uint32(r.IntN(n.Rows)), r.IntN(n.Marks+1))
	}
	var e, other Encoder
	q, want := make([]float32, n.Dim), make([]float32, n.Dim)
	const s = attentionRows
	for _, l := range []int{1, 2, 3, 7, s - 1, s, s + 1, s + 2, 2*s - 1, 2 * s, 2*s + 1, 2*s + 2, n.Window} {
		n.Encode(&e, tokens[:l], want)
		entered := slices.Clone(n.Entered(&e))
		if (entered != nil) != (n.Blocks == 2) {
			t.Fatalf("%d blocks: %d floats entered the last", n.Blocks, len(entered))
		}
		for _, known := range []int{1, 1 + r.IntN(l), max(1, l-1), l} {
			n.Encode(&other, tokens[:known], q)
			n.Continue(&other, tokens[:l], slices.Clone(n.Entered(&other)), q)
			if !slices.Equal(q, want) || !slices.Equal(n.Entered(&other), entered) {
				t.Fatalf("%s, %d blocks, %d of %d tokens known: %v, want %v", path, n.Blocks, known, l, q[:3], want[:3])
			}
		}
	}
}
