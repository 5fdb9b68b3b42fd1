//go:build unix

package nn

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"usher/internal/seed"
	"usher/kernel"
)

// torchSettings are what is trained: the catalogue of ML-1M, batches of 128
// histories, by the full softmax and by the negatives that the recipe draws.
var torchSettings = []struct {
	dim, sample int
}{{64, 0}, {64, 818}, {128, 0}, {128, 818}}

const (
	torchItems  = 3416
	torchWindow = 200
	torchBatch  = 128
	torchDrop   = .2
	torchRounds = 5
	torchTurn   = 2 // steps of a turn
)

// BenchmarkStepAgainstTorch trains the same network here and in PyTorch
// (bench/trainer/step.py), in turns on one thread each, and gives CPU seconds a
// step and the ratio of their medians: with all histories 200 long, and with the
// lengths of ML-1M, where PyTorch fills up and we do not – with logits of what is
// filled up, as the usual programs have it, or leaving them out. USHER_TORCH lists
// Pythons that have PyTorch, USHER_SHARED is the folder of public data.
func BenchmarkStepAgainstTorch(b *testing.B) {
	pythons := filepath.SplitList(os.Getenv("USHER_TORCH"))
	if len(pythons) == 0 {
		b.Skip("USHER_TORCH lists no Python with PyTorch")
	}
	for _, python := range pythons {
		t := startTorch(b, python)
		for _, s := range torchSettings {
			shape := torchShape(s.dim)
			t.take(b, New(shape, 3))
			for _, c := range []struct {
				name   string
				lens   []int
				filled bool
			}{{"all 200", fullLengths(), false}, {"ML-1M, filled up", realLengths(b), true}, {"ML-1M", realLengths(b), false}} {
				b.Run(fmt.Sprintf("%s/d %d, sample %d, %s", t.version, s.dim, s.sample, c.name), func(b *testing.B) {
					for b.Loop() {
						own, theirs := takeTurns(b, t, shape, s.sample, c.lens, c.filled)
						b.ReportMetric(1000*own, "cpu-ms/step")
						b.ReportMetric(1000*theirs, "torch-cpu-ms/step")
						b.ReportMetric(theirs/own, "ratio")
					}
				})
			}
		}
	}
}

