package generate

import (
	"math"
	"strings"
)

func replaceName(wire, name string) string { return strings.ReplaceAll(wire, "ƒ", name) }

// vectors writes the loops of linear algebra over one or two slices.
func vectors(m machine) {
	function(m, "dot", "gives the sum of a[i]·b[i].", "float32",
		"func(a, b []float32) float32 { return ƒ(len(a), &a[0], &b[0]) }",
		[]param{{"n", "int", count}, {"a", "*float32", ptr(0)}, {"b", "*float32", ptr(1)}}, func() {
			dot(m, 0, 1)
			m.give(0)
		})
	function(m, "axpy", "computes y[i] += s·x[i].", "",
		"func(y []float32, s float32, x []float32) { ƒ(len(x), &y[0], &x[0], s) }",
		[]param{{"n", "int", count}, {"y", "*float32", ptr(0)}, {"x", "*float32", ptr(1)}, {"s", "float32", vec(14)}}, func() {
			m.loop(4, func(l lanes) {
				m.load(l, 1, 0)
				m.load(l, 0, 1)
				m.mulAdd(1, 14, vec(0))
				m.store(l, 1, 0)
			})
			m.ret()
		})
	function(m, "scale", "computes x[i] *= s.", "",
		"func(x []float32, s float32) { ƒ(len(x), &x[0], s) }",
		[]param{{"n", "int", count}, {"x", "*float32", ptr(0)}, {"s", "float32", vec(14)}}, func() {
			m.loop(4, func(l lanes) {
				m.load(l, 0, 0)
				m.mul(0, 0, vec(14))
				m.store(l, 0, 0)
			})
			m.ret()
		})
	function(m, "multiply", "computes y[i] = a[i]·b[i].", "",
		"func(y, a, b []float32) { ƒ(len(y), &y[0], &a[0], &b[0]) }",
		[]param{{"n", "int", count}, {"y", "*float32", ptr(0)}, {"a", "*float32", ptr(1)}, {"b", "*float32", ptr(2)}}, func() {
			m.loop(4, func(l lanes) {
				m.load(l, 1, 0)
				m.load(l, 2, 1)
				m.mul(0, 0, vec(1))
				m.store(l, 0, 0)
			})
			m.ret()
		})
	function(m, "max", "gives the largest x[i] that is no NaN, or -Inf.", "float32",
		"func(x []float32) float32 { return ƒ(len(x), &x[0]) }",
		[]param{{"n", "int", count}, {"x", "*float32", ptr(0)}}, func() {
			for i := range vec(4) {
				m.set(i, num(math.Inf(-1)))
			}
			m.loop(4, func(l lanes) {
				m.load(l, 0, 4)
				m.dropTo(l, 4, num(math.Inf(-1)), 5)
				m.larger(vec(l.u), 4)
			})
			m.larger(0, 1)
			m.larger(2, 3)
			m.larger(0, 2)
			m.largest(1, 0)
			m.give(0)
		})
}

// dot leaves the product of count floats at two pointers in all lanes of 0. It
// uses the registers 0 to 5.
func dot(m machine, a, b ptr) {
	for i := range vec(4) {
		m.set(i, num(0))
	}
	m.loop(4, func(l lanes) {
		m.load(l, a, 4)
		m.load(l, b, 5)
		m.mulAdd(vec(l.u), 4, vec(5))
	})
	fourTotal(m)
}

// fourTotal leaves the sum of all lanes of 0 to 3 in all lanes of 0.
func fourTotal(m machine) {
	m.add(0, 0, vec(2))
	m.add(1, 1, vec(3))
	m.add(0, 0, vec(1))
	m.total(4, 0)
}
