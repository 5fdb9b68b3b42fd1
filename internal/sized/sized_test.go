package sized

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"testing"
)

var errDamaged = errors.New("damaged")

// file is two things of four bytes, and a number.
func file() []byte {
	b := binary.LittleEndian.AppendUint64(nil, 2)
	b = append(b, "onesecnd"...)
	b = binary.LittleEndian.AppendUint32(b, 7)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func read(b []byte) (things string, n uint32, err error) {
	r := New(bytes.NewReader(b), int64(len(b)), errDamaged)
	list := make([]byte, 4*r.Count(4))
	r.Fill(list)
	n = r.U32()
	return string(list), n, r.End()
}

func TestReader(t *testing.T) {
	if things, n, err := read(file()); things != "onesecnd" || n != 7 || err != nil {
		t.Errorf("%q, %d, %v", things, n, err)
	}
	if _, _, err := read(append(file(), 0)); !errors.Is(err, errDamaged) {
		t.Errorf("a byte more: %v", err)
	}
}

// TestDamage: every cut and every wrong bit is found, and asks for no more memory
// than the file has.
func TestDamage(t *testing.T) {
	whole := file()
	for n := range whole {
		if things, _, err := read(whole[:n]); err == nil || len(things) > len(whole) {
			t.Errorf("cut to %d bytes: %q, %v", n, things, err)
		}
		for bit := range 8 {
			b := bytes.Clone(whole)
			b[n] ^= 1 << bit
			if things, _, err := read(b); !errors.Is(err, errDamaged) || len(things) > len(whole) {
				t.Errorf("bit %d of byte %d: %q, %v", bit, n, things, err)
			}
		}
	}
}
