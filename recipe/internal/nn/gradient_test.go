package nn

import (
	"context"
	"fmt"
	"math"
	"testing"

	"usher/internal/seed"
)

var small = Shape{Rows: 14, Dim: 8, Inner: 11, Heads: 2, Blocks: 2, Window: 55, Tau: 6}

// The fast gradient (float32) agrees with central differences of the plain
// float64 network, for every kind of parameter: 1 part in 500 of the tensor's
// largest gradient, which is far above float32's rounding and far below any
// real fault.
func TestGradientIsThatOfTheReference(t *testing.T) {
	for _, c := range []struct {
		name   string
		sample int
		drop   float32
		blocks int
		marks  int
	}{
		{"softmax over all, no block", 0, 0, 0, 0},
		{"softmax over all", 0, 0, 2, 0},
		{"sampled softmax and marks", 5, 0, 1, 5},
		{"marks and dropout", 0, .3, 2, 3},
		{"sampled softmax and dropout", 9, .3, 2, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			shape := small
			shape.Blocks, shape.Marks = c.blocks, c.marks
			n, b := example(shape)
			items := shape.Rows - 1
			tr := &Trainer{Net: n, Items: items, Sample: c.sample, Drop: c.drop, Workers: 1}
			key := seed.Seed(11)
			weight := total([][]Batch{{*b}})
			g := tr.gradient(context.Background(), [][]Batch{{*b}}, 1/weight, key)

			bk := key.Branch("batch", 0, 0)
			ref := newReference(n, dropper{p: c.drop, key: uint64(bk.Branch("dropout"))})
			cand := candidatesOf(items, c.sample, bk)
			if want, got := ref.loss(b, cand, items), g.Loss/weight; math.Abs(want-got) > 1e-5*math.Abs(want) {
				t.Fatalf("loss %v, reference %v", got, want)
			}
			table := make([]float32, len(n.Table))
			for i, r := range g.rows {
				copy(table[int(r)*n.Dim:], g.vals[i*n.Dim:(i+1)*n.Dim])
			}
			compare(t, "table", ref, b, cand, 0, table)
			for _, p := range named(shape) {
				compare(t, p.name, ref, b, cand, len(n.Table)+p.from, g.dense[p.from:p.to])
			}
		})
	}
}

type tensor struct {
	name     string
	from, to int
}

// named lists the tensors of Dense.
func named(s Shape) (out []tensor) {
	whole := make([]float32, s.DenseSize())
	v := s.view(whole)
	at := 0
	add := func(name string, p []float32) {
		out = append(out, tensor{name, at, at + len(p)})
		at += len(p)
	}
	for i, b := range v.blocks {
		add(fmt.Sprint("gain1 ", i), b.gain1)
		add(fmt.Sprint("bias1 ", i), b.bias1)
		add(fmt.Sprint("qkv ", i), b.qkv)
		add(fmt.Sprint("gate ", i), b.gate)
		add(fmt.Sprint("rel ", i), b.rel)
		add(fmt.Sprint("out ", i), b.out)
		add(fmt.Sprint("gain2 ", i), b.gain2)
		add(fmt.Sprint("bias2 ", i), b.bias2)
		add(fmt.Sprint("silu ", i), b.silu)
		add(fmt.Sprint("lin ", i), b.lin)
		add(fmt.Sprint("down ", i), b.down)
	}
	add("gain", v.gain)
	add("bias", v.bias)
	if s.Marks > 0 {
		add("marks", v.marks)
	}
	if at != len(whole) {
		panic("a tensor is missing")
	}
	return out
}

// compare checks up to 24 parameters of one tensor, which starts at from.
func compare(t *testing.T, name string, ref *reference, b *Batch, cand []uint32, from int, got []float32) {
	t.Helper()
	const eps = 1e-5
	var top float64
	for _, x := range got {
		top = max(top, math.Abs(float64(x)))
	}
	if top == 0 {
		t.Errorf("%s: the gradient is zero everywhere", name)
	}
	for i := 0; i < len(got); i += max(1, len(got)/23) {
		old := ref.w[from+i]
		ref.w[from+i] = old + eps
		up := ref.loss(b, cand, ref.s.Rows-1)
		ref.w[from+i] = old - eps
		down := ref.loss(b, cand, ref.s.Rows-1)
		ref.w[from+i] = old
		want := (up - down) / (2 * eps)
		if diff := math.Abs(want - float64(got[i])); diff > top/500 || math.IsNaN(diff) {
			t.Errorf("%s[%d]: gradient %.6g, reference %.6g (largest of the tensor %.3g)", name, i, got[i], want, top)
		}
	}
}
