package modelfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
	"testing"
)

var testFormat = Format{Recipe: "test", Magic: "ushrtst\n", Version: 7, Damaged: errors.New("test: damaged")}

type testHead struct {
	Rows int `json:"rows"`
}

// file gives a file with a few sections, of more than a block when large.
func file(t testing.TB, large int) []byte {
	t.Helper()
	var out bytes.Buffer
	err := testFormat.WriteSections(&out, testHead{3}, []Section{
		Numbers("rows", []uint32{1, 2, 3}), {Name: "text", Data: []byte("a")}, {Name: "none"}, Numbers("floats", make([]float32, large))})
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func open(b []byte) (*File, error) {
	return testFormat.OpenSections(bytes.NewReader(b), int64(len(b)))
}

// What was written is read, aligned, whatever the number of blocks.
func TestSectionsAreRead(t *testing.T) {
	for _, large := range []int{0, 1, 1000, blockSize/4 - 200, blockSize / 4, blockSize/4 + 1, blockSize} {
		raw := file(t, large)
		f, err := open(raw)
		if err != nil {
			t.Fatalf("%d: %v", large, err)
		}
		var h testHead
		if err := f.Head(&h); err != nil || h.Rows != 3 {
			t.Errorf("head %v, %v", h, err)
		}
		if got := TakeNumbers[uint32](f, "rows", 3); !slices.Equal(got, []uint32{1, 2, 3}) {
			t.Errorf("rows %v", got)
		}
		if got := f.Take("text", 1); string(got) != "a" {
			t.Errorf("text %q", got)
		}
		if f.Err() == nil {
			t.Error("sections that nobody took are passed over")
		}
		f.Take("none", 0)
		if got := TakeNumbers[float32](f, "floats", int64(large)); len(got) != large || f.Err() != nil {
			t.Errorf("%d floats, want %d, %v", len(got), large, f.Err())
		}
		if at := bytes.Index(raw, []byte{1, 0, 0, 0, 2, 0, 0, 0}); at%align != 0 {
			t.Errorf("the rows begin at %d", at)
		}
	}
}

// A section that is not there, or is of another length, is damage.
func TestSectionsThatAreMissing(t *testing.T) {
	for _, take := range []func(f *File){
		func(f *File) { f.Take("rows", 8) },
		func(f *File) { f.Take("other", 0) },
		func(f *File) { TakeNumbers[uint32](f, "rows", -1) },
		func(f *File) { TakeNumbers[uint32](f, "rows", 1<<60) },
		func(f *File) { f.Take("rows", 12); f.Take("rows", 12) },
	} {
		f, err := open(file(t, 5))
		if err != nil {
			t.Fatal(err)
		}
		if take(f); !errors.Is(f.Err(), testFormat.Damaged) {
			t.Errorf("taken: %v", f.Err())
		}
	}
}

// Every bit counts, in gaps too, and so does the length.
func TestDamagedSectionsAreRefused(t *testing.T) {
	for _, large := range []int{40, blockSize/4 + 1000} {
		raw := file(t, large)
		step := 1 + len(raw)/700
		for i := 0; i < len(raw); i += step {
			bad := slices.Clone(raw)
			bad[i] ^= 1 << (i % 8)
			if _, err := open(bad); err == nil {
				t.Fatalf("byte %d of %d changed: opened", i, len(raw))
			}
		}
		for _, n := range []int{0, 1, 3, 4, 8, 16, 20, len(raw) / 2, len(raw) - 4, len(raw) - 1} {
			if _, err := open(raw[:n]); err == nil {
				t.Errorf("cut to %d bytes: opened", n)
			}
		}
		if _, err := open(append(slices.Clone(raw), 0, 0, 0, 0)); err == nil {
			t.Error("four bytes too many: opened")
		}
	}
}

// Whatever the head says, with right checksums, nothing beyond the file is touched.
func FuzzSections(f *testing.F) {
	f.Add(file(f, 5), "rows", int64(3))
	f.Add([]byte("ushrtst\n\x07\x00\x00\x00\x02\x00\x00\x00{}"), "x", int64(0))
	f.Fuzz(func(t *testing.T, raw []byte, name string, n int64) {
		if len(raw) > blockSize || len(raw) < 8 {
			return
		}
		body := len(raw) - 8
		raw = binary.LittleEndian.AppendUint32(slices.Clone(raw[:body]), crc32.Checksum(raw[:body], castagnoli))
		raw = binary.LittleEndian.AppendUint32(raw, crc32.Checksum(raw[body:], castagnoli))
		file, err := open(raw)
		if err != nil {
			return
		}
		if got := TakeNumbers[uint32](file, name, n); file.err == nil && int64(len(got)) != n {
			t.Errorf("%d numbers, want %d", len(got), n)
		}
	})
}
