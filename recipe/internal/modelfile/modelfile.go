// Package modelfile is the frame of model files. Of small ones: magic, version, a
// body, and the CRC32C of all before it, little-endian; a file is held in memory as
// a whole. Of large ones: sections that are used where they are mapped (Section,
// File). What body and sections say is the recipe's.
package modelfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// Format says whose files these are. Damaged is the error for bytes that Write
// cannot have written.
type Format struct {
	Recipe  string // in errors
	Magic   string
	Version uint32
	Damaged error
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sumBytes is the length of the checksum.
const sumBytes = 4

// Begin gives magic and version, with room for a body of that length.
func (f Format) Begin(body int) []byte {
	b := make([]byte, 0, len(f.Magic)+4+body+sumBytes)
	return binary.LittleEndian.AppendUint32(append(b, f.Magic...), f.Version)
}

// Write writes what Begin began and the caller went on with.
func (f Format) Write(w io.Writer, b []byte) error {
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("write model: %w", err)
	}
	return nil
}

// VersionOf gives the version that a file of size bytes says it has; an error where it
// is no file of this format.
func (f Format) VersionOf(r io.ReaderAt, size int64) (uint32, error) {
	start := make([]byte, len(f.Magic)+4)
	if _, err := io.ReadFull(io.NewSectionReader(r, 0, size), start); err != nil || string(start[:len(f.Magic)]) != f.Magic {
		return 0, errors.New(f.Recipe + ": not a model file")
	}
	return binary.LittleEndian.Uint32(start[len(f.Magic):]), nil
}

// Read gives the body of a file of size bytes; one of fewer than least bytes is
// damaged.
func (f Format) Read(r io.ReaderAt, size int64, least int) ([]byte, error) {
	b, err := io.ReadAll(io.NewSectionReader(r, 0, size))
	if err != nil {
		return nil, fmt.Errorf("read model: %w", err)
	}
	head := len(f.Magic) + 4
	if len(b) < len(f.Magic) || string(b[:len(f.Magic)]) != f.Magic {
		return nil, errors.New(f.Recipe + ": not a model file")
	}
	if int64(len(b)) != size || len(b) < head+least+sumBytes {
		return nil, f.Damaged
	}
	if v := binary.LittleEndian.Uint32(b[len(f.Magic):]); v != f.Version {
		return nil, fmt.Errorf("%s: model file has version %d, this program reads %d", f.Recipe, v, f.Version)
	}
	end := len(b) - sumBytes
	if crc32.Checksum(b[:end], castagnoli) != binary.LittleEndian.Uint32(b[end:]) {
		return nil, f.Damaged
	}
	return b[head:end], nil
}
