package popularity

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"usher/dataset"
	"usher/recipe"
)

// A model file is little-endian: magic (8 bytes), version, number of items
// known, number of items with users, and of each of them, the most popular
// first, its number and its users; at the end the CRC32C of all before it. All
// but the magic are uint32. docs/formats.md tells the same.
const (
	magic   = "ushrpop\n"
	version = 1
	head    = len(magic) + 12
)

var errDamaged = errors.New("popularity: model file is damaged")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Save writes the model for Load.
func (m *Model) Save(w io.Writer) error {
	b := make([]byte, 0, head+8*len(m.order)+4)
	b = append(b, magic...)
	for _, x := range []uint32{version, uint32(m.known), uint32(len(m.order))} {
		b = binary.LittleEndian.AppendUint32(b, x)
	}
	for at, i := range m.order {
		b = binary.LittleEndian.AppendUint32(b, uint32(i))
		b = binary.LittleEndian.AppendUint32(b, m.users[at])
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
		return nil, errors.New("popularity: not a model file")
	}
	if int64(len(b)) != size || len(b) < head+4 {
		return nil, errDamaged
	}
	u32 := func(at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
	if v := u32(len(magic)); v != version {
		return nil, fmt.Errorf("popularity: model file has version %d, this program reads %d", v, version)
	}
	if body := len(b) - 4; crc32.Checksum(b[:body], castagnoli) != u32(body) {
		return nil, errDamaged
	}
	known, n := u32(len(magic)+4), u32(len(magic)+8)
	if int64(head)+8*int64(n)+4 != size || n > known {
		return nil, errDamaged
	}
	order, users := make([]dataset.Index, n), make([]uint32, n)
	for at := range order {
		order[at], users[at] = dataset.Index(u32(head+8*at)), u32(head+8*at+4)
		if uint32(order[at]) >= known || users[at] == 0 {
			return nil, errDamaged
		}
	}
	m := newModel(int(known), order, users)
	if m == nil {
		return nil, errDamaged
	}
	return m, nil
}
