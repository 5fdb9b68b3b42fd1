package popularity

import (
	"encoding/binary"
	"errors"
	"io"

	"usher/dataset"
	"usher/recipe"
	"usher/recipe/internal/modelfile"
)

// A model file is little-endian: magic (8 bytes), version, number of items
// known, number of items with users, and of each of them, the most popular
// first, its number and its users; at the end the CRC32C of all before it. All
// but the magic are uint32. docs/formats.md tells the same.
const (
	magic   = "ushrpop\n"
	version = 1
	head    = 8 // behind the version: what comes before the items
)

var errDamaged = errors.New("popularity: model file is damaged")

var format = modelfile.Format{Recipe: "popularity", Magic: magic, Version: version, Damaged: errDamaged}

// Save writes the model for Load.
func (m *Model) Save(w io.Writer) error {
	b := format.Begin(head + 8*len(m.order))
	b = binary.LittleEndian.AppendUint32(b, uint32(m.known))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(m.order)))
	for at, i := range m.order {
		b = binary.LittleEndian.AppendUint32(b, uint32(i))
		b = binary.LittleEndian.AppendUint32(b, m.users[at])
	}
	return format.Write(w, b)
}

// Load reads what Save wrote.
func (Recipe) Load(r io.ReaderAt, size int64) (recipe.Model, error) {
	b, err := format.Read(r, size, head)
	if err != nil {
		return nil, err
	}
	u32 := func(at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
	known, n := u32(0), u32(4)
	if head+8*int64(n) != int64(len(b)) || n > known {
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
