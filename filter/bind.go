package filter

import (
	"slices"
	"strings"

	"usher/dataset"
)

// bound is a condition whose values are known: those of this request.
type bound struct {
	*condition
	texts  []string   // of columns of strings
	ranges []keyRange // of columns of numbers
	all    bool
	ids    []dataset.Index // of the id column: the records that the texts name
}

// bind gives a condition its values.
func (c *condition) bind(args arguments, number func(id string) dataset.Index, item dataset.Row) (bound, error) {
	b := bound{condition: c, all: c.all}
	add := func(s string) error {
		if c.kind == dataset.String {
			b.texts = append(b.texts, s)
			return nil
		}
		if truth, ok := truths[strings.ToLower(s)]; ok && c.kind == dataset.Boolean {
			s = truth
		}
		n, err := parseNumber(s)
		if err == nil {
			b.compare(n)
		}
		return err
	}
	for _, v := range c.values {
		if !v.param {
			if err := add(v.s); err != nil {
				return bound{}, err
			}
			continue
		}
		list := args[v.s]
		if (c.op != in || c.match == like) && len(list) > 1 {
			return bound{}, badArgument("The filter parameter %s stands behind a comparison and takes one value; %d were given.", v.s, len(list))
		}
		for _, s := range list {
			if err := add(s); err != nil {
				return bound{}, badArgument("The value %q of the filter parameter %s is not a number, but it is compared with a column of numbers.", clip(s), v.s)
			}
			b.all = b.all || c.event && s == "*"
		}
	}
	if c.current >= 0 {
		b.bindItem(item)
	}
	if c.id {
		for _, t := range b.texts {
			if i := number(t); i != dataset.NoIndex {
				b.ids = append(b.ids, i)
			}
		}
	}
	return b, nil
}

// compare takes a number that a column is compared with. Event values are kept as
// float32. Of the two of BETWEEN the first is the lower end.
func (b *bound) compare(n numeral) {
	if b.ofEvents() && b.eventColumn == valueColumn {
		n = numeral{f: float64(float32(n.f))}
	}
	switch {
	case b.match != between:
		b.ranges = append(b.ranges, rangeOf(b.kind, b.op, n))
	case len(b.ranges) == 0:
		b.ranges = append(b.ranges, rangeOf(b.kind, greaterEqual, n))
	default:
		to := rangeOf(b.kind, lessEqual, n)
		b.ranges[0] = keyRange{max(b.ranges[0].lo, to.lo), min(b.ranges[0].hi, to.hi)}
	}
}

// bindItem takes the values of a column of the current item. Without a value
// nothing is in the list, and no comparison holds.
func (b *bound) bindItem(item dataset.Row) {
	if b.current >= len(item) || item[b.current].Kind == "" {
		return
	}
	v := item[b.current]
	if b.kind != dataset.String {
		b.ranges = append(b.ranges, rangeOf(b.kind, b.op, numeralOf(v)))
		return
	}
	if !b.currentSeveral {
		b.texts = append(b.texts, v.Str)
		return
	}
	for part := range strings.SplitSeq(v.Str, "|") {
		b.texts = append(b.texts, part)
	}
}

// matches judges a record.
func (b *bound) matches(i dataset.Index, row dataset.Row) bool {
	return b.holds(i, row) != b.negate
}

func (b *bound) holds(i dataset.Index, row dataset.Row) bool {
	if b.id {
		return slices.Contains(b.ids, i)
	}
	if b.field >= len(row) {
		return b.match == isNull
	}
	return b.holdsValue(row[b.field])
}

// holdsValue judges a cell.
func (b *bound) holdsValue(v dataset.Value) bool {
	if v.Kind == "" || b.match == isNull {
		return v.Kind == "" && b.match == isNull
	}
	switch {
	case b.kind != dataset.String:
		k := keyOf(v)
		return slices.ContainsFunc(b.ranges, func(r keyRange) bool { return r.has(k) })
	case !b.several:
		return b.hasText(v.Str)
	}
	for part := range dataset.Several(v.Str) {
		if b.hasText(part) {
			return true
		}
	}
	return false
}

// types says for each event type whether the condition holds.
func (b *bound) types(names []string) []bool {
	out := make([]bool, len(names))
	for i, name := range names {
		hit := b.all || b.hasText(name)
		out[i] = hit != b.negate
	}
	return out
}
