package generate

import "math"

// surveys writes what looks over scores.
func surveys(m machine) {
	survey(m, "survey", "gives the largest x[i] and the sum of exp(x[i]-shift), and sets the bits of the elements x[i] ≥ least.",
		"func(marks []uint64, x []float32, least, shift float32) (largest, sum float32) { var out [2]float32; ƒ(len(x), &x[0], &out[0], &marks[0], least, shift); return out[0], out[1] }",
		false)
	survey(m, "addSurvey", "computes x[i] += extra[i] and does what survey does.",
		"func(marks []uint64, x, extra []float32, least, shift float32) (largest, sum float32) { var out [2]float32; ƒ(len(x), &x[0], &extra[0], &out[0], &marks[0], least, shift); return out[0], out[1] }",
		true)
}

// belowPower is the bits of the largest float32 below 128: two to the power of more is
// infinite.
const belowPower = 0x42ffffff

// powerTerms are what the twin multiplies the powers of a fraction with, the highest
// first.
var powerTerms = [...]num{0.0135341679, 0.0520114606, 0.241442757, 0.693003834, 1.00000259}

// survey writes one of the loops, with what is added or without. Registers 10 and 11
// have the largest so far, 12 and 13 the sums, 4 to 7 most of powerTerms, 9 log₂e and
// 14 -shift·log₂e. Lanes beyond the end are -Inf for the one and 0 for the other.
func survey(m machine, name, comment, wire string, added bool) {
	params := []param{{"n", "int", count}, {"x", "*float32", ptr(0)}}
	if added {
		params = append(params, param{"extra", "*float32", ptr(1)})
	}
	params = append(params, param{"out", "*float32", ptr(2)}, param{"marks", "*uint64", ptr(3)},
		param{"least", "float32", vec(8)}, param{"shift", "float32", vec(14)})
	function(m, name, comment, "", wire, params, func() {
		for u := range vec(2) {
			m.set(10+u, num(math.Inf(-1)))
			m.set(12+u, num(0))
		}
		for i := range vec(4) {
			m.set(4+i, powerTerms[1+i])
		}
		m.set(9, num(math.Log2E))
		m.mul(14, 14, vec(9))
		m.negate(14)
		m.beginMarks()
		m.loop(2, func(l lanes) {
			m.load(l, 0, 0)
			if added {
				m.load(l, 1, 1)
				m.add(0, 0, vec(1))
				m.store(l, 0, 0)
			}
			m.dropTo(l, 0, num(math.Inf(-1)), 1)
			m.mark(l, 0, 8, 1, 3)
			m.larger(10+vec(l.u), 0)
			m.mulTo(0, 9, vec(14))
			m.fraction(1, 0)
			m.set(2, powerTerms[0])
			for i := range vec(4) {
				m.mulTo(2, 1, 4+i)
			}
			m.scalePower(2, 0, 3)
			m.drop(l, 2)
			m.add(12+vec(l.u), 12+vec(l.u), vec(2))
		})
		m.endMarks(3)
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
