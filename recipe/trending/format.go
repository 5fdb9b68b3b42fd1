package trending

import (
	"encoding/binary"
	"errors"
	"io"
	"time"

	"usher/dataset"
	"usher/recipe"
	"usher/recipe/internal/modelfile"
)

// A model file is little-endian: magic (8 bytes), version, seconds of an
// interval, number of items known, number of items with events, how many of
// these grow, and the items with events in the order of the list; at the end the
// CRC32C of all before it. All but the magic are uint32. docs/formats.md tells
// the same.
const (
	magic   = "ushrtnd\n"
	version = 1
	head    = 16 // behind the version: what comes before the items
)

var errDamaged = errors.New("trending: model file is damaged")

var format = modelfile.Format{Recipe: "trending", Magic: magic, Version: version, Damaged: errDamaged}

// Save writes the model for Load.
func (m *Model) Save(w io.Writer) error {
	b := format.Begin(head + 4*len(m.order))
	for _, x := range []uint32{uint32(m.frequency / time.Second), uint32(m.known), uint32(len(m.order)), uint32(m.rising)} {
		b = binary.LittleEndian.AppendUint32(b, x)
	}
	for _, i := range m.order {
		b = binary.LittleEndian.AppendUint32(b, uint32(i))
	}
	return format.Write(w, b)
}

// Load reads what Save wrote.
func (Recipe) Load(r io.ReaderAt, size int64) (recipe.Model, error) {
	b, err := format.Read(r, size, head)
	if err != nil {
		return nil, err
	}
	u32 := func(at int) uint32 { return binary.LittleEndian.Uint32(b[4*at:]) }
	seconds, known, n, rising := u32(0), u32(1), u32(2), u32(3)
	if head+4*int64(n) != int64(len(b)) || n > known || rising > n || seconds == 0 {
		return nil, errDamaged
	}
	m := &Model{known: int(known), frequency: time.Duration(seconds) * time.Second, rising: int(rising), order: make([]dataset.Index, n)}
	for at := range m.order {
		if m.order[at] = dataset.Index(u32(4 + at)); uint32(m.order[at]) >= known {
			return nil, errDamaged
		}
	}
	if !m.fillPlaces() {
		return nil, errDamaged
	}
	return m, nil
}
