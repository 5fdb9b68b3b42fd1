package affinity

import (
	"encoding/binary"
	"errors"
	"io"
	"math"

	"usher/recipe"
	"usher/recipe/internal/modelfile"
)

// A model file is little-endian: magic (8 bytes), version, number of items known,
// number of users, number of entries, whether items are had once; of each user the number of entries up to his
// last; of each entry its item, and of each its weight as a float32; at the end the
// CRC32C of all before it. All else but the magic are uint32. docs/formats.md tells
// the same.
const (
	magic   = "ushraff\n"
	version = 1
	head    = 16 // behind the version: what comes before the users
)

var errDamaged = errors.New("affinity: model file is damaged")

var format = modelfile.Format{Recipe: "affinity", Magic: magic, Version: version, Damaged: errDamaged}

// Save writes the model for Load.
func (m *Model) Save(w io.Writer) error {
	b := format.Begin(head + 4*len(m.start) + 8*len(m.items))
	u32 := func(x uint32) { b = binary.LittleEndian.AppendUint32(b, x) }
	u32(uint32(m.known))
	u32(uint32(len(m.start) - 1))
	u32(uint32(len(m.items)))
	once := uint32(0)
	if m.once {
		once = 1
	}
	u32(once)
	for _, end := range m.start[1:] {
		u32(end)
	}
	for _, i := range m.items {
		u32(i)
	}
	for _, x := range m.weights {
		u32(math.Float32bits(x))
	}
	return format.Write(w, b)
}

func load(r io.ReaderAt, size int64, neighbours bool) (recipe.Model, error) {
	b, err := format.Read(r, size, head)
	if err != nil {
		return nil, err
	}
	at := 0
	u32 := func() uint32 { at += 4; return binary.LittleEndian.Uint32(b[at-4:]) }
	known, users, entries, once := u32(), u32(), u32(), u32()
	if head+4*int64(users)+8*int64(entries) != int64(len(b)) || once > 1 {
		return nil, errDamaged
	}
	m := &Model{neighbours: neighbours, once: once == 1, known: int(known), start: make([]uint32, users+1), items: make([]uint32, entries), weights: make([]float32, entries)}
	for u := range users {
		if m.start[u+1] = u32(); m.start[u+1] < m.start[u] || m.start[u+1] > entries {
			return nil, errDamaged
		}
	}
	for k := range m.items {
		if m.items[k] = u32(); m.items[k] >= known {
			return nil, errDamaged
		}
	}
	for k := range m.weights {
		if m.weights[k] = math.Float32frombits(u32()); !(m.weights[k] > 0) {
			return nil, errDamaged
		}
	}
	if m.start[users] != entries {
		return nil, errDamaged
	}
	m.index()
	return m, nil
}
