package sequence

import (
	"bytes"
	"fmt"
	"math"

	"usher/recipe"
)

// stateMagic begins a checkpoint. Its format may change with every version of
// the program: a checkpoint that does not fit is put aside and training starts
// anew.
const stateMagic = "ushrsqc3"

// state gives all that the rest of the training depends on.
func (f *fit) state() []byte {
	var buf bytes.Buffer
	w := newWriter(&buf)
	w.bytes([]byte(stateMagic))
	w.long(f.print)
	w.long(uint64(f.step))
	w.long(uint64(f.after))
	w.long(uint64(f.best.epoch))
	w.long(math.Float64bits(f.best.score.hits))
	w.long(math.Float64bits(f.best.score.ndcg))
	w.long(math.Float64bits(f.best.peak))
	w.long(uint64(len(f.curve)))
	for _, p := range f.curve {
		w.long(uint64(p.Epoch))
		w.long(math.Float64bits(p.NDCG))
	}
	for _, x := range f.arrays(f.best.epoch > 0) {
		w.floats(x)
	}
	if err := w.finish(); err != nil {
		panic(fmt.Sprintf("sequence: internal error: write checkpoint to memory: %v", err))
	}
	return buf.Bytes()
}

// arrays are the numbers of a checkpoint.
func (f *fit) arrays(withBest bool) [][]float32 {
	net, a := f.tr.Net, &f.tr.State
	out := [][]float32{net.Table, net.Dense, a.TableM, a.TableV, a.DenseM, a.DenseV}
	if withBest {
		out = append(out, f.best.table, f.best.dense)
	}
	return out
}

// resume goes on from the last checkpoint of this very training, if there is one.
func (f *fit) resume() error {
	if f.in.Checkpoint == nil {
		return nil
	}
	state, err := f.in.Checkpoint.Load()
	if err != nil {
		return fmt.Errorf("load checkpoint: %w", err)
	}
	r := newReader(bytes.NewReader(state))
	var start [len(stateMagic)]byte
	r.bytes(start[:])
	print, step, after := r.long(), r.long(), r.long()
	b := best{epoch: int(r.long())}
	b.score.hits = math.Float64frombits(r.long())
	b.score.ndcg = math.Float64frombits(r.long())
	b.peak = math.Float64frombits(r.long())
	curve := readCurve(r)
	if r.err != nil || string(start[:]) != stateMagic || print != f.print || b.epoch < 0 {
		return nil
	}
	net := f.tr.Net
	if b.epoch > 0 {
		b.table, b.dense = make([]float32, len(net.Table)), make([]float32, len(net.Dense))
	}
	own := f.arrays(false)
	read := make([][]float32, len(own), len(own)+2)
	for i, x := range own { // aside first: damage shows only at the end
		read[i] = make([]float32, len(x))
	}
	if b.epoch > 0 {
		read = append(read, b.table, b.dense)
	}
	for _, x := range read {
		r.floats(x)
	}
	if !r.intact() {
		return nil
	}
	for i, x := range own {
		copy(x, read[i])
	}
	f.curve = curve
	f.best, f.step, f.after, f.tr.State.T = b, int(step), int(after), int(step)
	return nil
}

// readCurve reads the measurements so far; a damaged number of them gives none,
// and the checksum says the rest.
func readCurve(r *reader) (out []recipe.CurvePoint) {
	n := r.long()
	if n > 1<<16 {
		return nil
	}
	for range n {
		p := recipe.CurvePoint{Epoch: int(r.long())}
		p.NDCG = math.Float64frombits(r.long())
		out = append(out, p)
	}
	return out
}
