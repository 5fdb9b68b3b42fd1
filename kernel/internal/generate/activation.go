package generate

import "math"

// exp replaces the lanes of x by e to their power, with the steps and constants
// of the plain twin. It uses n, r and p.
func exp(m machine, x, n, r, p vec) {
	m.mul(n, x, num(math.Log2E))
	m.round(n, n)
	m.set(r, x)
	m.mulSub(r, n, num(0.693359375))
	m.mulSub(r, n, num(-2.12194440e-4))
	m.set(p, num(1.9875691500e-4))
	for _, c := range []num{1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1} {
		m.mulTo(p, r, c)
	}
	m.mul(p, p, r)
	m.mulTo(p, r, r)
	m.add(p, p, num(1))
	m.toInt(n, n)
	m.shiftLeft(n, n, 23)
	m.addInt(p, p, n) // into the exponent; a NaN stays one
	m.zeroBelow(p, x, -87, n)
	m.putAbove(p, x, word(0x42b17217), num(math.Inf(1)), n)
	m.set(x, p)
}

// activations writes what is made of the exponential.
func activations(m machine) {
	function(m, "expSum", "computes x[i] = exp(x[i]·scale + shift) and gives the sum.", "float32",
		"func(x []float32, scale, shift float32) float32 { return ƒ(len(x), &x[0], scale, shift) }",
		[]param{{"n", "int", count}, {"x", "*float32", ptr(0)}, {"scale", "float32", vec(13)}, {"shift", "float32", vec(14)}}, func() {
			m.set(12, num(0))
			m.loop(2, func(l lanes) {
				m.load(l, 0, 0)
				m.mulTo(0, 13, vec(14))
				exp(m, 0, 1, 2, 3)
				m.store(l, 0, 0)
				m.drop(l, 0)
				m.add(12, 12, vec(0))
			})
			m.total(0, 12)
			m.give(12)
		})
	function(m, "biasedSoftmax", "replaces x by the softmax of scale·x + bias.", "",
		"func(x, bias []float32, scale float32) { ƒ(len(x), &x[0], &bias[0], scale) }",
		[]param{{"n", "int", count}, {"x", "*float32", ptr(0)}, {"bias", "*float32", ptr(1)}, {"scale", "float32", vec(14)}},
		func() { biasedSoftmax(m) })
	function(m, "softmaxBackward", "computes dp[i] = p[i]·(dp[i] - the sum of p·dp).", "",
		"func(dp, p []float32) { ƒ(len(dp), &dp[0], &p[0]) }",
		[]param{{"n", "int", count}, {"dp", "*float32", ptr(0)}, {"p", "*float32", ptr(1)}}, func() {
			dot(m, 1, 0)
			m.set(14, vec(0))
			m.recount("n")
			m.loop(4, func(l lanes) {
				m.load(l, 0, 0)
				m.load(l, 1, 1)
				m.sub(0, 0, 14)
				m.mul(0, 0, vec(1))
				m.store(l, 0, 0)
			})
			m.ret()
		})
}

// biasedSoftmax goes over x three times: for the largest element, the exponentials and
// their sum, and what makes that 1.
func biasedSoftmax(m machine) {
	for i := range vec(2) {
		m.set(4+i, num(math.Inf(-1)))
	}
	m.loop(2, func(l lanes) {
		m.load(l, 0, 0)
		m.load(l, 1, 1)
		m.mulTo(0, 14, vec(1))
		m.store(l, 0, 0)
		m.dropTo(l, 0, num(math.Inf(-1)), 1)
		m.larger(vec(4+l.u), 0)
	})
	m.larger(4, 5)
	m.largest(0, 4)
	m.recount("n")
	m.set(12, num(0))
	m.loop(2, func(l lanes) {
		m.load(l, 0, 0)
		m.sub(0, 0, 4)
		exp(m, 0, 1, 2, 3)
		m.store(l, 0, 0)
		m.drop(l, 0)
		m.add(12, 12, vec(0))
	})
	m.total(0, 12)
	m.set(1, num(1))
	m.div(14, 1, 12)
	m.recount("n")
	m.loop(4, func(l lanes) {
		m.load(l, 0, 0)
		m.mul(0, 0, vec(14))
		m.store(l, 0, 0)
	})
	m.ret()
}

// logarithms writes the sum of a slice and logarithms. Products and sums are each
// rounded, like the twin's, so that all paths give the same bits.
func logarithms(m machine) {
	function(m, "addLog", "computes y[i] += w·log(1 + s·x[i]) where x[i] is not below 0.", "",
		"func(y, x []float32, w, s float32) { ƒ(len(y), &y[0], &x[0], w, s) }",
		[]param{{"n", "int", count}, {"y", "*float32", ptr(0)}, {"x", "*float32", ptr(1)}, {"w", "float32", vec(14)}, {"s", "float32", vec(13)}}, func() {
			m.loop(1, func(l lanes) {
				m.load(l, 1, 0)
				m.mul(1, 0, vec(13))
				m.add(1, 1, num(1))
				log(m, 1, 2, 3, 4, 5, 6, 7)
				m.mul(1, 1, vec(14))
				m.zeroBelow(1, 0, 0, 2)
				m.load(l, 0, 2)
				m.add(1, 1, vec(2))
				m.store(l, 1, 0)
			})
			m.ret()
		})
}

