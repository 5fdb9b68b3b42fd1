package content

import (
	"strconv"
	"strings"

	"usher/dataset"
)

// Columns gives the columns of some records from which something can be learnt
// without reading texts: categories and numbers.
func Columns(t *dataset.Table, records []dataset.Index) (out []Column) {
	if t == nil || t.Schema == nil {
		return nil
	}
	for at, field := range t.Schema.Fields {
		if at == t.Schema.ID() || field.Textual || field.Kind == dataset.Vector {
			continue
		}
		if c, ok := column(t, field, at, records); ok {
			out = append(out, c)
		}
	}
	return out
}

// Each calls fn for what a cell of the column says, and how much that weighs: each
// category, the bin of a number and half as much its neighbours, the words of a
// text and the pairs of neighbours. A null says nothing.
func (c *Column) Each(v dataset.Value, fn func(text string, weight float32)) {
	switch {
	case v.Kind == "":
	case c.Cuts != nil:
		number(v.Num, c.Cuts, fn)
	case v.Kind != dataset.String:
	case c.Vector:
		for i, x := range v.Vector() {
			fn(strconv.Itoa(i), x)
		}
	case c.Text:
		words(v.Str, fn)
	default:
		for value := range dataset.Several(v.Str) {
			if value = strings.TrimSpace(value); value != "" {
				fn(value, 1)
			}
		}
	}
}
