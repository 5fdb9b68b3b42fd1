package kernel

import "math"

// The twins: what each function computes, in the plainest Go that still runs
// decently where there is no assembly. Products are rounded before they are
// added (the conversions forbid the compiler to fuse them), so that every
// machine gives the same bits.

// plain is the path of the twins.
var plain = path{
	name: "go", matMul: plainMatMul, dot: plainDot, axpy: plainAxpy, scale: plainScale, multiply: plainMultiply,
	max: plainMax, expSum: plainExpSum, addLog: plainAddLog, biasedSoftmax: plainBiasedSoftmax, softmaxBackward: plainSoftmaxBackward,
	layerNorm: plainLayerNorm, layerNormBackward: plainLayerNormBackward,
	normalise: plainNormalise, normaliseBackward: plainNormaliseBackward,
	swiGLU: plainSwiGLU, swiGLUBackward: plainSwiGLUBackward, sigmoid: plainSigmoid, gateBackward: plainGateBackward,
	addSparse: plainAddSparse, noteSparse: plainNoteSparse, fetch: func([]byte) {}, sumAbove: plainSumAbove,
	dropout: plainDropout, adam: plainAdam, survey: plainSurvey, addSurvey: plainAddSurvey, roundHalf: plainRoundHalf, widen: plainWiden, scan: plainScan,
}

func plainDot(a, b []float32) float32 {
	var s0, s1, s2, s3 float32 // four sums, because each addition waits for the one before
	i := 0
	for ; i+4 <= len(a); i += 4 {
		x, y := a[i:i+4:i+4], b[i:i+4:i+4]
		s0 += float32(x[0] * y[0])
		s1 += float32(x[1] * y[1])
		s2 += float32(x[2] * y[2])
		s3 += float32(x[3] * y[3])
	}
	for ; i < len(a); i++ {
		s0 += float32(a[i] * b[i])
	}
	return (s0 + s2) + (s1 + s3)
}

func plainAxpy(y []float32, s float32, x []float32) {
	for i, v := range x {
		y[i] += float32(s * v)
	}
}

func plainScale(x []float32, s float32) {
	for i := range x {
		x[i] *= s
	}
}

func plainMultiply(y, a, b []float32) {
	for i := range y {
		y[i] = a[i] * b[i]
	}
}

func plainMax(x []float32) float32 {
	top := float32(math.Inf(-1))
	for _, v := range x {
		if v > top {
			top = v
		}
	}
	return top
}

// The range of exp: below expLow it is 0 by definition, above expHigh too large
// for a float32.
const expLow = -87

var expHigh = math.Float32frombits(0x42b17217) // 88.72283

// exp is e to the power of x: x = n·log 2 + r with |r| ≤ log 2 / 2, a polynomial
// for r (coefficients of Cephes, S. Moshier), and n added to the exponent.
func exp(x float32) float32 {
	const nearest = 3 << 22 // adding it rounds to a whole number
	switch {
	case x < expLow:
		return 0
	case x > expHigh:
		return float32(math.Inf(1))
	case x != x:
		return x
	}
	n := float32(float32(x*math.Log2E)+nearest) - nearest
	r := x - float32(n*0.693359375)
	r -= float32(n * -2.12194440e-4)
	p := float32(1.9875691500e-4)
	p = float32(p*r) + 1.3981999507e-3
	p = float32(p*r) + 8.3334519073e-3
	p = float32(p*r) + 4.1665795894e-2
	p = float32(p*r) + 1.6666665459e-1
	p = float32(p*r) + 5.0000001201e-1
	p = float32(float32(p*r)*r) + r + 1
	return math.Float32frombits(math.Float32bits(p) + uint32(int32(n))<<23)
}

func plainExpSum(x []float32, scale, shift float32) float32 {
	var sum float64
	for i, v := range x {
		x[i] = exp(float32(float64(v)*float64(scale) + float64(shift))) // rounded once, like a fused product and sum
		sum += float64(x[i])
	}
	return float32(sum)
}

func plainAddLog(y, x []float32, w, s float32) {
	for i, v := range x {
		l := float32(w * log(float32(s*v)+1))
		if v < 0 {
			l = 0
		}
		y[i] += l
	}
}

