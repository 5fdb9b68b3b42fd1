package sequence

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"math"

	"usher/recipe"
	"usher/recipe/internal/nn"
)

// A model file is little-endian: magic (8 bytes), version (uint32), length of
// the head (uint32), the head as JSON, the item numbers (uint32 each), the
// table and the other parameters (float32 each), the counters, what metadata say,
// and a CRC32C of all before it (uint32). Its length follows from the head, which
// is checked before anything is allocated. Version 1 has neither counters nor
// metadata, version 2 no metadata; they are what is still written of such models.
// docs/formats.md tells the same.
const (
	magic        = "ushrseq\n"
	version      = 3
	plainVersion = 1 // of models without counters and metadata
	blendVersion = 2 // of models without metadata
	headMax      = 1 << 20
)

// head is the JSON part.
type head struct {
	Known    int             `json:"known"`
	Shape    nn.Shape        `json:"shape"`
	MaskSeen bool            `json:"mask_seen"`
	Choices  *recipe.Choices `json:"choices"`
	Blend    *blendHead      `json:"blend,omitempty"`   // from version 2 on
	Content  *contentHead    `json:"content,omitempty"` // of version 3
}

// errDamaged is for bytes that Save cannot have written.
var errDamaged = errors.New("sequence: model file is damaged")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Save writes the model for Load.
func (m *Model) Save(w io.Writer) error {
	h, err := json.Marshal(head{m.known, m.net.Shape, m.maskSeen, m.chosen, m.blend.head(), m.contentHead()})
	if err != nil {
		return fmt.Errorf("write model: %w", err)
	}
	out := newWriter(w)
	out.bytes([]byte(magic))
	out.number(m.version())
	out.number(uint32(len(h)))
	out.bytes(h)
	for _, i := range m.items {
		out.number(i)
	}
	out.floats(m.net.Table)
	out.floats(m.net.Dense)
	m.blend.write(out)
	m.writeContent(out)
	if err := out.finish(); err != nil {
		return fmt.Errorf("write model: %w", err)
	}
	return nil
}

// version is the oldest one that can hold the model.
func (m *Model) version() uint32 {
	switch {
	case m.content != nil:
		return version
	case m.blend != nil:
		return blendVersion
	}
	return plainVersion
}

// Load reads what Save wrote.
func (Recipe) Load(r io.ReaderAt, size int64) (recipe.Model, error) {
	in := newReader(io.NewSectionReader(r, 0, size))
	var start [len(magic)]byte
	in.bytes(start[:])
	if in.err == nil && string(start[:]) != magic {
		return nil, errors.New("sequence: not a model file")
	}
	v := in.number()
	if in.err == nil && (v < plainVersion || v > version) {
		return nil, fmt.Errorf("sequence: model file has version %d, this program reads %d to %d", v, plainVersion, version)
	}
	n := in.number()
	if in.err != nil || n > headMax || int64(n) > size {
		return nil, errDamaged
	}
	raw := make([]byte, n)
	in.bytes(raw)
	var h head
	if in.err != nil || json.Unmarshal(raw, &h) != nil || h.Shape.Check() != nil || h.Known < h.Shape.Rows-1 || h.Known > 1<<31 ||
		(h.Content != nil) != (v == version) || v == plainVersion && h.Blend != nil || v == blendVersion && h.Blend == nil ||
		!h.Blend.fits(size) || !h.Content.fits(size) {
		return nil, errDamaged
	}
	rows, d, dense := int64(h.Shape.Rows), int64(h.Shape.Dim), int64(h.Shape.DenseSize())
	if want := int64(len(magic)) + 8 + int64(n) + 4*((rows-1)+rows*d+dense) + h.Blend.bytes(rows-1) + h.Content.bytes(rows-1, d) + 4; want != size {
		return nil, fmt.Errorf("%w: %d bytes instead of %d", errDamaged, size, want)
	}
	if int64(h.Known) > 64*size+1<<20 { // it is the length of a table in memory
		return nil, errDamaged
	}
	items := make([]uint32, rows-1)
	for i := range items {
		items[i] = in.number()
		if int64(items[i]) >= int64(h.Known) || i > 0 && items[i] <= items[i-1] {
			return nil, errDamaged
		}
	}
	table, rest := make([]float32, rows*d), make([]float32, dense)
	in.floats(table)
	in.floats(rest)
	b, ok := h.Blend.read(in, len(items))
	c, fine := h.Content.read(in, len(items), int(d), h.Known)
	if !in.intact() || !ok || !fine {
		return nil, errDamaged
	}
	net := nn.Wrap(h.Shape, table, rest)
	if c.vectors == nil {
		c.vectors = net.Items(len(items))
	}
	m := newModelOf(net, c.vectors, h.Known, items, h.MaskSeen, h.Choices)
	m.blend, m.content, m.cold = b, c.content, c.cold
	return m, nil
}

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
