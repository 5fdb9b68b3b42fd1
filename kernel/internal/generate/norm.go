package generate

// norms writes normalisation of layers and of vectors. A row is read several
// times, from the cache.
func norms(w *writer) {
	w.function("layerNormAVX2", "normalises rows of d floats; inv is 1/d.", false,
		[]param{{"y", "*float32", "DI"}, {"x", "*float32", "SI"}, {"gain", "*float32", "R8"}, {"bias", "*float32", "R9"},
			{"mean", "*float32", "R10"}, {"rstd", "*float32", "R11"}, {"rows", "int", "R12"}, {"d", "int", "R13"},
			{"inv", "float32", "Y14"}}, func() { layerNorm(w) })
	w.function("layerNormBackwardAVX2", "adds the gradients of layerNorm for dy to dx, dgain and dbias.", false,
		[]param{{"dx", "*float32", "DI"}, {"dgain", "*float32", "R9"}, {"dbias", "*float32", "R10"}, {"dy", "*float32", "DX"},
			{"x", "*float32", "SI"}, {"gain", "*float32", "R8"}, {"mean", "*float32", "R11"}, {"rstd", "*float32", "R12"},
			{"rows", "int", ""}, {"d", "int", "R13"}, {"inv", "float32", "Y14"}}, func() { layerNormBackward(w) })
	w.function("normaliseAVX2", "computes y = x·inv, inv = 1/√(Σx²+1e-9), and gives inv.", true,
		[]param{{"n", "int", "CX"}, {"y", "*float32", "DI"}, {"x", "*float32", "SI"}}, func() {
			dot(w, "SI", "SI")
			w.op("VADDSS", w.constant(1e-9), "X0", "X0")
			inverseRoot(w)
			w.op("VMOVSS", "X0", "ret+24(FP)")
			w.op("VBROADCASTSS", "X0", "Y14")
			w.op("MOVQ", "n+0(FP)", "CX")
			w.loop(4, func(l lanes) {
				l.load("SI", "Y0")
				w.op("VMULPS", "Y14", "Y0", "Y0")
				l.store("Y0", "DI")
			})
			w.ret()
		})
	w.function("normaliseBackwardAVX2", "computes dx += inv·(dy - y·the sum of dy·y).", false,
		[]param{{"n", "int", "CX"}, {"dx", "*float32", "DI"}, {"dy", "*float32", "SI"}, {"y", "*float32", "DX"},
			{"inv", "float32", "Y14"}}, func() {
			dot(w, "SI", "DX")
			w.op("VBROADCASTSS", "X0", "Y13")
			w.op("MOVQ", "n+0(FP)", "CX")
			w.loop(4, func(l lanes) {
				l.load("SI", "Y0")
				l.load("DX", "Y1")
				l.load("DI", "Y2")
				w.op("VFNMADD231PS", "Y1", "Y13", "Y0")
				w.op("VFMADD231PS", "Y0", "Y14", "Y2")
				l.store("Y2", "DI")
			})
			w.ret()
		})
}

// inverseRoot replaces the first lane of Y0 by 1 / its root. It uses Y1.
func inverseRoot(w *writer) {
	w.op("VSQRTSS", "X0", "X0", "X0")
	w.op("VMOVSS", w.constant(1), "X1")
	w.op("VDIVSS", "X0", "X1", "X0")
}

func layerNorm(w *writer) {
	row := w.label("row")
	w.at(row)
	w.op("MOVQ", "R13", "CX")
	w.zero("Y0", "Y1", "Y2", "Y3")
	w.loop(4, func(l lanes) {
		l.load("SI", "Y4")
		w.op("VADDPS", "Y4", y(l.u), y(l.u))
	})
	w.total("Y4", "Y0", "Y1", "Y2", "Y3")
	w.op("VMULSS", "X14", "X0", "X0")
	w.op("VMOVSS", "X0", "(R10)")
	w.op("VBROADCASTSS", "X0", "Y8")

	w.op("MOVQ", "R13", "CX")
	w.zero("Y0", "Y1", "Y2", "Y3")
	w.loop(4, func(l lanes) {
		l.load("SI", "Y4")
		w.op("VSUBPS", "Y8", "Y4", "Y4")
		l.drop("Y4")
		w.op("VFMADD231PS", "Y4", "Y4", y(l.u))
	})
	w.total("Y4", "Y0", "Y1", "Y2", "Y3")
	w.op("VMULSS", "X14", "X0", "X0")
	w.op("VADDSS", w.constant(1e-5), "X0", "X0")
	inverseRoot(w)
	w.op("VMOVSS", "X0", "(R11)")
	w.op("VBROADCASTSS", "X0", "Y9")

	w.op("MOVQ", "R13", "CX")
	w.loop(4, func(l lanes) {
		l.load("SI", "Y0")
		l.load("R8", "Y1")
		l.load("R9", "Y2")
		w.op("VSUBPS", "Y8", "Y0", "Y0")
		w.op("VMULPS", "Y9", "Y0", "Y0")
		w.op("VFMADD213PS", "Y2", "Y1", "Y0")
		l.store("Y0", "DI")
	})
	w.op("LEAQ", "(SI)(R13*4)", "SI")
	w.op("LEAQ", "(DI)(R13*4)", "DI")
	w.op("ADDQ", "$4", "R10")
	w.op("ADDQ", "$4", "R11")
	w.op("DECQ", "R12")
	w.op("JNZ", row)
	w.ret()
}

func layerNormBackward(w *writer) {
	row := w.label("row")
	w.at(row)
	w.op("VBROADCASTSS", "(R11)", "Y8")
	w.op("VBROADCASTSS", "(R12)", "Y9")
	// load leaves (x-mean)·rstd in Y0, dy in Y1, dy·gain in Y2.
	load := func(l lanes) {
		l.load("SI", "Y0")
		l.load("DX", "Y1")
		l.load("R8", "Y2")
		w.op("VSUBPS", "Y8", "Y0", "Y0")
		w.op("VMULPS", "Y9", "Y0", "Y0")
		w.op("VMULPS", "Y1", "Y2", "Y2")
	}
	w.op("MOVQ", "R13", "CX")
	w.zero("Y10", "Y11")
	w.loop(2, func(l lanes) {
		load(l)
		w.op("VADDPS", "Y2", "Y10", "Y10")
		w.op("VFMADD231PS", "Y0", "Y2", "Y11")
		l.load("R9", "Y3")
		w.op("VFMADD231PS", "Y0", "Y1", "Y3")
		l.store("Y3", "R9")
		l.load("R10", "Y4")
		w.op("VADDPS", "Y1", "Y4", "Y4")
		l.store("Y4", "R10")
	})
	for _, sum := range []string{"Y10", "Y11"} {
		w.total("Y4", sum)
		w.op("VMULSS", "X14", low(sum), low(sum))
		w.op("VBROADCASTSS", low(sum), sum)
	}
	w.op("MOVQ", "R13", "CX")
	w.loop(2, func(l lanes) {
		load(l)
		w.op("VSUBPS", "Y10", "Y2", "Y2")
		w.op("VFNMADD231PS", "Y0", "Y11", "Y2")
		l.load("DI", "Y3")
		w.op("VFMADD231PS", "Y2", "Y9", "Y3")
		l.store("Y3", "DI")
	})
	for _, p := range []string{"SI", "DI", "DX"} {
		w.op("LEAQ", "("+p+")(R13*4)", p)
	}
	w.op("ADDQ", "$4", "R11")
	w.op("ADDQ", "$4", "R12")
	w.op("DECQ", "rows+64(FP)")
	w.op("JNZ", row)
	w.ret()
}
