package itemknn

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"

	"usher/dataset"
	"usher/recipe"
)

// A model file is little-endian: magic (8 bytes), version, number of items
// known, number of rows; of each row, the most popular first, its item; of each
// row its number of neighbours; the neighbours of all rows, as rows; and the
// CRC32C of all before it. All but the magic are uint32. docs/formats.md tells
// the same.
const (
	magic   = "ushrknn\n"
	version = 1
	head    = len(magic) + 12
)

var errDamaged = errors.New("itemknn: model file is damaged")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Save writes the model for Load.
func (m *Model) Save(w io.Writer) error {
	out := &writer{w: bufio.NewWriterSize(w, 1<<16), sum: crc32.New(castagnoli)}
	out.bytes([]byte(magic))
	out.number(version)
	out.number(uint32(m.known))
	out.number(uint32(len(m.items)))
	for _, i := range m.items {
		out.number(uint32(i))
	}
	for _, list := range m.near {
		out.number(uint32(len(list)))
	}
	for _, list := range m.near {
		for _, r := range list {
			out.number(r)
		}
	}
	out.flush()
	out.number(out.sum.Sum32())
	out.flush()
	if err := out.w.Flush(); err != nil {
		return fmt.Errorf("write model: %w", err)
	}
	return nil
}

// Load reads what Save wrote.
func (Recipe) Load(r io.ReaderAt, size int64) (recipe.Model, error) {
	in := &reader{r: bufio.NewReaderSize(io.NewSectionReader(r, 0, size), 1<<16), sum: crc32.New(castagnoli), left: size}
	m, err := in.model()
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (in *reader) model() (*Model, error) {
	var start [len(magic)]byte
	if in.bytes(start[:]); string(start[:]) != magic {
		return nil, errors.Join(errors.New("itemknn: not a model file"), in.err)
	}
	if v := in.number(); in.err == nil && v != version {
		return nil, fmt.Errorf("itemknn: model file has version %d, this program reads %d", v, version)
	}
	known, n := in.number(), int64(in.number())
	if in.err != nil || n > int64(known) || n > in.left/8 {
		return nil, errors.Join(errDamaged, in.err)
	}
	items, degrees := in.numbers(n), in.numbers(n)
	total := int64(0)
	for _, d := range degrees {
		if total += int64(d); total > in.left/4 {
			return nil, errors.Join(errDamaged, in.err)
		}
	}
	if in.err != nil || in.left != 4*total+4 {
		return nil, errors.Join(errDamaged, in.err)
	}
	all, near := in.numbers(total), make([][]uint32, n)
	for r, d := range degrees {
		if d > 0 {
			near[r], all = all[:d:d], all[d:]
		}
	}
	if !in.intact() || !sound(known, items, near) {
		return nil, errors.Join(errDamaged, in.err)
	}
	index := make([]dataset.Index, n)
	for r, i := range items {
		index[r] = dataset.Index(i)
	}
	return newModel(int(known), index, near, nil), nil
}

// sound says that no number of the file leads out of a table, that no item has
// two rows, and that nothing is its own or twice a neighbour. The checksum is
// known to be right.
func sound(known uint32, items []uint32, near [][]uint32) bool {
	seen := dataset.NewSet(int(known))
	for _, i := range items {
		if i >= known || seen.Has(dataset.Index(i)) {
			return false
		}
		seen.Add(dataset.Index(i))
	}
	last := make([]uint32, len(items)) // the row whose neighbour it was last, + 1
	for r, list := range near {
		for _, j := range list {
			if int64(j) >= int64(len(items)) || int(j) == r || last[j] == uint32(r+1) {
				return false
			}
			last[j] = uint32(r + 1)
		}
	}
	return true
}

// writer writes numbers and keeps a checksum of what was flushed; bufio keeps
// the first error.
type writer struct {
	w   *bufio.Writer
	sum hash.Hash32
	buf []byte // not yet summed: the checksum is quick on long pieces only
}

func (w *writer) bytes(b []byte) {
	if w.buf = append(w.buf, b...); len(w.buf) >= chunk {
		w.flush()
	}
}

func (w *writer) number(x uint32) {
	if w.buf = binary.LittleEndian.AppendUint32(w.buf, x); len(w.buf) >= chunk {
		w.flush()
	}
}

func (w *writer) flush() {
	_, _ = w.sum.Write(w.buf) // a hash never fails
	_, _ = w.w.Write(w.buf)   // bufio's Flush tells
	w.buf = w.buf[:0]
}

const chunk = 1 << 14

// reader reads numbers, keeps the first error and a checksum, and knows how much
// is left, so that no number in the file asks for more memory than it could fill.
type reader struct {
	r    *bufio.Reader
	sum  hash.Hash32
	left int64
	err  error
	buf  [chunk]byte
}

// bytes fills b. After the first error it leaves b as zeros.
func (r *reader) bytes(b []byte) {
	if r.err == nil {
		if _, r.err = io.ReadFull(r.r, b); r.err == nil {
			_, _ = r.sum.Write(b) // a hash never fails
			r.left -= int64(len(b))
			return
		}
	}
	clear(b)
}

func (r *reader) number() uint32 {
	r.bytes(r.buf[:4])
	return binary.LittleEndian.Uint32(r.buf[:4])
}

// numbers reads n numbers. The caller has checked n against left.
func (r *reader) numbers(n int64) []uint32 {
	out := make([]uint32, n)
	for rest := out; len(rest) > 0; {
		some := min(len(rest), chunk/4)
		r.bytes(r.buf[:4*some])
		for i := range some {
			rest[i] = binary.LittleEndian.Uint32(r.buf[4*i:])
		}
		rest = rest[some:]
	}
	return out
}

// intact reads the checksum and says whether all was read and is as written.
func (r *reader) intact() bool {
	want := r.sum.Sum32()
	return r.number() == want && r.err == nil && r.left == 0
}
