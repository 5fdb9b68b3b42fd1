package nn

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"usher/internal/seed"
)

// randomShards are some batches of random sequences.
func randomShards(s Shape, shards, batches int, from seed.Seed) [][]Batch {
	r := from.Rand()
	out := make([][]Batch, shards)
	for i := range out {
		for range batches {
			var b Batch
			for range 3 {
				l := 1 + r.IntN(s.Window)
				b.Lens = append(b.Lens, l)
				for range l {
					b.Tokens = append(b.Tokens, uint32(r.IntN(s.Rows)))
					b.Targets = append(b.Targets, uint32(r.IntN(s.Rows-1)))
					b.Weights = append(b.Weights, 1)
				}
			}
			out[i] = append(out[i], b)
		}
	}
	return out
}

func TestWorkersDoNotChangeAStep(t *testing.T) {
	for _, c := range []struct {
		muon float32
		dim  int // products of 32 may be rounded
	}{{0, 16}, {5, 16}, {5, 32}} {
		shape, muon := Shape{Rows: 300, Dim: c.dim, Inner: 2 * c.dim, Heads: 2, Blocks: 1, Window: 20, Tau: 10}, c.muon
		var want *Net
		for _, workers := range []int{1, 2, 5} {
			n := New(shape, 1)
			tr := &Trainer{Net: n, Items: 299, Sample: 50, Drop: .2, Workers: workers, Muon: muon, State: NewAdam(n)}
			for step := range 4 {
				if _, err := tr.Step(context.Background(), randomShards(shape, 4, 2, seed.Seed(step)), 1e-2, seed.Seed(step)); err != nil {
					t.Fatal(err)
				}
			}
			if want == nil {
				want = n
			} else if !slices.Equal(n.Table, want.Table) || !slices.Equal(n.Dense, want.Dense) {
				t.Errorf("Muon %v, width %d: %d workers give another network than 1", muon, c.dim, workers)
			}
		}
	}
}

func TestStepsLowerTheLoss(t *testing.T) {
	for _, muon := range []float32{0, 5} {
		n := New(small, 1)
		tr := &Trainer{Net: n, Items: small.Rows - 1, Workers: 1, Muon: muon, State: NewAdam(n)}
		data := randomShards(small, 2, 1, 9)
		var first, last float64
		for step := range 120 {
			loss, err := tr.Step(context.Background(), data, 1e-2, seed.Seed(step))
			if err != nil {
				t.Fatal(err)
			}
			if step == 0 {
				first = loss
			}
			last = loss
		}
		// Random targets can only be learnt by heart: from guessing (log 13) or worse down.
		if guess := math.Log(13); first < .8*guess || last > guess/2 {
			t.Errorf("Muon %v: loss went from %.3f to %.3f", muon, first, last)
		}
	}
}

func TestStepStops(t *testing.T) {
	n := New(small, 1)
	before := slices.Clone(n.Table)
	tr := &Trainer{Net: n, Items: small.Rows - 1, Workers: 2, State: NewAdam(n)}
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("enough")
	cancel(why)
	if _, err := tr.Step(ctx, randomShards(small, 2, 2, 1), 1e-2, 1); !errors.Is(err, why) {
		t.Errorf("error %v", err)
	}
	if !slices.Equal(before, n.Table) || tr.State.T != 0 {
		t.Error("a stopped step changed the network")
	}
}

func TestEncodeIsForwardsLastRow(t *testing.T) {
	for blocks := range 3 {
		shape := small
		shape.Blocks, shape.Marks = blocks, 3
		n, b := example(shape)
		ref := newReference(n, dropper{})
		y := ref.queries(b)
		var e Encoder
		at := 0
		for _, l := range b.Lens {
			q := make([]float32, shape.Dim)
			n.Encode(&e, b.Tokens[at:at+l], q)
			at += l
			for j, want := range unit(y[at-1]) {
				if want *= float64(shape.Tau); math.Abs(want-float64(q[j])) > 1e-4 {
					t.Fatalf("%d blocks, %d tokens: q[%d] = %v, reference %v", blocks, l, j, q[j], want)
				}
			}
		}
	}
}

func TestDrawIsUniformAndLeavesNoTrace(t *testing.T) {
	var w lossWork
	const items, c, draws = 20, 5, 4000
	count := make([]int, items)
	var first []uint32
	for i := range draws {
		w.draw(items, c, seed.Seed(i))
		got := slices.Clone(w.perm[:c])
		if i == 0 {
			first = got
		}
		for _, x := range got {
			count[x]++
		}
		w.undo()
	}
	for x, n := range count {
		if n < 850 || n > 1150 { // 1000 ± 5.5 standard deviations
			t.Errorf("item %d was drawn %d times of %d", x, n, draws*c/items)
		}
	}
	w.draw(items, c, 0)
	if !slices.Equal(first, w.perm[:c]) {
		t.Error("the same key draws other items later")
	}
}

func TestShapeCheck(t *testing.T) {
	if err := small.Check(); err != nil {
		t.Errorf("good shape refused: %v", err)
	}
	for name, change := range map[string]func(*Shape){
		"no rows": func(s *Shape) { s.Rows = 0 }, "heads do not divide": func(s *Shape) { s.Heads = 3 },
		"no scale": func(s *Shape) { s.Tau = 0 }, "scale is no number": func(s *Shape) { s.Tau = float32(math.NaN()) },
		"huge": func(s *Shape) { s.Dim = 1 << 20 }, "negative": func(s *Shape) { s.Blocks = -1 },
	} {
		s := small
		change(&s)
		if s.Check() == nil {
			t.Errorf("%s: %+v is not refused", name, s)
		}
	}
}
