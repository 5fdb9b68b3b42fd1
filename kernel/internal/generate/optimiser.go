package generate

// optimisers writes what training needs beside the layers.
func optimisers(m machine) {
	function(m, "adam", "is one step of AdamW; the scalars are those of AdamUpdate.", "",
		`func(w, m, v, g []float32, s AdamUpdate) {
			ƒ(len(w), &w[0], &m[0], &v[0], &g[0],
				s.scale, s.keep1, s.take1, s.keep2, s.take2, s.rate, s.correct, s.eps, s.shrink)
		}`,
		[]param{{"n", "int", count}, {"w", "*float32", ptr(0)}, {"m", "*float32", ptr(1)}, {"v", "*float32", ptr(2)}, {"grad", "*float32", ptr(3)},
			{"scale", "float32", vec(5)}, {"keep1", "float32", vec(6)}, {"take1", "float32", vec(7)}, {"keep2", "float32", vec(8)},
			{"take2", "float32", vec(9)}, {"rate", "float32", vec(10)}, {"correct", "float32", vec(11)}, {"eps", "float32", vec(12)},
			{"shrink", "float32", vec(13)}}, func() { adam(m) })
	function(m, "dropout", "keeps x[i]·scale where the hash of first+i is limit or more, else gives 0.", "",
		"func(y, x []float32, m mask) { ƒ(len(y), &y[0], &x[0], m.scale, m.limit, m.first, m.key0, m.key1) }",
		[]param{{"n", "int", count}, {"y", "*float32", ptr(0)}, {"x", "*float32", ptr(1)}, {"scale", "float32", vec(14)},
			{"limit", "uint32", vec(13)}, {"first", "uint32", vec(12)}, {"key0", "uint32", vec(11)}, {"key1", "uint32", vec(10)}},
		func() { dropout(m) })
}

func adam(m machine) {
	m.loop(2, func(l lanes) {
		m.load(l, 3, 0)
		m.load(l, 1, 1)
		m.load(l, 2, 2)
		m.mul(0, 0, vec(5))
		m.mul(1, 1, vec(6))
		m.mulAdd(1, 7, vec(0))
		m.mul(0, 0, vec(0))
		m.mul(2, 2, vec(8))
		m.mulAdd(2, 9, vec(0))
		m.store(l, 1, 1)
		m.store(l, 2, 2)
		m.mul(2, 2, vec(11))
		m.sqrt(2, 2)
		m.add(2, 2, vec(12))
		m.mul(1, 1, vec(10))
		m.div(1, 1, 2)
		m.load(l, 0, 0)
		m.mulToLess(0, 13, 1) // w·shrink - step
		m.store(l, 0, 0)
	})
	m.ret()
}

func dropout(m machine) {
	m.addInt(12, 12, counting{})
	m.loop(2, func(l lanes) {
		m.xor(0, 12, vec(11))
		m.shiftRight(1, 0, 16)
		m.xor(0, 0, vec(1))
		m.mulInt(0, 0, word(0x7feb352d))
		m.shiftRight(1, 0, 15)
		m.xor(0, 0, vec(1))
		m.addInt(0, 0, vec(10))
		m.mulInt(0, 0, word(0x846ca68b))
		m.shiftRight(1, 0, 16)
		m.xor(0, 0, vec(1))
		m.shiftRight(0, 0, 8)
		m.load(l, 1, 1)
		m.mul(1, 1, vec(14))
		m.zeroWhereLess(1, 0, 13, 2)
		m.store(l, 1, 0)
		m.addInt(12, 12, m.text().step(l))
	})
	m.ret()
}
