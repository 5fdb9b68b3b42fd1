// Package sized reads files of a known size that end with the CRC32C of all before
// it.
//
// What is read counts against the size, so that no length in a damaged file can ask
// for more memory than the file could fill. The first error stays; after it
// everything reads as zero, so that a format's reader looks at Err where it has to
// decide, not after each number. The formats are of who reads them.
package sized

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Reader reads the bytes before the checksum, in order.
type Reader struct {
	Left int64 // bytes that are not read yet
	Err  error // the first

	r       *bufio.Reader
	sum     hash.Hash32
	damaged error
	word    [8]byte
}

// New gives a reader of a file. damaged is its error for bytes that cannot be.
func New(from io.ReaderAt, size int64, damaged error) *Reader {
	return &Reader{Left: size - 4, r: bufio.NewReaderSize(io.NewSectionReader(from, 0, size), 1<<18), sum: crc32.New(castagnoli), damaged: damaged}
}

// Fail sets the error, unless there is one.
func (r *Reader) Fail(err error) {
	if r.Err == nil {
		r.Err = err
	}
}

// Damage says that what was read cannot be.
func (r *Reader) Damage() { r.Fail(r.damaged) }

// Fill reads len(b) bytes.
func (r *Reader) Fill(b []byte) {
	if int64(len(b)) > r.Left {
		r.Damage()
	}
	if r.Err == nil {
		r.Left -= int64(len(b))
		_, r.Err = io.ReadFull(r.r, b)
		r.sum.Write(b) //nolint:errcheck // a hash has no errors
	}
	if r.Err != nil {
		clear(b)
	}
}

// U32 reads a little-endian number.
func (r *Reader) U32() uint32 {
	r.Fill(r.word[:4])
	return binary.LittleEndian.Uint32(r.word[:])
}

// U64 reads a little-endian number.
func (r *Reader) U64() uint64 {
	r.Fill(r.word[:8])
	return binary.LittleEndian.Uint64(r.word[:])
}

// Count reads how many things of at least size bytes follow.
func (r *Reader) Count(size int64) int {
	n := r.U64()
	if n > uint64(max(0, r.Left)/size) {
		r.Damage()
	}
	if r.Err != nil {
		return 0
	}
	return int(n)
}

// End reads the checksum, before which nothing may be left, and gives the first error.
func (r *Reader) End() error {
	if r.Left != 0 {
		r.Damage()
	}
	want := r.sum.Sum32()
	r.Left = 4
	if got := r.U32(); got != want {
		r.Fail(fmt.Errorf("%w: its checksum is %08x, that of its bytes %08x", r.damaged, got, want))
	}
	return r.Err
}
