package trending

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"usher/dataset"
	"usher/recipe"
)

// A model file is little-endian: magic (8 bytes), version, seconds of an
// interval, number of items known, number of items with events, how many of
// these grow, and the items with events in the order of the list; at the end the
// CRC32C of all before it. All but the magic are uint32. docs/formats.md tells
// the same.
const (
	magic   = "ushrtnd\n"
	version = 1
	head    = len(magic) + 20
)

var errDamaged = errors.New("trending: model file is damaged")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Save writes the model for Load.
func (m *Model) Save(w io.Writer) error {
	b := make([]byte, 0, head+4*len(m.order)+4)
	b = append(b, magic...)
	for _, x := range []uint32{version, uint32(m.frequency / time.Second), uint32(m.known), uint32(len(m.order)), uint32(m.rising)} {
		b = binary.LittleEndian.AppendUint32(b, x)
	}
	for _, i := range m.order {
		b = binary.LittleEndian.AppendUint32(b, uint32(i))
	}
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("write model: %w", err)
	}
	return nil
}

// Load reads what Save wrote.
func (Recipe) Load(r io.ReaderAt, size int64) (recipe.Model, error) {
	b, err := io.ReadAll(io.NewSectionReader(r, 0, size))
	if err != nil {
		return nil, fmt.Errorf("read model: %w", err)
	}
	if len(b) < len(magic) || string(b[:len(magic)]) != magic {
		return nil, errors.New("trending: not a model file")
	}
	if int64(len(b)) != size || len(b) < head+4 {
		return nil, errDamaged
	}
	u32 := func(at int) uint32 { return binary.LittleEndian.Uint32(b[len(magic)+4*at:]) }
	if v := u32(0); v != version {
		return nil, fmt.Errorf("trending: model file has version %d, this program reads %d", v, version)
	}
	body := len(b) - 4
	if crc32.Checksum(b[:body], castagnoli) != binary.LittleEndian.Uint32(b[body:]) {
		return nil, errDamaged
	}
	seconds, known, n, rising := u32(1), u32(2), u32(3), u32(4)
	if int64(head)+4*int64(n)+4 != size || n > known || rising > n || seconds == 0 {
		return nil, errDamaged
	}
	m := &Model{known: int(known), frequency: time.Duration(seconds) * time.Second, rising: int(rising), order: make([]dataset.Index, n)}
	for at := range m.order {
		if m.order[at] = dataset.Index(u32(5 + at)); uint32(m.order[at]) >= known {
			return nil, errDamaged
		}
	}
	if !m.fillPlaces() {
		return nil, errDamaged
	}
	return m, nil
}
