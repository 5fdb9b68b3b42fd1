package kernel

import "golang.org/x/sys/cpu"

// native lists the paths in assembly that this machine can use.
func native() []path {
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA { // both ask the operating system, too
		return []path{avx2}
	}
	return nil
}

// avx2 is the path for AVX2 and FMA. Its functions take pointers; what is here
// turns slices into them.
var avx2 = path{
	name:     "avx2",
	matMul:   matMulAVX2,
	dot:      func(a, b []float32) float32 { return dotAVX2(len(a), &a[0], &b[0]) },
	axpy:     func(y []float32, s float32, x []float32) { axpyAVX2(len(x), &y[0], &x[0], s) },
	scale:    func(x []float32, s float32) { scaleAVX2(len(x), &x[0], s) },
	multiply: func(y, a, b []float32) { multiplyAVX2(len(y), &y[0], &a[0], &b[0]) },
	max:      func(x []float32) float32 { return maxAVX2(len(x), &x[0]) },
	expSum: func(x []float32, scale, shift float32) float32 {
		return expSumAVX2(len(x), &x[0], scale, shift)
	},
	softmaxBackward: func(dp, p []float32) { softmaxBackwardAVX2(len(dp), &dp[0], &p[0]) },
	layerNorm: func(y, x, gain, bias, mean, rstd []float32, rows, d int) {
		layerNormAVX2(&y[0], &x[0], &gain[0], &bias[0], &mean[0], &rstd[0], rows, d, 1/float32(d))
	},
	layerNormBackward: func(dx, dgain, dbias, dy, x, gain, mean, rstd []float32, rows, d int) {
		layerNormBackwardAVX2(&dx[0], &dgain[0], &dbias[0], &dy[0], &x[0], &gain[0], &mean[0], &rstd[0], rows, d, 1/float32(d))
	},
	normalise: func(y, x []float32) float32 { return normaliseAVX2(len(x), &y[0], &x[0]) },
	normaliseBackward: func(dx, dy, y []float32, inv float32) {
		normaliseBackwardAVX2(len(dx), &dx[0], &dy[0], &y[0], inv)
	},
	swiGLU: func(y, a, b []float32) { swiGLUAVX2(len(y), &y[0], &a[0], &b[0]) },
	swiGLUBackward: func(da, db, dy, a, b []float32) {
		swiGLUBackwardAVX2(len(dy), &da[0], &db[0], &dy[0], &a[0], &b[0])
	},
	sigmoid:      func(y, x []float32) { sigmoidAVX2(len(y), &y[0], &x[0]) },
	gateBackward: func(dy, du, o, s []float32) { gateBackwardAVX2(len(dy), &dy[0], &du[0], &o[0], &s[0]) },
	dropout: func(y, x []float32, m mask) {
		dropoutAVX2(len(y), &y[0], &x[0], m.scale, m.limit, m.first, m.key0, m.key1)
	},
	adam: func(w, m, v, g []float32, s adamScalars) {
		adamAVX2(len(w), &w[0], &m[0], &v[0], &g[0],
			s.scale, s.keep1, s.take1, s.keep2, s.take2, s.rate, s.correct, s.eps, s.shrink)
	},
}
