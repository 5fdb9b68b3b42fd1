package generate

import "math"

// surveys writes what looks over scores.
func surveys(m machine) {
	sumExp(m, "sumExp", "gives the largest x[i] and the sum of exp(x[i]-shift).",
		"func(x []float32, shift float32) (largest, sum float32) { var out [2]float32; ƒ(len(x), &x[0], &out[0], shift); return out[0], out[1] }",
		false)
	sumExp(m, "addSumExp", "computes x[i] += extra[i] and gives the largest x[i] and the sum of exp(x[i]-shift).",
		"func(x, extra []float32, shift float32) (largest, sum float32) { var out [2]float32; ƒ(len(x), &x[0], &extra[0], &out[0], shift); return out[0], out[1] }",
		true)
	function(m, "mark", "sets the bits of the elements x[i] ≥ least.", "",
		"func(marks []uint64, x []float32, least float32) { ƒ(len(x), &x[0], &marks[0], least) }",
		[]param{{"n", "int", count}, {"x", "*float32", ptr(0)}, {"marks", "*uint64", ptr(1)}, {"least", "float32", vec(14)}}, m.markAll)
}

// sumExp writes one of the loops, with what is added or without. Registers 10 and 11
// have the largest so far, 12 and 13 the sums. Lanes beyond the end are
// -Inf for the one and 0 for the other.
func sumExp(m machine, name, comment, wire string, added bool) {
	params := []param{{"n", "int", count}, {"x", "*float32", ptr(0)}}
	if added {
		params = append(params, param{"extra", "*float32", ptr(1)})
	}
	params = append(params, param{"out", "*float32", ptr(2)}, param{"shift", "float32", vec(14)})
	function(m, name, comment, "", wire, params, func() {
		for u := range vec(2) {
			m.set(10+u, num(math.Inf(-1)))
			m.set(12+u, num(0))
		}
		m.loop(2, func(l lanes) {
			m.load(l, 0, 0)
			if added {
				m.load(l, 1, 1)
				m.add(0, 0, vec(1))
				m.store(l, 0, 0)
			}
			m.dropTo(l, 0, num(math.Inf(-1)), 1)
			m.larger(10+vec(l.u), 0)
			m.sub(0, 0, 14)
			exp(m, 0, 1, 2, 3)
			m.drop(l, 0)
			m.add(12+vec(l.u), 12+vec(l.u), vec(0))
		})
		m.larger(10, 11)
		m.largest(0, 10)
		m.storeFirst(10, 2)
		m.nextFloat(2)
		m.add(12, 12, vec(13))
		m.total(0, 12)
		m.storeFirst(12, 2)
		m.ret()
	})
}
