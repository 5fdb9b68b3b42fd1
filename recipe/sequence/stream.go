package sequence

import (
	"bufio"
	"encoding/binary"
	"hash"
	"hash/crc32"
	"io"
	"math"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// writer writes numbers and keeps the first error and a checksum.
type writer struct {
	w   *bufio.Writer
	sum hash.Hash32
	err error
	buf [4096]byte
}

func newWriter(w io.Writer) *writer {
	return &writer{w: bufio.NewWriterSize(w, 1<<16), sum: crc32.New(castagnoli)}
}

func (w *writer) bytes(b []byte) {
	_, _ = w.sum.Write(b) // a hash never fails
	if w.err == nil {
		_, w.err = w.w.Write(b)
	}
}

func (w *writer) number(x uint32) { w.bytes(binary.LittleEndian.AppendUint32(w.buf[:0], x)) }

func (w *writer) long(x uint64) { w.bytes(binary.LittleEndian.AppendUint64(w.buf[:0], x)) }

func (w *writer) floats(x []float32) {
	for len(x) > 0 {
		n := min(len(x), len(w.buf)/4)
		b := w.buf[:0]
		for _, v := range x[:n] {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		w.bytes(b)
		x = x[n:]
	}
}

// finish writes the checksum.
func (w *writer) finish() error {
	w.number(w.sum.Sum32())
	if w.err == nil {
		w.err = w.w.Flush()
	}
	return w.err
}

// reader reads numbers and keeps the first error and a checksum.
type reader struct {
	r   *bufio.Reader
	sum hash.Hash32
	err error
	buf [4096]byte
}

func newReader(r io.Reader) *reader {
	return &reader{r: bufio.NewReaderSize(r, 1<<16), sum: crc32.New(castagnoli)}
}

func (r *reader) bytes(b []byte) {
	if r.err != nil {
		clear(b)
		return
	}
	if _, r.err = io.ReadFull(r.r, b); r.err == nil {
		_, _ = r.sum.Write(b)
	}
}

func (r *reader) number() uint32 {
	r.bytes(r.buf[:4])
	return binary.LittleEndian.Uint32(r.buf[:4])
}

func (r *reader) long() uint64 {
	r.bytes(r.buf[:8])
	return binary.LittleEndian.Uint64(r.buf[:8])
}

func (r *reader) floats(x []float32) {
	for len(x) > 0 {
		n := min(len(x), len(r.buf)/4)
		r.bytes(r.buf[:4*n])
		for i := range n {
			x[i] = math.Float32frombits(binary.LittleEndian.Uint32(r.buf[4*i:]))
		}
		x = x[n:]
	}
}

// intact reads the checksum and says whether all was read and is as written.
func (r *reader) intact() bool {
	want := r.sum.Sum32()
	return r.number() == want && r.err == nil
}

func (r *reader) numbers(x []uint32) {
	for i := range x {
		x[i] = r.number()
	}
}
