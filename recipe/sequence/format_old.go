package sequence

import (
	"encoding/json"
	"fmt"
	"io"

	"usher/recipe"
	"usher/recipe/internal/content"
	"usher/recipe/internal/nn"
)

// Files of the versions 1 to 3 are streams of numbers: magic, version, the length
// of the head, the head, the item numbers, the table and the other parameters, the
// counters (from version 2 on), what metadata say (in version 3), and a CRC32C of
// all before it. Their length follows from the head, which is checked before
// anything is allocated. They are read, not written any more; docs/formats.md has
// the details.
const (
	plainVersion = 1 // of models without counters and metadata
	blendVersion = 2 // of models without metadata
	oldVersion   = 3
	headMax      = 1 << 20
)

// loadOld reads a file of an earlier version.
func loadOld(r io.ReaderAt, size int64) (recipe.Model, error) {
	in := newReader(io.NewSectionReader(r, 0, size))
	h, err := oldHead(in, size)
	if err != nil {
		return nil, err
	}
	rows, d := h.Shape.Rows-1, h.Shape.Dim
	items := make([]uint32, rows)
	in.numbers(items)
	if !ascending(items, h.Known) {
		return nil, errDamaged
	}
	table, dense := make([]float32, (rows+1)*d), make([]float32, h.Shape.DenseSize())
	in.floats(table)
	in.floats(dense)
	b, ok := h.Blend.read(in, rows)
	c, fine := h.Content.read(in, rows, d, h.Known)
	if !in.intact() || !ok || !fine {
		return nil, errDamaged
	}
	net := nn.Wrap(h.Shape, table, dense)
	if c.vectors == nil {
		c.vectors = net.Items(rows)
	}
	m := newModelOf(net, c.vectors, h.Known, items, h.MaskSeen, h.Choices)
	m.blend, m.content, m.cold = b, c.content, c.cold
	m.project()
	return m, nil
}

// oldHead reads the beginning, and checks it against the size of the file.
func oldHead(in *reader, size int64) (h head, err error) {
	in.bytes(make([]byte, len(magic))) // Load has looked at it
	v, n := in.number(), in.number()
	if in.err != nil || n > headMax || int64(n) > size {
		return h, errDamaged
	}
	raw := make([]byte, n)
	in.bytes(raw)
	if in.err != nil || json.Unmarshal(raw, &h) != nil || !h.sound(size) || h.Shape.Marks != 0 ||
		(h.Content != nil) != (v == oldVersion) || v == plainVersion && h.Blend != nil || v == blendVersion && h.Blend == nil {
		return h, errDamaged
	}
	rows, d, dense := int64(h.Shape.Rows), int64(h.Shape.Dim), int64(h.Shape.DenseSize())
	if want := int64(len(magic)) + 8 + int64(n) + 4*((rows-1)+rows*d+dense) + h.Blend.bytes(rows-1) + h.Content.bytes(rows-1, d) + 4; want != size {
		return h, fmt.Errorf("%w: %d bytes instead of %d", errDamaged, size, want)
	}
	return h, nil
}

// bytes gives the length of the counters in the file.
func (h *blendHead) bytes(items int64) int64 {
	if h == nil {
		return 0
	}
	n := 4 * items
	for _, entries := range h.Tables {
		n += 4 * (items + 1 + 2*entries)
	}
	return n
}

// read reads the counters: the items' numbers of events (float32 each) and, in the
// order of rules, the tables: starts, items and values. It says whether the tables can
// be used.
func (h *blendHead) read(in *reader, items int) (b *blend, ok bool) {
	if h == nil {
		return nil, true
	}
	if h.Users != nil { // there were none then
		return nil, false
	}
	c := &counters{events: make([]float32, items)}
	in.floats(c.events)
	for r := range rules {
		entries, ok := h.Tables[rules[r].name]
		if !ok {
			continue
		}
		t := &table{make([]uint32, items+1), make([]uint32, entries), make([]float32, entries)}
		in.numbers(t.start)
		in.numbers(t.ids)
		in.floats(t.vals)
		if in.err != nil || !t.sound(items) {
			return nil, false
		}
		c.tables[r] = t
	}
	return newBlend(h.weights(), c), true
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

// read reads what metadata say, in the order of the sections of later versions, and
// the others' vectors where metadata moved them. It says whether it can be used.
func (h *contentHead) read(in *reader, items, d, known int) (c contentPart, ok bool) {
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
	if !c.sound(items, known) {
		return c, false
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
