package generate

// norms writes normalisation of layers and of vectors. A row is read several
// times, from the cache.
func norms(m machine) {
	function(m, "layerNorm", "normalises rows of d floats; inv is 1/d.", "",
		`func(y, x, gain, bias, mean, rstd []float32, rows, d int) {
			ƒ(&y[0], &x[0], &gain[0], &bias[0], &mean[0], &rstd[0], rows, d, 1/float32(d))
		}`,
		[]param{{"y", "*float32", ptr(0)}, {"x", "*float32", ptr(1)}, {"gain", "*float32", ptr(2)}, {"bias", "*float32", ptr(3)},
			{"mean", "*float32", ptr(4)}, {"rstd", "*float32", ptr(5)}, {"rows", "int", nil}, {"d", "int", width},
			{"inv", "float32", vec(14)}}, func() { layerNorm(m) })
	function(m, "layerNormBackward", "adds the gradients of layerNorm for dy to dx, dgain and dbias.", "",
		`func(dx, dgain, dbias, dy, x, gain, mean, rstd []float32, rows, d int) {
			ƒ(&dx[0], &dgain[0], &dbias[0], &dy[0], &x[0], &gain[0], &mean[0], &rstd[0], rows, d, 1/float32(d))
		}`,
		[]param{{"dx", "*float32", ptr(0)}, {"dgain", "*float32", ptr(4)}, {"dbias", "*float32", ptr(5)}, {"dy", "*float32", ptr(2)},
			{"x", "*float32", ptr(1)}, {"gain", "*float32", ptr(3)}, {"mean", "*float32", ptr(6)}, {"rstd", "*float32", ptr(7)},
			{"rows", "int", nil}, {"d", "int", width}, {"inv", "float32", vec(14)}}, func() { layerNormBackward(m) })
	function(m, "normalise", "computes y = x·inv, inv = 1/√(Σx²+1e-9), and gives inv.", "float32",
		"func(y, x []float32) float32 { return ƒ(len(x), &y[0], &x[0]) }",
		[]param{{"n", "int", count}, {"y", "*float32", ptr(0)}, {"x", "*float32", ptr(1)}}, func() {
			dot(m, 1, 1)
			m.add(0, 0, num(1e-9))
			inverseRoot(m, 14, 0)
			m.recount("n")
			m.loop(4, func(l lanes) {
				m.load(l, 1, 0)
				m.mul(0, 0, vec(14))
				m.store(l, 0, 0)
			})
			m.give(14)
		})
	function(m, "normaliseBackward", "computes dx += inv·(dy - y·the sum of dy·y).", "",
		"func(dx, dy, y []float32, inv float32) { ƒ(len(dx), &dx[0], &dy[0], &y[0], inv) }",
		[]param{{"n", "int", count}, {"dx", "*float32", ptr(0)}, {"dy", "*float32", ptr(1)}, {"y", "*float32", ptr(2)},
			{"inv", "float32", vec(14)}}, func() {
			dot(m, 1, 2)
			m.set(13, vec(0))
			m.recount("n")
			m.loop(4, func(l lanes) {
				m.load(l, 1, 0)
				m.load(l, 2, 1)
				m.load(l, 0, 2)
				m.mulSub(0, 13, vec(1))
				m.mulAdd(2, 14, vec(0))
				m.store(l, 2, 0)
			})
			m.ret()
		})
}

// inverseRoot makes d 1 / the root of x, and destroys x.
func inverseRoot(m machine, d, x vec) {
	m.sqrt(x, x)
	m.set(d, num(1))
	m.div(d, d, x)
}

func layerNorm(m machine) {
	w := m.text()
	row := w.label("row")
	w.at(row)
	zero := func() {
		m.countWidth()
		for i := range vec(4) {
			m.set(i, num(0))
		}
	}
	zero()
	m.loop(4, func(l lanes) {
		m.load(l, 1, 4)
		m.add(vec(l.u), vec(l.u), vec(4))
	})
	fourTotal(m)
	m.mul(8, 0, vec(14))
	m.storeFirst(8, 4)

	zero()
	m.loop(4, func(l lanes) {
		m.load(l, 1, 4)
		m.sub(4, 4, 8)
		m.drop(l, 4)
		m.mulAdd(vec(l.u), 4, vec(4))
	})
	fourTotal(m)
	m.mul(0, 0, vec(14))
	m.add(0, 0, num(1e-5))
	inverseRoot(m, 9, 0)
	m.storeFirst(9, 5)

	m.countWidth()
	m.loop(4, func(l lanes) {
		m.load(l, 1, 0)
		m.load(l, 2, 1)
		m.load(l, 3, 2)
		m.sub(0, 0, 8)
		m.mul(0, 0, vec(9))
		m.mulTo(0, 1, vec(2))
		m.store(l, 0, 0)
	})
	m.nextRow(0, 1)
	m.nextFloat(4, 5)
	m.again(row, "rows")
	m.ret()
}

func layerNormBackward(m machine) {
	w := m.text()
	row := w.label("row")
	w.at(row)
	m.loadAll(6, 8)
	m.loadAll(7, 9)
	// load leaves (x-mean)·rstd in 0, dy in 1, dy·gain in 2.
	load := func(l lanes) {
		m.load(l, 1, 0)
		m.load(l, 2, 1)
		m.load(l, 3, 2)
		m.sub(0, 0, 8)
		m.mul(0, 0, vec(9))
		m.mul(2, 2, vec(1))
	}
	m.countWidth()
	m.set(10, num(0))
	m.set(11, num(0))
	m.loop(2, func(l lanes) {
		load(l)
		m.add(10, 10, vec(2))
		m.mulAdd(11, 2, vec(0))
		m.load(l, 4, 3)
		m.mulAdd(3, 1, vec(0))
		m.store(l, 3, 4)
		m.load(l, 5, 4)
		m.add(4, 4, vec(1))
		m.store(l, 4, 5)
	})
	for _, sum := range []vec{10, 11} {
		m.total(4, sum)
		m.mul(sum, sum, vec(14))
	}
	m.countWidth()
	m.loop(2, func(l lanes) {
		load(l)
		m.sub(2, 2, 10)
		m.mulSub(2, 11, vec(0))
		m.load(l, 0, 3)
		m.mulAdd(3, 9, vec(2))
		m.store(l, 3, 0)
	})
	m.nextRow(0, 1, 2)
	m.nextFloat(6, 7)
	m.again(row, "rows")
	m.ret()
}
