package nn

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"usher/kernel"
)

// What rounding does to queries is little: their angles, and which of a thousand rows
// are the best.
func TestRoundedQueries(t *testing.T) {
	if kernel.Round(make([]float32, 32*32), 32, 32, 32) == nil {
		t.Skip("no instructions for bfloat16 here")
	}
	r := rand.New(rand.NewPCG(8, 1))
	for _, projected := range []bool{false, true} {
		n := New(Shape{Rows: 1001, Dim: 64, Inner: 128, Heads: 2, Blocks: 2, Window: 100, Tau: 15}, 1)
		items := n.Items(1000)
		var histories [][]uint32
		var exact [][]float32
		var e Encoder
		encode := func(tokens []uint32) []float32 {
			q := make([]float32, n.Dim)
			n.Encode(&e, tokens, q)
			return q
		}
		for l := 1; l <= n.Window; l++ {
			tokens := make([]uint32, l)
			for i := range tokens {
				tokens[i] = uint32(r.IntN(1000))
			}
			histories, exact = append(histories, tokens), append(exact, encode(tokens))
		}
		n.Round()
		if projected {
			n.Project()
		}
		least, same := 1., 0
		for i, tokens := range histories {
			q := encode(tokens)
			least = min(least, float64(kernel.Dot(q, exact[i]))/float64(n.Tau*n.Tau))
			want := bestRows(exact[i], items, 25)
			for _, row := range bestRows(q, items, 25) {
				if slices.Contains(want, row) {
					same++
				}
			}
		}
		agree := float64(same) / float64(25*len(histories))
		t.Logf("projected %v: the largest angle is %.4f, %.2f %% of the best 25 are the same", projected, math.Acos(least), 100*agree)
		if math.Acos(least) > .02 || agree < .98 || least == 1 {
			t.Errorf("projected %v: the largest angle is %v, %v of the best 25 are the same", projected, math.Acos(least), agree)
		}
	}
}

// bestRows gives the k rows whose products with q are largest.
func bestRows(q, items []float32, k int) []int {
	d := len(q)
	rows := make([]int, len(items)/d)
	for i := range rows {
		rows[i] = i
	}
	slices.SortFunc(rows, func(a, b int) int {
		x, y := kernel.Dot(q, items[a*d:(a+1)*d]), kernel.Dot(q, items[b*d:(b+1)*d])
		if x > y {
			return -1
		}
		return 1
	})
	return rows[:k]
}
