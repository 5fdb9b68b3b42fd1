package kernel

import "fmt"

// path is one implementation of all loops. Slices come checked and not empty.
type path struct {
	name              string
	matMul            func(c []float32, ldc int, a, b operand, m, n, k int, add bool)
	dot               func(a, b []float32) float32
	axpy              func(y []float32, s float32, x []float32)
	scale             func(x []float32, s float32)
	multiply          func(y, a, b []float32)
	max               func(x []float32) float32
	expSum            func(x []float32, scale, shift float32) float32
	biasedSoftmax     func(x, bias []float32, scale float32)
	addLog            func(y, x []float32, w, s float32)
	softmaxBackward   func(dp, p []float32)
	layerNorm         func(y, x, gain, bias, mean, rstd []float32, rows, d int)
	layerNormBackward func(dx, dgain, dbias, dy, x, gain, mean, rstd []float32, rows, d int)
	normalise         func(y, x []float32) float32
	normaliseBackward func(dx, dy, y []float32, inv float32)
	swiGLU            func(y, a, b []float32)
	swiGLUBackward    func(da, db, dy, a, b []float32)
	sigmoid           func(y, x []float32)
	gateBackward      func(dy, du, o, s []float32)
	dropout           func(y, x []float32, mask mask)
	adam              func(w, m, v, g []float32, u AdamUpdate)
	addSparse         func(y []float32, s float32, row, next Sparse)
	noteSparse        func(noted []uint32, y []float32, s float32, row, next Sparse) int
	fetch             func(x []byte)
	rounded           *roundedLoops                                                                  // nil: no instructions for it
	sumAbove          func(x []float32) [sumLanes]float64                                            // of a multiple of sumLanes
	survey            func(marks []uint64, x []float32, least, shift float32) (largest, sum float32) // the last word of marks comes cleared
	addSurvey         func(marks []uint64, x, extra []float32, least, shift float32) (largest, sum float32)
	roundHalf         func(x []float32)
	widen             func(y []float32, x []uint32)
	scan              func(x *Quantised, q queryRange, panel, panels int, out []float32, ld int)
}

// paths is what this machine can use, best first; active is the one in use.
var (
	paths  = append(native(), plain)
	active = paths[0]
)

// Path names the code in use: "avx512", "avx2", "neon" or "go".
func Path() string { return active.name }

// Paths lists what this machine can use, best first.
func Paths() []string {
	names := make([]string, len(paths))
	for i, p := range paths {
		names[i] = p.name
	}
	return names
}

// Use forces a path and gives a function that restores the old one. It is for
// tests and benchmarks, before other goroutines use the package.
func Use(path string) (restore func(), err error) {
	for _, p := range paths {
		if p.name == path {
			old := active
			active = p
			return func() { active = old }, nil
		}
	}
	return nil, fmt.Errorf("use kernel path %q: this machine has %q", path, Paths())
}
