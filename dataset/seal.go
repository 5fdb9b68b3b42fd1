package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// A seal is a CRC32C over a whole Parquet file, kept in the file's own metadata:
// computed with unsealed in its place. The decoder, which trusts lengths that it
// reads, sees a file only when its seal holds.
const (
	keySeal  = "usher.file.crc32c"
	unsealed = "--------" // as long as a checksum in hexadecimal digits
)

// sealHead stands between key and value: a Thrift string of eight bytes.
var sealHead = []byte{0x18, byte(len(unsealed))}

// sealAt gives where in a file its seal is: behind the last such key, as the
// metadata come behind the rows.
func sealAt(file []byte) (int, bool) {
	at := bytes.LastIndex(file, []byte(keySeal))
	if at < 0 {
		return 0, false
	}
	rest := file[at+len(keySeal):]
	if !bytes.HasPrefix(rest, sealHead) || len(rest) < len(sealHead)+len(unsealed) {
		return 0, false
	}
	return at + len(keySeal) + len(sealHead), true
}

// sealOf computes the seal that a file should have at that place.
func sealOf(file []byte, at int) string {
	sum := crc32.Update(0, castagnoli, file[:at])
	sum = crc32.Update(sum, castagnoli, []byte(unsealed))
	sum = crc32.Update(sum, castagnoli, file[at+len(unsealed):])
	return fmt.Sprintf("%08x", sum)
}

// seal seals a file that was written with unsealed as its seal.
func seal(file []byte) error {
	at, ok := sealAt(file)
	if !ok {
		return errors.New("no place for the checksum")
	}
	copy(file[at:], sealOf(file, at))
	return nil
}

// readSealed reads a file whole and checks its seal.
func readSealed(r io.ReaderAt, size int64) ([]byte, error) {
	file := make([]byte, size)
	if n, err := r.ReadAt(file, 0); n < len(file) {
		return nil, cmpErr(err)
	}
	at, ok := sealAt(file)
	if !ok {
		return nil, errors.New("damaged file: it has no checksum")
	}
	if got, want := string(file[at:at+len(unsealed)]), sealOf(file, at); got != want {
		return nil, fmt.Errorf("damaged file: its checksum is %s, and %q is written in it", want, got)
	}
	return file, nil
}
