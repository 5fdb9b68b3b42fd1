package sequence

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"

	"usher/kernel"
	"usher/recipe"
	"usher/recipe/internal/modelfile"
	"usher/recipe/internal/nn"
)

// A model file is one of sections (recipe/internal/modelfile), which are used where
// they are mapped: the item numbers, the network's table and its other parameters,
// the items' vectors, their eight-bit copies where passes use them, the counters,
// what metadata say, and side information. Files of the versions before are read too
// (format_old.go). docs/formats.md tells the same.
const (
	magic   = "ushrseq\n"
	version = 4
)

// errDamaged is for bytes that Save cannot have written.
var errDamaged = errors.New("sequence: model file is damaged")

var format = modelfile.Format{Recipe: "sequence", Magic: magic, Version: version, Damaged: errDamaged}

// head is the JSON part.
type head struct {
	Known    int             `json:"known"`
	Shape    nn.Shape        `json:"shape"`
	MaskSeen bool            `json:"mask_seen"`
	Choices  *recipe.Choices `json:"choices"`
	Blend    *blendHead      `json:"blend,omitempty"`
	Content  *contentHead    `json:"content,omitempty"`
	Sides    *sidesHead      `json:"sides,omitempty"`
	Shown    shownWeight     `json:"shown,omitempty"`

	Objective *objectiveHead `json:"objective,omitempty"`
}

// sound says whether what the head says can be of a file of this size.
func (h *head) sound(size int64) bool {
	return h.Shape.Check() == nil && (h.Shape.Marks == 0 || h.Shape.Marks == gapMarks) && h.Shape.Rows > 1 && h.Known >= h.Shape.Rows-1 && h.Known <= 1<<31 &&
		int64(h.Known) <= 64*size+1<<20 && // it is the length of a table in memory
		h.Blend.fits(size) && h.Content.fits(size) && h.Sides.fits(size) && h.Shown.sound() && h.Objective.sound()
}

// Save writes the model for Load.
func (m *Model) Save(w io.Writer) error {
	defer runtime.KeepAlive(m)
	h := head{m.known, m.net.Shape, m.maskSeen, m.chosen, m.blend.head(), m.contentHead(), m.sides.head(), m.shown, m.objective.head()}
	return format.WriteSections(w, h, m.sections())
}

// The names of the sections that every model has, and of the eight-bit copies.
const (
	itemsSection   = "items"
	tableSection   = "table"
	denseSection   = "dense"
	vectorsSection = "vectors"

	quantisedSection = "quantised"
	scaleSection     = "quantised scales"
	boundsSection    = "quantised bounds"
)

func (m *Model) sections() []modelfile.Section {
	out := []modelfile.Section{
		modelfile.Numbers(itemsSection, m.items),
		modelfile.Numbers(tableSection, m.net.Table),
		modelfile.Numbers(denseSection, m.net.Dense),
		modelfile.Numbers(vectorsSection, m.vectors),
	}
	if q := m.scanner.quantised; q != nil {
		s := q.Stored()
		out = append(out, modelfile.Section{Name: quantisedSection, Data: s.Bytes}, modelfile.Numbers(scaleSection, s.Scale),
			modelfile.Section{Name: boundsSection, Data: boundsBytes(s.Bounds)})
	}
	return slices.Concat(out, m.blend.sections(), m.contentSections(), m.sides.sections(), m.objectiveSections())
}

// boundsBytes gives two float64s as they lie in the file.
func boundsBytes(x [2]float64) []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, math.Float64bits(x[0])), math.Float64bits(x[1]))
}

// Load reads what Save wrote, of this version or an earlier one.
func (Recipe) Load(r io.ReaderAt, size int64) (recipe.Model, error) {
	v, err := format.VersionOf(r, size)
	switch {
	case err != nil:
		return nil, err
	case v >= plainVersion && v < version:
		return loadOld(r, size)
	case v != version:
		return nil, fmt.Errorf("sequence: model file has version %d, this program reads %d to %d", v, plainVersion, version)
	}
	f, err := format.OpenSections(r, size)
	if err != nil {
		return nil, err
	}
	m, err := fromSections(f, size)
	if err != nil {
		return nil, err // not m, which is no nil recipe.Model
	}
	m.project()
	return m, nil
}

// projectMost bounds the memory that is given for quicker encoding: it is worth it
// for catalogues of up to 130,000 items at width 64, of twice as many where they are kept
// in bfloat16; larger ones wake sooner.
const projectMost = 128 << 20

// project makes encoding quicker where that takes little.
func (m *Model) project() {
	if m.net.ProjectedBytes() <= projectMost {
		m.net.Project()
	}
}

// fromSections makes a model that lies in the file.
func fromSections(f *modelfile.File, size int64) (*Model, error) {
	var h head
	if err := f.Head(&h); err != nil || !h.sound(size) {
		return nil, errDamaged
	}
	rows, d := int64(h.Shape.Rows-1), int64(h.Shape.Dim)
	m := &Model{known: h.Known, maskSeen: h.MaskSeen, chosen: h.Choices, shown: h.Shown, hold: f.Hold()}
	m.items = modelfile.TakeNumbers[uint32](f, itemsSection, rows)
	table := modelfile.TakeNumbers[float32](f, tableSection, (rows+1)*d)
	dense := modelfile.TakeNumbers[float32](f, denseSection, int64(h.Shape.DenseSize()))
	m.vectors = modelfile.TakeNumbers[float32](f, vectorsSection, rows*d)
	stored, large := kernel.Stored{}, rows*d >= quantisedFrom
	if large {
		stored = takeQuantised(f, rows, d)
	}
	tables := h.Blend.take(f, rows)
	said := h.Content.take(f, d)
	beside := h.Sides.take(f)
	wanted := h.Objective.take(f, rows, said.cold)
	if err := f.Err(); err != nil {
		return nil, err
	}
	if !ascending(m.items, h.Known) || !tables.sound(int(rows)) || !said.sound(int(rows), h.Known) || !beside.sound(int(rows)) {
		return nil, errDamaged
	}
	var q *kernel.Quantised
	if large {
		var err error
		if q, err = stored.Quantised(int(rows), int(d)); err != nil {
			return nil, errDamaged
		}
	}
	m.net = nn.Wrap(h.Shape, table, dense)
	if tables != nil {
		m.blend = newBlend(h.Blend.weights(), tables)
	}
	m.content, m.cold, m.sides = said.content, said.cold, beside
	m.prepare(q)
	if wanted != nil {
		m.pursue(wanted)
	}
	return m, nil
}

// takeQuantised takes the eight-bit copies of rows vectors.
func takeQuantised(f *modelfile.File, rows, d int64) (s kernel.Stored) {
	bytes, scales := kernel.StoredSizes(rows, d)
	s.Bytes = f.Take(quantisedSection, bytes)
	s.Scale = modelfile.TakeNumbers[float32](f, scaleSection, scales)
	if b := f.Take(boundsSection, 16); b != nil {
		s.Bounds[0] = math.Float64frombits(binary.LittleEndian.Uint64(b))
		s.Bounds[1] = math.Float64frombits(binary.LittleEndian.Uint64(b[8:]))
	}
	return s
}

// ascending says whether numbers of items ascend and are below known.
func ascending(items []uint32, known int) bool {
	for i, x := range items {
		if int64(x) >= int64(known) || i > 0 && x <= items[i-1] {
			return false
		}
	}
	return true
}
