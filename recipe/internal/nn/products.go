package nn

import "usher/kernel"

// products multiplies the matrices of a training. Where the processor has instructions
// for it and the sizes suit, factors are rounded to bfloat16, each time anew: that costs
// little beside a product with the hundreds of tokens of a batch. Sums are float32, and a
// row's do not depend on other rows (docs/decisions/0019).
type products struct {
	rounds bool           // otherwise all is float32, as for those who only encode
	right  kernel.Rounded // the factor on the right
}

// rounded says whether products with a factor (k,n) on the right are in bfloat16.
func (p *products) rounded(k, n int) bool { return p.rounds && kernel.CanRound(k, n) }

// matMul is kernel.MatMul.
func (p *products) matMul(c []float32, ldc int, a []float32, lda int, b []float32, ldb int, m, n, k int, add bool) {
	if !p.rounded(k, n) {
		kernel.MatMul(c, ldc, a, lda, b, ldb, m, n, k, add)
		return
	}
	p.right.SetRows(b, ldb, k, n)
	p.right.MatMul(c, ldc, a, lda, m, add)
}

// matMulNT is kernel.MatMulNT.
func (p *products) matMulNT(c []float32, ldc int, a []float32, lda int, b []float32, ldb int, m, n, k int, add bool) {
	if !p.rounded(k, n) {
		kernel.MatMulNT(c, ldc, a, lda, b, ldb, m, n, k, add)
		return
	}
	p.right.SetColumns(b, ldb, k, n)
	p.right.MatMul(c, ldc, a, lda, m, add)
}

// matMulTN is kernel.MatMulTN.
func (p *products) matMulTN(c []float32, ldc int, a []float32, lda int, b []float32, ldb int, m, n, k int, add bool) {
	if !p.rounded(m, n) {
		kernel.MatMulTN(c, ldc, a, lda, b, ldb, m, n, k, add)
		return
	}
	p.right.SetRows(b, ldb, k, n)
	p.right.MatMulTN(c, ldc, a, lda, m, add)
}

// times computes y (T,n), rows ldy apart, = x (T,k) · m, as m.product does where nothing
// is trained.
func (p *products) times(m factor, y []float32, ldy int, x []float32, t int) {
	if !p.rounds {
		m.product(y, ldy, x, t)
		return
	}
	p.matMul(y, ldy, x, m.k, m.w, m.ld, t, m.n, m.k, false)
}
