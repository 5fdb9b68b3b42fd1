package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// eachPath runs a benchmark on all paths of this machine.
func eachPath(b *testing.B, f func(b *testing.B)) {
	for _, name := range Paths() {
		b.Run(name, func(b *testing.B) {
			restore, err := Use(name)
			if err != nil {
				b.Fatal(err)
			}
			defer restore()
			f(b)
		})
	}
}

// BenchmarkMatMul is the products of a transformer of width 64 (and 128) in
// micro-batches of about 800 tokens, as m×n×k, and a square one.
func BenchmarkMatMul(b *testing.B) {
	nn, nt, tn := products[0], products[1], products[2]
	for _, c := range []struct {
		name    string
		p       product
		m, n, k int
	}{
		{"square", nn, 512, 512, 512},
		{"projection", nn, 800, 64, 64},
		{"qkv", nn, 800, 192, 64},
		{"qkv of width 128", nn, 800, 384, 128},
		{"feed forward", nn, 800, 128, 64},
		{"input gradient", nt, 800, 64, 192},
		{"input gradient of feed forward", nt, 800, 64, 128},
		{"weight gradient", tn, 64, 192, 800},
		{"weight gradient of feed forward", tn, 64, 128, 800},
		{"attention QKt", nt, 48, 200, 32},
		{"attention PV", nn, 48, 32, 200},
		{"attention dV", tn, 200, 32, 48},
		{"logits", nt, 192, 573, 64},
		{"logits of 3456 items", nt, 192, 3456, 64},
		{"query gradient", nn, 192, 64, 573},
		{"item gradient", tn, 573, 64, 192},
		{"one query", nt, 1, 1682, 64},
		{"one row", nn, 1, 128, 64},
	} {
		b.Run(fmt.Sprintf("%s/%s_%dx%dx%d", c.name, c.p.name, c.m, c.n, c.k), func(b *testing.B) {
			x := newProblem(rand.New(rand.NewPCG(1, 2)), c.p, c.m, c.n, c.k, 0)
			eachPath(b, func(b *testing.B) {
				for b.Loop() {
					x.mul(x.c, x.ldc, x.a, x.lda, x.b, x.ldb, x.m, x.n, x.k, false)
				}
				flops := 2 * float64(c.m) * float64(c.n) * float64(c.k)
				b.ReportMetric(flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		})
	}
}

// BenchmarkElements is the other loops, on slices that stay in the cache.
func BenchmarkElements(b *testing.B) {
	const n, d = 1 << 13, 64
	r := rand.New(rand.NewPCG(1, 2))
	x := make([][]float32, 10)
	for i := range x {
		x[i] = random(r, n)
	}
	for _, c := range []struct {
		name string
		f    func()
	}{
		{"Dot", func() { Dot(x[0], x[1]) }},
		{"Axpy", func() { Axpy(x[0], 1e-9, x[1]) }},
		{"Scale", func() { Scale(x[0], 1) }},
		{"Multiply", func() { Multiply(x[9], x[0], x[1]) }},
		{"Max", func() { Max(x[0]) }},
		{"ExpSum", func() { copy(x[9], x[0]); ExpSum(x[9], 1, -1) }},
		{"Softmax", func() { copy(x[9], x[0]); Softmax(x[9]) }},
		{"SoftmaxBackward", func() { copy(x[9], x[0]); SoftmaxBackward(x[9], x[1]) }},
		{"LayerNorm", func() { LayerNorm(x[9], x[0], x[1], x[2], x[7], x[8], n/d, d) }},
		{"LayerNormBackward", func() {
			clear(x[9])
			LayerNormBackward(x[9], x[5], x[6], x[4], x[0], x[1], x[7], x[8], n/d, d)
		}},
		{"Normalise", func() {
			for i := 0; i < n; i += d {
				Normalise(x[9][i:i+d], x[0][i:i+d])
			}
		}},
		{"SwiGLU", func() { SwiGLU(x[9], x[0], x[1]) }},
		{"SwiGLUBackward", func() { SwiGLUBackward(x[9], x[8], x[4], x[0], x[1]) }},
		{"Sigmoid", func() { Sigmoid(x[9], x[0]) }},
		{"GateBackward", func() { copy(x[9], x[0]); GateBackward(x[9], x[8], x[4], x[1]) }},
		{"Dropout", func() { Dropout(x[9], x[0], .2, 1, 2) }},
		{"Adam", func() { clear(x[9]); clear(x[8]); Adam(x[7], x[9], x[8], x[4], AdamStep{LR: 1e-9, T: 9}.Update(1)) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			eachPath(b, func(b *testing.B) {
				for b.Loop() {
					c.f()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/element")
			})
		})
	}
}
