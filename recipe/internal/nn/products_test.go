package nn

import (
	"context"
	"fmt"
	"math"
	"testing"

	"usher/internal/seed"
	"usher/kernel"
)

// roundedShape is a network whose products are all rounded where the processor can.
var roundedShape = Shape{Rows: 301, Dim: 64, Inner: 128, Heads: 2, Blocks: 2, Window: 60, Tau: 15}

// Rounding products to bfloat16 changes the gradient of a step by less than a hundredth of
// its length, that of the layers and that of the table, with all items and with negatives
// of an odd number; and the loss by less than a thousandth. The network has been trained
// for some steps: what a random one makes of its tiny vectors is off by a little more.
func TestRoundedGradient(t *testing.T) {
	if !kernel.CanRound(32, 32) {
		t.Skip("no instructions for bfloat16 here")
	}
	const exactly = "avx2"
	n := New(roundedShape, 1)
	on(t, exactly, func() {
		tr := &Trainer{Net: n, Items: roundedShape.Rows - 1, Drop: .2, Workers: 1, State: NewAdam(n)}
		for step := range 20 {
			if _, err := tr.Step(context.Background(), randomShards(roundedShape, 1, 2, seed.Seed(step)), 1e-2, seed.Seed(step)); err != nil {
				t.Fatal(err)
			}
		}
	})
	for _, sample := range []int{0, 51} {
		t.Run(fmt.Sprintf("%d negatives", sample), func(t *testing.T) {
			rounded, loss := gradientOf(n, sample)
			var exact map[string][]float32
			var want float64
			on(t, exactly, func() { exact, want = gradientOf(n, sample) })
			for part, g := range rounded {
				off := distance(g, exact[part])
				t.Logf("%s: the gradient is off by %.5f of its length", part, off)
				if !(off > 0 && off < .01) {
					t.Errorf("%s: the gradient is off by %.5f of its length", part, off)
				}
			}
			if off := math.Abs(loss/want - 1); off > .001 {
				t.Errorf("loss %v, without rounding %v", loss, want)
			}
		})
	}
}

// on runs f on a path of the kernels.
func on(t *testing.T, path string, f func()) {
	t.Helper()
	restore, err := kernel.Use(path)
	if err != nil {
		t.Fatal(err)
	}
	defer restore()
	f()
}

// gradientOf computes the same gradient each time: that of the layers and that of the
// table.
func gradientOf(n *Net, sample int) (parts map[string][]float32, loss float64) {
	shards := randomShards(roundedShape, 1, 2, 4)
	tr := &Trainer{Net: n, Items: roundedShape.Rows - 1, Sample: sample, Drop: .2, Workers: 1}
	g := tr.gradient(context.Background(), shards, 1/total(shards), seed.Seed(5))
	table := make([]float32, len(n.Table))
	for i, r := range g.rows {
		copy(table[int(r)*g.dim:], g.vals[i*g.dim:(i+1)*g.dim])
	}
	return map[string][]float32{"layers": g.dense, "table": table}, g.Loss
}

// distance gives the length of x-y, relative to that of y.
func distance(x, y []float32) float64 {
	var diff, size float64
	for i := range y {
		diff += math.Pow(float64(x[i])-float64(y[i]), 2)
		size += math.Pow(float64(y[i]), 2)
	}
	return math.Sqrt(diff / size)
}
