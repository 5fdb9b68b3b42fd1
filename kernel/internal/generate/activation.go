package generate

import "math"

// exp replaces the lanes of x by e to their power, with the steps and constants
// of the plain twin. It uses s0, s1 and s2.
func exp(w *writer, x, s0, s1, s2 string) {
	n, r, p := s0, s1, s2
	w.op("VMULPS", w.constant(math.Log2E), x, n)
	w.op("VROUNDPS", "$8", n, n)
	w.op("VMOVAPS", x, r)
	w.op("VFNMADD231PS", w.constant(0.693359375), n, r)
	w.op("VFNMADD231PS", w.constant(-2.12194440e-4), n, r)
	w.op("VMOVUPS", w.constant(1.9875691500e-4), p)
	for _, c := range []float64{1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1} {
		w.op("VFMADD213PS", w.constant(c), r, p)
	}
	w.op("VMULPS", r, p, p)
	w.op("VFMADD213PS", r, r, p) // r·(p·r) + r
	w.op("VADDPS", w.constant(1), p, p)
	w.op("VCVTPS2DQ", n, n)
	w.op("VPSLLD", "$23", n, n)
	w.op("VPADDD", n, p, p) // into the exponent; a NaN stays one
	w.op("VCMPPS", "$0x11", w.constant(-87), x, n)
	w.op("VANDNPS", p, n, p)
	w.op("VCMPPS", "$0x1e", w.words(repeat(0x42b17217)), x, n)
	w.op("VBLENDVPS", n, w.constant(math.Inf(1)), p, x)
}

// activations writes what is made of the exponential.
func activations(w *writer) {
	w.function("expSumAVX2", "computes x[i] = exp(x[i]·scale + shift) and gives the sum.", true,
		[]param{{"n", "int", "CX"}, {"x", "*float32", "SI"}, {"scale", "float32", "Y13"}, {"shift", "float32", "Y14"}}, func() {
			w.zero("Y12")
			w.loop(2, func(l lanes) {
				l.load("SI", "Y0")
				w.op("VFMADD213PS", "Y14", "Y13", "Y0")
				exp(w, "Y0", "Y1", "Y2", "Y3")
				l.store("Y0", "SI")
				l.drop("Y0")
				w.op("VADDPS", "Y0", "Y12", "Y12")
			})
			w.total("Y0", "Y12")
			w.op("VMOVSS", "X12", "ret+24(FP)")
			w.ret()
		})
	w.function("softmaxBackwardAVX2", "computes dp[i] = p[i]·(dp[i] - the sum of p·dp).", false,
		[]param{{"n", "int", "CX"}, {"dp", "*float32", "DI"}, {"p", "*float32", "SI"}}, func() {
			dot(w, "SI", "DI")
			w.op("VBROADCASTSS", "X0", "Y14")
			w.op("MOVQ", "n+0(FP)", "CX")
			w.loop(4, func(l lanes) {
				l.load("DI", "Y0")
				l.load("SI", "Y1")
				w.op("VSUBPS", "Y14", "Y0", "Y0")
				w.op("VMULPS", "Y1", "Y0", "Y0")
				l.store("Y0", "DI")
			})
			w.ret()
		})
	w.function("sigmoidAVX2", "computes y[i] = 1/(1+exp(-x[i])).", false,
		[]param{{"n", "int", "CX"}, {"y", "*float32", "DI"}, {"x", "*float32", "SI"}}, func() {
			w.loop(2, func(l lanes) {
				l.load("SI", "Y0")
				onePlusExp(w)
				w.op("VMOVUPS", w.constant(1), "Y1")
				w.op("VDIVPS", "Y0", "Y1", "Y0")
				l.store("Y0", "DI")
			})
			w.ret()
		})
	w.function("gateBackwardAVX2", "computes du[i] = dy[i]·s[i]·o[i]·(1-s[i]) and then dy[i] *= s[i].", false,
		[]param{{"n", "int", "CX"}, {"dy", "*float32", "DI"}, {"du", "*float32", "DX"}, {"o", "*float32", "SI"}, {"s", "*float32", "R8"}}, func() {
			w.loop(2, func(l lanes) {
				l.load("DI", "Y0")
				l.load("R8", "Y1")
				l.load("SI", "Y2")
				w.op("VMULPS", "Y1", "Y0", "Y0")
				w.op("VMOVUPS", w.constant(1), "Y3")
				w.op("VSUBPS", "Y1", "Y3", "Y3")
				w.op("VMULPS", "Y2", "Y0", "Y2")
				w.op("VMULPS", "Y3", "Y2", "Y2")
				l.store("Y2", "DX")
				l.store("Y0", "DI")
			})
			w.ret()
		})
	w.function("swiGLUAVX2", "computes y[i] = a[i]/(1+exp(-a[i]))·b[i].", false,
		[]param{{"n", "int", "CX"}, {"y", "*float32", "DI"}, {"a", "*float32", "SI"}, {"b", "*float32", "DX"}}, func() {
			w.loop(2, func(l lanes) {
				l.load("SI", "Y0")
				w.op("VMOVAPS", "Y0", "Y5")
				onePlusExp(w)
				w.op("VDIVPS", "Y0", "Y5", "Y0")
				l.load("DX", "Y1")
				w.op("VMULPS", "Y1", "Y0", "Y0")
				l.store("Y0", "DI")
			})
			w.ret()
		})
	w.function("swiGLUBackwardAVX2", "computes the gradients da and db of swiGLU for dy.", false,
		[]param{{"n", "int", "CX"}, {"da", "*float32", "DI"}, {"db", "*float32", "R8"}, {"dy", "*float32", "R9"},
			{"a", "*float32", "SI"}, {"b", "*float32", "DX"}}, func() {
			w.loop(1, func(l lanes) {
				l.load("SI", "Y0")
				w.op("VMOVAPS", "Y0", "Y5")
				onePlusExp(w)
				w.op("VMOVUPS", w.constant(1), "Y6")
				w.op("VDIVPS", "Y0", "Y6", "Y1") // s
				l.load("R9", "Y2")
				l.load("DX", "Y3")
				w.op("VMULPS", "Y1", "Y5", "Y4") // a·s
				w.op("VMULPS", "Y4", "Y2", "Y4")
				w.op("VSUBPS", "Y1", "Y6", "Y7")
				w.op("VFMADD213PS", "Y6", "Y5", "Y7") // 1 + a·(1-s)
				w.op("VMULPS", "Y3", "Y2", "Y2")
				w.op("VMULPS", "Y1", "Y2", "Y2")
				w.op("VMULPS", "Y7", "Y2", "Y2")
				l.store("Y4", "R8")
				l.store("Y2", "DI")
			})
			w.ret()
		})
}

// onePlusExp replaces Y0 by 1+exp(-Y0). It uses Y1 to Y3.
func onePlusExp(w *writer) {
	w.op("VXORPS", w.integer(1<<31), "Y0", "Y0")
	exp(w, "Y0", "Y1", "Y2", "Y3")
	w.op("VADDPS", w.constant(1), "Y0", "Y0")
}
