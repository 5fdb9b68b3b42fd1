//go:build unix

package kernels

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"syscall"
	"testing"

	"usher/kernel"
)

// product is one of the three kinds that training makes.
type product func(c []float32, ldc int, a []float32, lda int, b []float32, ldb int, m, n, k int, add bool)

// gemmShapes are those of a transformer of width 64 (and 128) in micro-batches of
// about 800 tokens, and a square one.
var gemmShapes = []struct {
	name, kind string
	m, n, k    int
}{
	{"square", "NN", 512, 512, 512},
	{"projection", "NN", 800, 64, 64},
	{"qkv", "NN", 800, 192, 64},
	{"qkv of width 128", "NN", 800, 384, 128},
	{"feed forward", "NN", 800, 128, 64},
	{"input gradient", "NT", 800, 64, 192},
	{"weight gradient", "TN", 64, 192, 800},
	{"weight gradient of width 128", "TN", 128, 128, 800},
	{"attention QKt", "NT", 200, 200, 64},
	{"attention PV", "NN", 200, 64, 200},
	{"attention QKt of two heads", "NT", 48, 200, 32},
	{"logits of 573 items", "NT", 192, 573, 64},
	{"logits of 3456 items", "NT", 192, 3456, 64},
	{"query gradient", "NN", 192, 64, 573},
	{"item gradient", "TN", 3416, 64, 192},
}

// gemmRounds is how many times usher and the baseline take turns at a shape.
const gemmRounds = 9

// BenchmarkGEMM multiplies matrices with kernel and with Debian's OpenBLAS, in
// turns on one core, and gives the GFLOP per CPU second of both and the ratio of
// their medians. Without python3 and libopenblas.so.0 there is no baseline.
func BenchmarkGEMM(b *testing.B) {
	ask, name := openBLAS(b)
	fmt.Printf("usher %s, %s\n", kernel.Path(), name)
	for _, s := range gemmShapes {
		b.Run(s.name, func(b *testing.B) {
			flops := 2 * float64(s.m) * float64(s.n) * float64(s.k)
			times := int(4e9/flops) + 1
			mine := multiplier(s.kind, s.m, s.n, s.k)
			var own, theirs []float64
			for b.Loop() {
				for range gemmRounds {
					own = append(own, mine(times))
					theirs = append(theirs, ask(s.kind, s.m, s.n, s.k, times))
				}
			}
			slices.Sort(own)
			slices.Sort(theirs)
			speed := func(seconds []float64) float64 { return flops * float64(times) / seconds[len(seconds)/2] / 1e9 }
			b.ReportMetric(speed(own), "GFLOP/s")
			b.ReportMetric(speed(theirs), "OpenBLAS-GFLOP/s")
			b.ReportMetric(speed(own)/speed(theirs), "ratio")
		})
	}
}

// multiplier gives a function that multiplies so many times and tells the CPU
// seconds.
func multiplier(kind string, m, n, k int) func(times int) float64 {
	f, lda, ldb := product(kernel.MatMul), k, n
	switch kind {
	case "NT":
		f, ldb = kernel.MatMulNT, k
	case "TN":
		f, lda = kernel.MatMulTN, m
	}
	x := func(size int) []float32 {
		out := make([]float32, size)
		for i := range out {
			out[i] = []float32{.25, -.5, .125, 1}[i%4]
		}
		return out
	}
	a, b, c := x(m*k), x(k*n), x(m*n)
	return func(times int) float64 {
		start := cpuSeconds()
		for range times {
			f(c, n, a, lda, b, ldb, m, n, k, false)
		}
		return cpuSeconds() - start
	}
}

// openBLAS starts the baseline and gives its name.
func openBLAS(b *testing.B) (ask func(kind string, m, n, k, times int) float64, name string) {
	b.Helper()
	cmd := exec.Command("python3", "gemm.py")
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Skipf("no baseline: %v", err)
	}
	b.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	lines := bufio.NewReader(out)
	name, err = lines.ReadString('\n')
	if err == io.EOF {
		b.Skip("no baseline: libopenblas.so.0 is not there (apt-get install libopenblas0-pthread)")
	}
	return func(kind string, m, n, k, times int) (seconds float64) {
		fmt.Fprintln(in, kind, m, n, k, times)
		if _, err := fmt.Fscanln(lines, &seconds); err != nil {
			b.Fatal(err)
		}
		return seconds
	}, name[:len(name)-1]
}

func cpuSeconds() float64 {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return float64(r.Utime.Sec+r.Stime.Sec) + 1e-6*float64(r.Utime.Usec+r.Stime.Usec)
}
