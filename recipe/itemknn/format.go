package itemknn

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"

	"usher/dataset"
	"usher/recipe"
	"usher/recipe/internal/modelfile"
)

// A model file is one of sections (recipe/internal/modelfile): of each row, the most
// popular first, its item; of each row its number of neighbours; the neighbours of all
// rows, as rows. docs/formats.md tells the same.
const (
	magic   = "ushrknn\n"
	version = 2

	itemsSection      = "items"
	degreesSection    = "degrees"
	neighboursSection = "neighbours"
)

var errDamaged = errors.New("itemknn: model file is damaged")

var format = modelfile.Format{Recipe: "itemknn", Magic: magic, Version: version, Damaged: errDamaged}

// head is the JSON part.
type head struct {
	Known      uint32 `json:"known"`
	Rows       int64  `json:"rows"`
	Neighbours int64  `json:"neighbours"`
}

// Save writes the model for Load.
func (m *Model) Save(w io.Writer) error {
	defer runtime.KeepAlive(m)
	items, degrees := make([]uint32, len(m.items)), make([]uint32, len(m.near))
	for r, i := range m.items {
		items[r] = uint32(i)
	}
	for r, list := range m.near {
		degrees[r] = uint32(len(list))
	}
	all := slices.Concat(m.near...)
	return format.WriteSections(w, head{uint32(m.known), int64(len(items)), int64(len(all))}, []modelfile.Section{
		modelfile.Numbers(itemsSection, items), modelfile.Numbers(degreesSection, degrees), modelfile.Numbers(neighboursSection, all)})
}

// Load reads what Save wrote, of this version or the one before.
func (Recipe) Load(r io.ReaderAt, size int64) (recipe.Model, error) {
	v, err := format.VersionOf(r, size)
	if err != nil {
		return nil, err
	}
	read := fromSections
	switch v {
	case version:
	case oldVersion:
		read = loadOld
	default:
		return nil, fmt.Errorf("itemknn: model file has version %d, this program reads %d and %d", v, oldVersion, version)
	}
	m, err := read(r, size)
	if err != nil {
		return nil, err // not m, which is no nil recipe.Model
	}
	return m, nil
}

// fromSections makes a model whose neighbours lie in the file.
func fromSections(r io.ReaderAt, size int64) (*Model, error) {
	f, err := format.OpenSections(r, size)
	if err != nil {
		return nil, err
	}
	var h head
	if err := f.Head(&h); err != nil {
		return nil, err
	}
	items := modelfile.TakeNumbers[uint32](f, itemsSection, h.Rows)
	degrees := modelfile.TakeNumbers[uint32](f, degreesSection, h.Rows)
	all := modelfile.TakeNumbers[uint32](f, neighboursSection, h.Neighbours)
	if err := f.Err(); err != nil {
		return nil, err
	}
	index, near := make([]dataset.Index, len(items)), make([][]uint32, len(items))
	for row, d := range degrees {
		if int64(d) > int64(len(all)) {
			return nil, errDamaged
		}
		if index[row] = dataset.Index(items[row]); d > 0 {
			near[row], all = all[:d:d], all[d:]
		}
	}
	if len(all) > 0 || int64(h.Rows) > int64(h.Known) || int64(h.Known) > 64*size+1<<20 || !sound(h.Known, items, near) {
		return nil, errDamaged
	}
	m := newModel(int(h.Known), index, near, nil)
	m.hold = f.Hold()
	runtime.KeepAlive(f)
	return m, nil
}

// sound says that no number of the file leads out of a table, that no item has
// two rows, and that nothing is its own or twice a neighbour. The checksum is
// known to be right.
func sound(known uint32, items []uint32, near [][]uint32) bool {
	seen := dataset.NewSet(int(known))
	for _, i := range items {
		if i >= known || seen.Has(dataset.Index(i)) {
			return false
		}
		seen.Add(dataset.Index(i))
	}
	last := make([]uint32, len(items)) // the row whose neighbour it was last, + 1
	for r, list := range near {
		for _, j := range list {
			if int64(j) >= int64(len(items)) || int(j) == r || last[j] == uint32(r+1) {
				return false
			}
			last[j] = uint32(r + 1)
		}
	}
	return true
}
