package modelfile

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"runtime"
	"sync"
	"sync/atomic"

	"usher/blob"
	"usher/kernel"
)

// A file of sections is for large models: what answers need lies in it as in
// memory, so that it is used where it is mapped (docs/decisions/0016). Magic,
// version and the length of the head (uint32) are followed by the head, JSON, and
// the sections in the order and of the lengths that the head names, each from a
// multiple of 64 on. Then come the CRC32C of each MiB of all this and the CRC32C of
// these. Gaps are zeros.
const (
	align     = 64
	blockSize = 1 << 20
	headMost  = 1 << 20
)

// Section is a part of a file.
type Section struct {
	Name string
	Data []byte
}

// Numbers makes a section of numbers, which are not copied.
func Numbers[T float32 | uint32](name string, x []T) Section { return Section{name, kernel.Bytes(x)} }

// envelope is the head of a file.
type envelope struct {
	Head     json.RawMessage `json:"head"` // the recipe's
	Sections []entry         `json:"sections"`
}

type entry struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
}

// WriteSections writes a file of sections with a head that JSON can hold.
func (f Format) WriteSections(w io.Writer, head any, sections []Section) error {
	raw, err := json.Marshal(head)
	if err != nil {
		return fmt.Errorf("write model: %w", err)
	}
	e := envelope{Head: raw}
	for _, s := range sections {
		e.Sections = append(e.Sections, entry{s.Name, int64(len(s.Data))})
	}
	if raw, err = json.Marshal(e); err != nil {
		return fmt.Errorf("write model: %w", err)
	}
	out := &blockWriter{w: bufio.NewWriterSize(w, 1<<16)}
	start := binary.LittleEndian.AppendUint32([]byte(f.Magic), f.Version)
	out.write(append(binary.LittleEndian.AppendUint32(start, uint32(len(raw))), raw...))
	for _, s := range sections {
		out.write(make([]byte, aligned(out.n)-out.n))
		out.write(s.Data)
	}
	if err := out.finish(); err != nil {
		return fmt.Errorf("write model: %w", err)
	}
	return nil
}

func aligned(n int64) int64 { return (n + align - 1) / align * align }

// blockWriter keeps the checksums of blocks; bufio keeps the first error.
type blockWriter struct {
	w    *bufio.Writer
	n    int64
	sum  uint32   // of the block that is not full
	sums []uint32 // of those that are
}

func (w *blockWriter) write(b []byte) {
	for len(b) > 0 {
		some := b[:min(int64(len(b)), blockSize-w.n%blockSize)]
		_, _ = w.w.Write(some) // bufio's Flush tells
		w.sum = crc32.Update(w.sum, castagnoli, some)
		w.n += int64(len(some))
		b = b[len(some):]
		if w.n%blockSize == 0 {
			w.sums, w.sum = append(w.sums, w.sum), 0
		}
	}
}

func (w *blockWriter) finish() error {
	if w.n%blockSize != 0 {
		w.sums = append(w.sums, w.sum)
	}
	sums := kernel.Bytes(w.sums)
	_, _ = w.w.Write(sums)
	_, _ = w.w.Write(binary.LittleEndian.AppendUint32(nil, crc32.Checksum(sums, castagnoli)))
	return w.w.Flush()
}

// File is a file of sections whose checksums were right. What it gives is part of
// the file in memory: whoever keeps it keeps Hold too, and says runtime.KeepAlive of
// what holds it behind the last use of a slice. Nobody may write to it.
type File struct {
	format   Format
	head     json.RawMessage
	sections map[string][]byte
	hold     *blob.Mapping // nil: the garbage collector knows the memory
	err      error
}

// OpenSections checks a file of size bytes, and maps it if it can be mapped.
func (f Format) OpenSections(r io.ReaderAt, size int64) (*File, error) {
	out := &File{format: f, sections: map[string][]byte{}}
	all, err := out.content(r, size)
	if err != nil {
		return nil, err
	}
	body := all[:f.bodySize(size)]
	start := len(f.Magic) + 8
	if len(body) < start || string(body[:len(f.Magic)]) != f.Magic || binary.LittleEndian.Uint32(body[len(f.Magic):]) != f.Version {
		return nil, f.Damaged
	}
	n := int64(binary.LittleEndian.Uint32(body[start-4:]))
	if n > headMost || n > int64(len(body)-start) {
		return nil, f.Damaged
	}
	var e envelope
	if json.Unmarshal(body[start:int64(start)+n], &e) != nil {
		return nil, f.Damaged
	}
	out.head = e.Head
	at := int64(start) + n
	for _, s := range e.Sections {
		if at = aligned(at); s.Bytes < 0 || at > int64(len(body)) || s.Bytes > int64(len(body))-at {
			return nil, f.Damaged
		}
		out.sections[s.Name] = body[at : at+s.Bytes : at+s.Bytes]
		at += s.Bytes
	}
	if at != int64(len(body)) || len(out.sections) != len(e.Sections) {
		return nil, f.Damaged
	}
	return out, nil
}

