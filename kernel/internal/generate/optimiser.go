package generate

// optimisers writes what training needs beside the layers.
func optimisers(w *writer) {
	w.function("adamAVX2", "is one step of AdamW; the scalars are those of adamScalars.", false,
		[]param{{"n", "int", "CX"}, {"w", "*float32", "DI"}, {"m", "*float32", "SI"}, {"v", "*float32", "DX"}, {"grad", "*float32", "R8"},
			{"scale", "float32", "Y5"}, {"keep1", "float32", "Y6"}, {"take1", "float32", "Y7"}, {"keep2", "float32", "Y8"},
			{"take2", "float32", "Y9"}, {"rate", "float32", "Y10"}, {"correct", "float32", "Y11"}, {"eps", "float32", "Y12"},
			{"shrink", "float32", "Y13"}}, func() {
			w.loop(2, func(l lanes) {
				l.load("R8", "Y0")
				l.load("SI", "Y1")
				l.load("DX", "Y2")
				w.op("VMULPS", "Y5", "Y0", "Y0")
				w.op("VMULPS", "Y6", "Y1", "Y1")
				w.op("VFMADD231PS", "Y0", "Y7", "Y1")
				w.op("VMULPS", "Y0", "Y0", "Y0")
				w.op("VMULPS", "Y8", "Y2", "Y2")
				w.op("VFMADD231PS", "Y0", "Y9", "Y2")
				l.store("Y1", "SI")
				l.store("Y2", "DX")
				w.op("VMULPS", "Y11", "Y2", "Y2")
				w.op("VSQRTPS", "Y2", "Y2")
				w.op("VADDPS", "Y12", "Y2", "Y2")
				w.op("VMULPS", "Y10", "Y1", "Y1")
				w.op("VDIVPS", "Y2", "Y1", "Y1")
				l.load("DI", "Y0")
				w.op("VFMSUB213PS", "Y1", "Y13", "Y0") // w·shrink - step
				l.store("Y0", "DI")
			})
			w.ret()
		})
	w.function("dropoutAVX2", "keeps x[i]·scale where the hash of first+i is limit or more, else gives 0.", false,
		[]param{{"n", "int", "CX"}, {"y", "*float32", "DI"}, {"x", "*float32", "SI"}, {"scale", "float32", "Y14"},
			{"limit", "uint32", "Y13"}, {"first", "uint32", "Y12"}, {"key0", "uint32", "Y11"}, {"key1", "uint32", "Y10"}}, func() {
			w.op("VPADDD", w.words(" 0 1 2 3 4 5 6 7"), "Y12", "Y12")
			w.loop(2, func(l lanes) {
				w.op("VPXOR", "Y11", "Y12", "Y0")
				w.op("VPSRLD", "$16", "Y0", "Y1")
				w.op("VPXOR", "Y1", "Y0", "Y0")
				w.op("VPMULLD", w.integer(0x7feb352d), "Y0", "Y0")
				w.op("VPSRLD", "$15", "Y0", "Y1")
				w.op("VPXOR", "Y1", "Y0", "Y0")
				w.op("VPADDD", "Y10", "Y0", "Y0")
				w.op("VPMULLD", w.integer(0x846ca68b), "Y0", "Y0")
				w.op("VPSRLD", "$16", "Y0", "Y1")
				w.op("VPXOR", "Y1", "Y0", "Y0")
				w.op("VPSRLD", "$8", "Y0", "Y0")
				w.op("VPCMPGTD", "Y0", "Y13", "Y0") // limit > hash
				l.load("SI", "Y1")
				w.op("VMULPS", "Y14", "Y1", "Y1")
				w.op("VANDNPS", "Y1", "Y0", "Y1")
				l.store("Y1", "DI")
				w.op("VPADDD", w.integer(8), "Y12", "Y12")
			})
			w.ret()
		})
}
