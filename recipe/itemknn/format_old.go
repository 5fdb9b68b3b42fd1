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
)

// Files of version 1 are a stream of uint32s: magic (8 bytes), version, number of items
// known, number of rows; of each row its item; of each row its number of neighbours; the
// neighbours of all rows; and the CRC32C of all before it. They are read, not written
// any more.
const oldVersion = 1

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// loadOld reads a file of version 1.
func loadOld(r io.ReaderAt, size int64) (*Model, error) {
	in := &reader{r: bufio.NewReaderSize(io.NewSectionReader(r, 0, size), 1<<16), sum: crc32.New(castagnoli), left: size}
	return in.model()
}

func (in *reader) model() (*Model, error) {
	var start [len(magic)]byte
	if in.bytes(start[:]); string(start[:]) != magic {
		return nil, errors.Join(errors.New("itemknn: not a model file"), in.err)
	}
	if v := in.number(); in.err == nil && v != oldVersion {
		return nil, fmt.Errorf("itemknn: model file has version %d, this program reads %d", v, oldVersion)
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