// content gives the file's bytes, mapped or read, with right checksums.
func (f *File) content(r io.ReaderAt, size int64) ([]byte, error) {
	if size < 4 || int64(int(size)) != size {
		return nil, f.format.Damaged
	}
	if m, ok := r.(blob.Mapper); ok {
		if mapping, err := m.Map(); err == nil && int64(len(mapping.Bytes())) == size {
			f.hold = mapping
			return mapping.Bytes(), f.format.check(r, size)
		}
	}
	all := make([]byte, size)
	if _, err := io.ReadFull(io.NewSectionReader(r, 0, size), all); err != nil {
		return nil, fmt.Errorf("read model: %w", err)
	}
	return all, f.format.check(bytes.NewReader(all), size)
}

// bodySize is what a file of size bytes holds beside its checksums.
func (Format) bodySize(size int64) int64 {
	blocks := (size - 4 + blockSize + 3) / (blockSize + 4)
	return max(0, size-4-4*blocks)
}

// check compares the checksums. It reads the blocks instead of touching them where
// they are mapped: that is faster, and pages that nobody asks for stay out of the
// process.
func (f Format) check(r io.ReaderAt, size int64) error {
	body := f.bodySize(size)
	table := make([]byte, size-body)
	if _, err := io.ReadFull(io.NewSectionReader(r, body, size-body), table); err != nil {
		return fmt.Errorf("read model: %w", err)
	}
	sums := table[:len(table)-4]
	if crc32.Checksum(sums, castagnoli) != binary.LittleEndian.Uint32(table[len(sums):]) || int64(len(sums)/4) != (body+blockSize-1)/blockSize {
		return f.Damaged
	}
	var next atomic.Int64
	workers := min(runtime.GOMAXPROCS(0), len(sums)/4)
	errs := make([]error, workers)
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() { errs[w] = f.checkBlocks(r, body, sums, &next) })
	}
	wait.Wait()
	return errors.Join(errs...)
}

// checkBlocks compares the checksums of the blocks that next gives it.
func (f Format) checkBlocks(r io.ReaderAt, body int64, sums []byte, next *atomic.Int64) error {
	block := make([]byte, min(blockSize, body))
	for {
		i := next.Add(1) - 1
		if i*4 >= int64(len(sums)) {
			return nil
		}
		b := block[:min(blockSize, body-i*blockSize)]
		if _, err := io.ReadFull(io.NewSectionReader(r, i*blockSize, int64(len(b))), b); err != nil {
			return fmt.Errorf("read model: %w", err)
		}
		if crc32.Checksum(b, castagnoli) != binary.LittleEndian.Uint32(sums[i*4:]) {
			return f.Damaged
		}
	}
}

// Head reads the recipe's head into to.
func (f *File) Head(to any) error {
	if json.Unmarshal(f.head, to) != nil {
		return f.format.Damaged
	}
	return nil
}

// Hold is what has to stay reachable as long as the sections are used; nil: nothing.
func (f *File) Hold() *blob.Mapping { return f.hold }

// Take gives the section of a name, which has n bytes; nil when it has not, or when
// there is none: Err tells then, which comes before any use.
func (f *File) Take(name string, n int64) []byte {
	s, ok := f.sections[name]
	if !ok || int64(len(s)) != n {
		f.err = f.format.Damaged
		return nil
	}
	delete(f.sections, name)
	return s
}

// TakeNumbers is Take for n numbers.
func TakeNumbers[T float32 | uint32](f *File, name string, n int64) []T {
	if n < 0 || n > 1<<40 {
		f.err = f.format.Damaged
		return nil
	}
	return kernel.View[T](f.Take(name, 4*n))
}

// Err tells whether all sections were there, were of the right length, and were
// taken.
func (f *File) Err() error {
	if f.err == nil && len(f.sections) > 0 {
		return f.format.Damaged
	}
	return f.err
}
