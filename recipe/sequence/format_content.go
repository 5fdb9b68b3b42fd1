package sequence

import (
	"math"
	"slices"

	"usher/recipe/internal/content"
)

// contentHead is what the head of a model file says of metadata. A nil one stands
// for a model without.
type contentHead struct {
	Columns []content.Column `json:"columns"`
	Buckets int64            `json:"buckets"`
	Cold    int64            `json:"cold"`             // items without events
	Bias    float32          `json:"bias"`             // theirs
	Closed  bool             `json:"closed,omitempty"` // new items do not compete here
	Moved   bool             `json:"moved"`            // the items' vectors are in the file: metadata moved them
}

func (m *Model) contentHead() *contentHead {
	if m.content == nil {
		return nil
	}
	h := &contentHead{Columns: m.content.Columns, Buckets: int64(len(m.content.Rarity)), Closed: m.cold == nil, Moved: m.moved()}
	if m.cold != nil {
		h.Cold, h.Bias = int64(m.cold.count()), m.cold.bias
	}
	return h
}

// moved says whether the items' vectors are not the network's.
func (m *Model) moved() bool { return !slices.Equal(m.vectors, m.net.Items(len(m.items))) }

// fits says whether a file of this size can hold what the head says.
func (h *contentHead) fits(size int64) bool {
	return h == nil || h.Buckets > 0 && h.Buckets <= size && h.Cold >= 0 && h.Cold <= size && !math.IsNaN(float64(h.Bias))
}

// bytes gives the length of the metadata in the file.
func (h *contentHead) bytes(items, d int64) int64 {
	if h == nil {
		return 0
	}
	n := 4 * (h.Buckets*(d+1) + d + h.Cold*(d+1+nearMost))
	if h.Moved {
		n += 4 * items * d
	}
	return n
}

// writeContent writes the buckets' rarity, the mean and the buckets' weights, the
// numbers, vectors and nearest rows of items without events, and the vectors of the others when
// metadata moved them. Numbers are uint32, all else float32.
func (m *Model) writeContent(out *writer) {
	if m.content == nil {
		return
	}
	out.floats(m.content.Rarity)
	out.floats(m.content.Mean)
	out.floats(m.content.Weights)
	if m.cold != nil {
		out.numbers(m.cold.items)
		out.floats(m.cold.vectors)
		out.numbers(m.cold.near)
	}
	if m.moved() {
		out.floats(m.vectors)
	}
}

// readContent is what read reads.
type readContent struct {
	content *content.Map
	cold    *newcomers
	vectors []float32 // nil: the network's
}

// read reads what writeContent wrote. It says whether it can be used.
func (h *contentHead) read(in *reader, items, d, known int) (c readContent, ok bool) {
	if h == nil {
		return c, true
	}
	f := &content.Features{Columns: h.Columns, Rarity: make([]float32, h.Buckets)}
	c.content = &content.Map{Features: f, Dim: d, Mean: make([]float32, d), Weights: make([]float32, int(h.Buckets)*d)}
	in.floats(f.Rarity)
	in.floats(c.content.Mean)
	in.floats(c.content.Weights)
	c.cold = &newcomers{items: make([]uint32, h.Cold), vectors: make([]float32, int(h.Cold)*d), near: make([]uint32, h.Cold*nearMost), bias: h.Bias}
	in.numbers(c.cold.items)
	in.floats(c.cold.vectors)
	in.numbers(c.cold.near)
	for _, r := range c.cold.near {
		if int64(r) >= int64(items) {
			return c, false
		}
	}
	for i, x := range c.cold.items {
		if int64(x) >= int64(known) || i > 0 && x <= c.cold.items[i-1] {
			return c, false
		}
	}
	if h.Closed {
		c.cold = nil
	}
	if h.Moved {
		c.vectors = make([]float32, items*d)
		in.floats(c.vectors)
	}
	return c, true
}