// log replaces the lanes of x, which are from 1 on, by their logarithms, with the
// steps and constants of the plain twin. It uses the others.
func log(m machine, x, e, f, z, z2, p, q vec) {
	m.addInt(x, x, word(rootShift))
	m.shiftRight(e, x, 23)
	m.shiftLeft(f, e, 23)
	m.xor(x, x, f) // less the exponent
	m.addInt(x, x, word(halfRoot))
	m.add(f, x, num(-1))
	m.addInt(e, e, word(0x4b000000)) // the number behind 2²³, as a float
	m.add(e, e, num(-(1<<23)-127))
	m.mul(z, f, f)
	m.mul(z2, z, z)
	pair := func(to, spare vec, a, b, c, d num) { // a + b·f + (c + d·f)·z
		m.mul(spare, f, d)
		m.add(spare, spare, c)
		m.mul(spare, spare, z)
		m.mul(to, f, b)
		m.add(to, to, a)
		m.add(to, to, spare)
	}
	pair(x, p, 3.3333331174e-1, -2.4999993993e-1, 2.0000714765e-1, -1.6668057665e-1)
	pair(q, p, 1.4249322787e-1, -1.2420140846e-1, 1.1676998740e-1, -1.1514610310e-1)
	m.mul(q, q, z2)
	m.add(x, x, q)
	m.mul(q, z2, num(7.0376836292e-2))
	m.mul(q, q, z2)
	m.add(x, x, q)
	m.mul(x, x, f)
	m.mul(x, x, z)
	m.mul(q, z, num(.5))
	m.sub(x, x, q)
	m.add(x, x, f)
	m.mul(e, e, num(math.Ln2))
	m.add(x, x, e)
}

// The bits of √½, and what brings it to 1.
const (
	halfRoot  = 0x3f3504f3
	rootShift = 0x3f800000 - halfRoot
)

// gates writes what multiplies by a sigmoid.
func gates(m machine) {
	function(m, "sigmoid", "computes y[i] = 1/(1+exp(-x[i])).", "",
		"func(y, x []float32) { ƒ(len(y), &y[0], &x[0]) }",
		[]param{{"n", "int", count}, {"y", "*float32", ptr(0)}, {"x", "*float32", ptr(1)}}, func() {
			m.loop(2, func(l lanes) {
				m.load(l, 1, 0)
				onePlusExp(m)
				m.set(1, num(1))
				m.div(0, 1, 0)
				m.store(l, 0, 0)
			})
			m.ret()
		})
	function(m, "gateBackward", "computes du[i] = dy[i]·s[i]·o[i]·(1-s[i]) and then dy[i] *= s[i].", "",
		"func(dy, du, o, s []float32) { ƒ(len(dy), &dy[0], &du[0], &o[0], &s[0]) }",
		[]param{{"n", "int", count}, {"dy", "*float32", ptr(0)}, {"du", "*float32", ptr(1)}, {"o", "*float32", ptr(2)}, {"s", "*float32", ptr(3)}}, func() {
			m.loop(2, func(l lanes) {
				m.load(l, 0, 0)
				m.load(l, 3, 1)
				m.load(l, 2, 2)
				m.mul(0, 0, vec(1))
				m.subFrom(3, 1, 1)
				m.mul(2, 0, vec(2))
				m.mul(2, 2, vec(3))
				m.store(l, 2, 1)
				m.store(l, 0, 0)
			})
			m.ret()
		})
	function(m, "swiGLU", "computes y[i] = a[i]/(1+exp(-a[i]))·b[i].", "",
		"func(y, a, b []float32) { ƒ(len(y), &y[0], &a[0], &b[0]) }",
		[]param{{"n", "int", count}, {"y", "*float32", ptr(0)}, {"a", "*float32", ptr(1)}, {"b", "*float32", ptr(2)}}, func() {
			m.loop(2, func(l lanes) {
				m.load(l, 1, 0)
				m.set(5, vec(0))
				onePlusExp(m)
				m.div(0, 5, 0)
				m.load(l, 2, 1)
				m.mul(0, 0, vec(1))
				m.store(l, 0, 0)
			})
			m.ret()
		})
	function(m, "swiGLUBackward", "computes the gradients da and db of swiGLU for dy.", "",
		"func(da, db, dy, a, b []float32) { ƒ(len(dy), &da[0], &db[0], &dy[0], &a[0], &b[0]) }",
		[]param{{"n", "int", count}, {"da", "*float32", ptr(0)}, {"db", "*float32", ptr(1)}, {"dy", "*float32", ptr(2)},
			{"a", "*float32", ptr(3)}, {"b", "*float32", ptr(4)}}, func() { swiGLUBackward(m) })
}

func swiGLUBackward(m machine) {
	m.loop(1, func(l lanes) {
		m.load(l, 3, 0)
		m.set(5, vec(0))
		onePlusExp(m)
		m.set(6, num(1))
		m.div(1, 6, 0) // s
		m.load(l, 2, 2)
		m.load(l, 4, 3)
		m.mul(4, 5, vec(1)) // a·s
		m.mul(4, 2, vec(4))
		m.sub(7, 6, 1)
		m.mulTo(7, 5, vec(6)) // 1 + a·(1-s)
		m.mul(2, 2, vec(3))
		m.mul(2, 2, vec(1))
		m.mul(2, 2, vec(7))
		m.store(l, 4, 1)
		m.store(l, 2, 0)
	})
	m.ret()
}

// onePlusExp replaces 0 by 1+exp(-0). It uses 1 to 3.
func onePlusExp(m machine) {
	m.negate(0)
	exp(m, 0, 1, 2, 3)
	m.add(0, 0, num(1))
}
