package generate

// halves writes what rounds to bfloat16 and widens it again.
func halves(m machine) {
	function(m, "roundHalf", "rounds x[i] to the nearest number of bfloat16.", "",
		"func(x []float32) { ƒ(len(x), &x[0]) }",
		[]param{{"n", "int", count}, {"x", "*float32", ptr(0)}}, func() {
			m.loop(4, func(l lanes) {
				m.load(l, 0, 0)
				m.shiftLeft(1, 0, 15)
				m.shiftRight(1, 1, 31) // the last bit that stays
				m.addInt(0, 0, vec(1))
				m.addInt(0, 0, word(0x7fff))
				upperHalf(m, 0)
				m.store(l, 0, 0)
			})
			m.ret()
		})
	function(m, "widen", "puts the lower half of x[i] into low[i] and its upper half into high[i].", "",
		"func(y []float32, x []uint32) { ƒ(len(x), &x[0], &y[0], &y[len(x)]) }",
		[]param{{"n", "int", count}, {"x", "*uint32", ptr(0)}, {"low", "*float32", ptr(1)}, {"high", "*float32", ptr(2)}}, func() {
			m.loop(4, func(l lanes) {
				m.load(l, 0, 0)
				m.shiftLeft(1, 0, 16)
				m.store(l, 1, 1)
				upperHalf(m, 0)
				m.store(l, 0, 2)
			})
			m.ret()
		})
}

// upperHalf clears the lower half of all words of v.
func upperHalf(m machine, v vec) {
	m.shiftRight(v, v, 16)
	m.shiftLeft(v, v, 16)
}
