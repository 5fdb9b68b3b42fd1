package generate

import "math"

// vectors writes the loops of linear algebra over one or two slices.
func vectors(w *writer) {
	w.function("dotAVX2", "gives the sum of a[i]·b[i].", true,
		[]param{{"n", "int", "CX"}, {"a", "*float32", "SI"}, {"b", "*float32", "DI"}}, func() {
			dot(w, "SI", "DI")
			w.op("VMOVSS", "X0", "ret+24(FP)")
			w.ret()
		})
	w.function("axpyAVX2", "computes y[i] += s·x[i].", false,
		[]param{{"n", "int", "CX"}, {"y", "*float32", "DI"}, {"x", "*float32", "SI"}, {"s", "float32", "Y14"}}, func() {
			w.loop(4, func(l lanes) {
				l.load("SI", "Y0")
				l.load("DI", "Y1")
				w.op("VFMADD231PS", "Y0", "Y14", "Y1")
				l.store("Y1", "DI")
			})
			w.ret()
		})
	w.function("scaleAVX2", "computes x[i] *= s.", false,
		[]param{{"n", "int", "CX"}, {"x", "*float32", "SI"}, {"s", "float32", "Y14"}}, func() {
			w.loop(4, func(l lanes) {
				l.load("SI", "Y0")
				w.op("VMULPS", "Y14", "Y0", "Y0")
				l.store("Y0", "SI")
			})
			w.ret()
		})
	w.function("multiplyAVX2", "computes y[i] = a[i]·b[i].", false,
		[]param{{"n", "int", "CX"}, {"y", "*float32", "DI"}, {"a", "*float32", "SI"}, {"b", "*float32", "DX"}}, func() {
			w.loop(4, func(l lanes) {
				l.load("SI", "Y0")
				l.load("DX", "Y1")
				w.op("VMULPS", "Y1", "Y0", "Y0")
				l.store("Y0", "DI")
			})
			w.ret()
		})
	w.function("maxAVX2", "gives the largest x[i] that is no NaN, or -Inf.", true,
		[]param{{"n", "int", "CX"}, {"x", "*float32", "SI"}}, func() { maximum(w) })
}

// dot leaves the product of CX floats at two pointers in the first lane of Y0.
// It uses Y0 to Y4.
func dot(w *writer, a, b string) {
	w.zero("Y0", "Y1", "Y2", "Y3")
	w.loop(4, func(l lanes) {
		l.load(a, "Y4")
		if l.masked {
			l.load(b, "Y5")
			w.op("VFMADD231PS", "Y5", "Y4", "Y0")
		} else {
			w.op("VFMADD231PS", l.place(b), "Y4", y(l.u))
		}
	})
	w.total("Y4", "Y0", "Y1", "Y2", "Y3")
}

func maximum(w *writer) {
	for i := range 4 {
		w.op("VMOVUPS", w.constant(math.Inf(-1)), y(i))
	}
	w.loop(4, func(l lanes) {
		l.load("SI", "Y4")
		if l.masked {
			w.op("VMOVUPS", w.constant(math.Inf(-1)), "Y5")
			w.op("VBLENDVPS", "Y15", "Y4", "Y5", "Y4")
		}
		w.op("VMAXPS", y(l.u), "Y4", y(l.u)) // of a NaN and the maximum this gives the maximum
	})
	w.op("VMAXPS", "Y1", "Y0", "Y0")
	w.op("VMAXPS", "Y3", "Y2", "Y2")
	w.op("VMAXPS", "Y2", "Y0", "Y0")
	w.op("VEXTRACTF128", "$1", "Y0", "X1")
	w.op("VMAXPS", "X1", "X0", "X0")
	w.op("VMOVHLPS", "X0", "X0", "X1")
	w.op("VMAXPS", "X1", "X0", "X0")
	w.op("VMOVSHDUP", "X0", "X1")
	w.op("VMAXSS", "X1", "X0", "X0")
	w.op("VMOVSS", "X0", "ret+16(FP)")
	w.ret()
}
