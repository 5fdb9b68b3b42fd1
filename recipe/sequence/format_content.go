package sequence

import (
	"math"

	"usher/recipe/internal/content"
	"usher/recipe/internal/modelfile"
)

// contentHead is what the head of a model file says of metadata. A nil one stands
// for a model without.
type contentHead struct {
	Columns []content.Column `json:"columns"`
	Buckets int64            `json:"buckets"`
	Cold    int64            `json:"cold"` // items without events
	Bias    float32          `json:"bias"` // theirs
	Newness *newness         `json:"newness,omitempty"`
	Passed  bool             `json:"passed,omitempty"` // some were shown and not taken
	Closed  bool             `json:"closed,omitempty"` // new items do not compete here
	Moved   bool             `json:"moved,omitempty"`  // of version 3: the items' vectors are in the file, metadata moved them
}

func (m *Model) contentHead() *contentHead {
	if m.content == nil {
		return nil
	}
	h := &contentHead{Columns: m.content.Columns, Buckets: int64(len(m.content.Rarity)), Closed: m.cold == nil}
	if m.cold != nil {
		h.Cold, h.Bias, h.Newness, h.Passed = int64(m.cold.count()), m.cold.bias, m.cold.newness, m.cold.passed != nil
	}
	return h
}

// fits says whether a file of this size can hold what the head says.
func (h *contentHead) fits(size int64) bool {
	return h == nil || h.Buckets > 0 && h.Buckets <= size && h.Cold >= 0 && h.Cold <= size && !math.IsNaN(float64(h.Bias)) && h.Newness.sound()
}

// The sections of what metadata say: the buckets' rarity, the mean vector and the
// buckets' vectors; of the items without events, unless they are closed, the numbers,
// ascending, the vectors, and the rows nearest to each.
const (
	raritySection     = "content rarity"
	meanSection       = "content mean"
	bucketsSection    = "content buckets"
	newItemsSection   = "new items"
	newVectorsSection = "new vectors"
	newNearSection    = "new near"
	newBornSection    = "new born"
	newPassedSection  = "new passed"
)

func (m *Model) contentSections() []modelfile.Section {
	if m.content == nil {
		return nil
	}
	out := []modelfile.Section{
		modelfile.Numbers(raritySection, m.content.Rarity),
		modelfile.Numbers(meanSection, m.content.Mean),
		modelfile.Numbers(bucketsSection, m.content.Weights),
	}
	if n := m.cold; n != nil {
		out = append(out, modelfile.Numbers(newItemsSection, n.items), modelfile.Numbers(newVectorsSection, n.vectors),
			modelfile.Numbers(newNearSection, n.near))
		if n.newness != nil {
			out = append(out, modelfile.Numbers(newBornSection, n.born))
		}
		if n.passed != nil {
			out = append(out, modelfile.Numbers(newPassedSection, n.passed))
		}
	}
	return out
}

// contentPart is what metadata say, as read from a file.
type contentPart struct {
	content *content.Map
	cold    *newcomers
	vectors []float32 // of version 3: the items', where metadata moved them
}

// take takes what metadata say out of a file.
func (h *contentHead) take(f *modelfile.File, d int64) (s contentPart) {
	if h == nil {
		return s
	}
	s.content = &content.Map{Dim: int(d),
		Features: &content.Features{Columns: h.Columns, Rarity: modelfile.TakeNumbers[float32](f, raritySection, h.Buckets)},
		Mean:     modelfile.TakeNumbers[float32](f, meanSection, d),
		Weights:  modelfile.TakeNumbers[float32](f, bucketsSection, h.Buckets*d)}
	if !h.Closed {
		s.cold = &newcomers{bias: h.Bias,
			items:   modelfile.TakeNumbers[uint32](f, newItemsSection, h.Cold),
			vectors: modelfile.TakeNumbers[float32](f, newVectorsSection, h.Cold*d),
			near:    modelfile.TakeNumbers[uint32](f, newNearSection, h.Cold*nearMost),
			newness: h.Newness}
		if h.Newness != nil {
			s.cold.born = modelfile.TakeNumbers[uint32](f, newBornSection, h.Cold)
		}
		if h.Passed {
			s.cold.passed = modelfile.TakeNumbers[float32](f, newPassedSection, h.Cold)
		}
	}
	return s
}

// sound says whether the numbers of items and rows are some.
func (s contentPart) sound(rows, known int) bool {
	if s.cold == nil {
		return true
	}
	for _, r := range s.cold.near {
		if int64(r) >= int64(rows) {
			return false
		}
	}
	return ascending(s.cold.items, known)
}