// BenchmarkStep is our part of it alone, and with a larger catalogue. What rounding brings
// is seen with GODEBUG=cpu.avx512bf16=off beside it.
func BenchmarkStep(b *testing.B) {
	bench := func(dim, items, sample int) {
		b.Run(fmt.Sprintf("d %d, items %d, sample %d", dim, items, sample), func(b *testing.B) {
			shape := torchShape(dim)
			shape.Rows = items + 1
			n := New(shape, 3)
			tr := &Trainer{Net: n, Items: items, Sample: sample, Drop: torchDrop, Workers: 1, State: NewAdam(n)}
			shards := shardsOf(fullLengths(), 1)
			start := cpuSeconds()
			for b.Loop() {
				if _, err := tr.Step(context.Background(), shards, 1e-3, 1); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(1000*(cpuSeconds()-start)/float64(b.N), "cpu-ms/step")
		})
	}
	for _, s := range torchSettings {
		bench(s.dim, torchItems, s.sample)
	}
	bench(64, 4427, 0)
}

func torchShape(dim int) Shape {
	return Shape{Rows: torchItems + 1, Dim: dim, Inner: 2 * dim, Heads: 2, Blocks: 2, Window: torchWindow, Tau: 15}
}

// takeTurns gives the medians of the CPU seconds of a step.
func takeTurns(b *testing.B, t *torch, shape Shape, sample int, lens []int, filled bool) (own, theirs float64) {
	n := New(shape, 3)
	tr := &Trainer{Net: n, Items: torchItems, Sample: sample, Drop: torchDrop, Workers: 1, State: NewAdam(n)}
	step := func(i int) {
		if _, err := tr.Step(context.Background(), shardsOf(lens, seed.Seed(i)), 1e-3, seed.Seed(i)); err != nil {
			b.Fatal(err)
		}
	}
	step(0) // makes room
	var us, them []float64
	for r := range torchRounds {
		start := cpuSeconds()
		for i := range torchTurn {
			step(1 + r*torchTurn + i)
		}
		us = append(us, cpuSeconds()-start)
		them = append(them, t.ask(b, map[string]any{"steps": torchTurn, "lens": lens, "sample": sample, "drop": torchDrop, "filled": filled}))
	}
	slices.Sort(us)
	slices.Sort(them)
	return us[torchRounds/2] / torchTurn, them[torchRounds/2] / torchTurn
}

// shardsOf makes batches of about 800 random tokens out of histories of those
// lengths, as the recipe does.
func shardsOf(lens []int, from seed.Seed) [][]Batch {
	const shards, batchTokens = 16, 800
	r := from.Rand()
	out := make([][]Batch, shards)
	for i, n := range lens {
		shard := &out[i%shards]
		if k := len(*shard); k == 0 || len((*shard)[k-1].Tokens)+n > batchTokens {
			*shard = append(*shard, Batch{})
		}
		b := &(*shard)[len(*shard)-1]
		b.Lens = append(b.Lens, n)
		for range n {
			item := uint32(r.IntN(torchItems))
			b.Tokens, b.Targets, b.Weights = append(b.Tokens, item), append(b.Targets, item), append(b.Weights, 1)
		}
	}
	return out
}

func fullLengths() []int { return slices.Repeat([]int{torchWindow}, torchBatch) }

// realLengths gives a sample of the lengths of ML-1M's histories.
func realLengths(b *testing.B) []int {
	b.Helper()
	f, err := os.Open(filepath.Join(os.Getenv("USHER_SHARED"), "ml-1m/ml-1m_sas.txt.gz"))
	if err != nil {
		b.Skipf("no lengths: %v", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		b.Fatal(err)
	}
	count := map[string]int{}
	for lines := bufio.NewScanner(z); lines.Scan(); {
		user, _, _ := strings.Cut(lines.Text(), " ")
		count[user]++
	}
	var lens []int
	for _, n := range count {
		lens = append(lens, min(n, torchWindow))
	}
	slices.Sort(lens)
	out := make([]int, torchBatch)
	for i := range out { // equally far apart, in another order
		out[i*37%torchBatch] = lens[(2*i+1)*len(lens)/(2*torchBatch)]
	}
	return out
}

// torch is PyTorch in a process of its own.
type torch struct {
	version string
	in      io.Writer
	out     *bufio.Reader
}

func startTorch(b *testing.B, python string) *torch {
	b.Helper()
	cmd := exec.Command(python, "../../../bench/trainer/step.py")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	t := &torch{in: in, out: bufio.NewReader(out)}
	t.version = t.line(b)
	return t
}

func (t *torch) line(b *testing.B) string {
	b.Helper()
	line, err := t.out.ReadString('\n')
	if err != nil {
		b.Fatalf("read from PyTorch: %v", err)
	}
	return strings.TrimSpace(line)
}

func (t *torch) ask(b *testing.B, question any) float64 {
	b.Helper()
	if err := json.NewEncoder(t.in).Encode(question); err != nil {
		b.Fatal(err)
	}
	x, err := strconv.ParseFloat(t.line(b), 64)
	if err != nil {
		b.Fatal(err)
	}
	return x
}

// take hands a network over and sees that it is the same one: it has our loss.
func (t *torch) take(b *testing.B, n *Net) {
	b.Helper()
	file := filepath.Join(b.TempDir(), "weights")
	f, err := os.Create(file)
	if err != nil {
		b.Fatal(err)
	}
	err = cmp.Or(binary.Write(f, binary.NativeEndian, n.Table), binary.Write(f, binary.NativeEndian, n.Dense), f.Close())
	if err != nil {
		b.Fatal(err)
	}
	t.ask(b, map[string]any{"shape": n.Shape, "weights": file})
	batch := shardsOf([]int{5, 200, 61}, 4)
	var all Batch
	for _, shard := range batch {
		for _, x := range shard {
			all.Lens, all.Tokens = append(all.Lens, x.Lens...), append(all.Tokens, x.Tokens...)
			all.Targets, all.Weights = append(all.Targets, x.Targets...), append(all.Weights, x.Weights...)
		}
	}
	tr := &Trainer{Net: n, Items: torchItems, Workers: 1, State: NewAdam(n)}
	g := tr.gradient(context.Background(), [][]Batch{{all}}, 1, 1)
	own := g.Loss / float64(len(all.Tokens))
	theirs := t.ask(b, map[string]any{"loss": map[string]any{"tokens": all.Tokens, "targets": all.Targets, "lens": all.Lens}})
	if math.Abs(own-theirs) > 1e-4*own {
		b.Fatalf("%s: loss %v, PyTorch's %v: not the same network", kernel.Path(), own, theirs)
	}
}

func cpuSeconds() float64 {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return float64(r.Utime.Sec+r.Stime.Sec) + 1e-6*float64(r.Utime.Usec+r.Stime.Usec)
}