// log is the natural logarithm of a number from 1 on, right to 1e-7: Cephes's
// polynomial around 1. The roundings are spelled out, so that it gives the same bits
// on every machine.
func log(x float32) float32 {
	const halfRoot, rootShift = 0x3f3504f3, 0x3f800000 - 0x3f3504f3 // the bits of √½, and what brings it to 1
	bits := math.Float32bits(x) + rootShift
	e := bits >> 23
	f := math.Float32frombits(bits^e<<23+halfRoot) - 1
	z := float32(f * f)
	z2 := float32(z * z)
	low := 3.3333331174e-1 + float32(-2.4999993993e-1*f) + float32((2.0000714765e-1+float32(-1.6668057665e-1*f))*z)
	high := 1.4249322787e-1 + float32(-1.2420140846e-1*f) + float32((1.1676998740e-1+float32(-1.1514610310e-1*f))*z)
	y := low + float32(high*z2) + float32(float32(7.0376836292e-2*z2)*z2)
	y = float32(float32(y*f) * z)
	y -= float32(.5 * z)
	return y + f + float32((float32(e)-127)*math.Ln2)
}

func plainBiasedSoftmax(x, bias []float32, scale float32) {
	for i, v := range x {
		x[i] = float32(v*scale) + bias[i]
	}
	plainScale(x, 1/plainExpSum(x, 1, -plainMax(x)))
}

func plainSoftmaxBackward(dp, p []float32) {
	mean := plainDot(p, dp)
	for i := range dp {
		dp[i] = p[i] * (dp[i] - mean)
	}
}

func plainLayerNorm(y, x, gain, bias, mean, rstd []float32, rows, d int) {
	for r := range rows {
		xr, yr := x[r*d:(r+1)*d], y[r*d:(r+1)*d]
		var sum, square float32
		for _, v := range xr {
			sum += v
		}
		m := sum / float32(d)
		for _, v := range xr {
			square += float32((v - m) * (v - m))
		}
		s := 1 / float32(math.Sqrt(float64(square/float32(d)+1e-5)))
		mean[r], rstd[r] = m, s
		for i, v := range xr {
			yr[i] = float32((v-m)*s*gain[i]) + bias[i]
		}
	}
}

func plainLayerNormBackward(dx, dgain, dbias, dy, x, gain, mean, rstd []float32, rows, d int) {
	for r := range rows {
		xr, dxr, dyr := x[r*d:(r+1)*d], dx[r*d:(r+1)*d], dy[r*d:(r+1)*d]
		m, s := mean[r], rstd[r]
		var sum, product float32 // of the gradient of the normalised row; with that row
		for i, v := range xr {
			h, g := (v-m)*s, dyr[i]*gain[i]
			sum += g
			product += float32(g * h)
			dgain[i] += float32(dyr[i] * h)
			dbias[i] += dyr[i]
		}
		sum, product = sum/float32(d), product/float32(d)
		for i, v := range xr {
			h, g := (v-m)*s, dyr[i]*gain[i]
			dxr[i] += float32(s * (g - sum - float32(h*product)))
		}
	}
}

func plainNormalise(y, x []float32) float32 {
	inv := 1 / float32(math.Sqrt(float64(plainDot(x, x)+1e-9)))
	for i, v := range x {
		y[i] = v * inv
	}
	return inv
}

func plainNormaliseBackward(dx, dy, y []float32, inv float32) {
	along := plainDot(dy, y)
	for i, v := range dy {
		dx[i] += float32(inv * (v - float32(along*y[i])))
	}
}

func plainSwiGLU(y, a, b []float32) {
	for i, v := range a {
		y[i] = v / (1 + exp(-v)) * b[i]
	}
}

func plainSwiGLUBackward(da, db, dy, a, b []float32) {
	for i, v := range a {
		s := 1 / (1 + exp(-v))
		g, bi := dy[i], b[i]
		db[i] = g * (v * s)
		da[i] = g * bi * s * (1 + float32(v*(1-s)))
	}
}

func plainSigmoid(y, x []float32) {
	for i, v := range x {
		y[i] = 1 / (1 + exp(-v))
	}
}

func plainGateBackward(dy, du, o, s []float32) {
	for i, g := range dy {
		g *= s[i]
		du[i] = g * o[i] * (1 - s[i])
		dy[i] = g
	}
}

func plainAdam(w, m, v, g []float32, s AdamUpdate) {
	for i, x := range g {
		x *= s.scale
		m[i] = float32(s.keep1*m[i]) + float32(s.take1*x)
		v[i] = float32(s.keep2*v[i]) + float32(s.take2*float32(x*x))
		step := s.rate * m[i] / (float32(math.Sqrt(float64(v[i]*s.correct))) + s.eps)
		w[i] = float32(s.shrink*w[i]) - step
	}
}
