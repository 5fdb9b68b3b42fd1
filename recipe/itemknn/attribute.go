package itemknn

import (
	"math"
	"slices"
	"strings"
	"unicode"

	"usher/dataset"
)

// attributes are what the metadata say of items: the values of categorical
// columns (each of a multi-valued one) and the words of textual ones. They weigh
// by rarity, log(1+items/holders), and two items are as similar as the cosine of
// their weights.
//
// Rows are those of the events, then the items that nobody had but that have
// attributes. Of an attribute that very many items have the most popular holders
// count (mostHolders): it says little, and this bounds the time by the number of
// attributes of all items times mostHolders.
type attributes struct {
	items   []dataset.Index // by row
	of      [][]uint32      // attributes by row, each once
	holders [][]uint32      // rows by attribute, ascending
	weight  []float64       // by attribute
	norm    []float64       // by row
	popular []float64       // by row: what its users make of a cosine
}

// mostHolders bounds the rows that are compared for one attribute.
const mostHolders = 2000

// newAttributes reads the metadata of all items; nil when there are none. warm are
// the items with events.
func newAttributes(data *dataset.Snapshot, warm []dataset.Index) *attributes {
	t := data.ItemTable
	if t == nil || t.Schema == nil {
		return nil
	}
	a := &attributes{items: slices.Clone(warm)}
	numbers := map[string]uint32{}
	read := func(i dataset.Index) (list []uint32) {
		for column, cell := range t.Row(i) {
			each(t.Schema.Fields[column], cell, func(text string) {
				name := string(rune(column)) + text
				f, ok := numbers[name]
				if !ok {
					f = uint32(len(numbers))
					numbers[name] = f
				}
				if !slices.Contains(list, f) {
					list = append(list, f)
				}
			})
		}
		return list
	}
	isWarm := make([]bool, data.Items())
	for _, i := range warm {
		isWarm[i] = true
		a.of = append(a.of, read(i))
	}
	for i := range dataset.Index(data.Items()) {
		if isWarm[i] {
			continue
		}
		if list := read(i); len(list) > 0 {
			a.items, a.of = append(a.items, i), append(a.of, list)
		}
	}
	if len(numbers) == 0 {
		return nil
	}
	a.weigh(len(numbers))
	return a
}

// each calls fn with what a cell says of its item.
func each(f dataset.Field, cell dataset.Value, fn func(string)) {
	if cell.Kind != dataset.String {
		return
	}
	switch {
	case f.Categorical:
		for value := range dataset.Several(cell.Str) {
			fn(value)
		}
	case f.Textual:
		for word := range strings.FieldsFuncSeq(strings.ToLower(cell.Str), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			fn(word)
		}
	}
}

// weigh fills in holders, weights and norms of n attributes.
func (a *attributes) weigh(n int) {
	count := make([]int, n)
	a.holders = make([][]uint32, n)
	for r, list := range a.of {
		for _, f := range list {
			if count[f]++; count[f] <= mostHolders {
				a.holders[f] = append(a.holders[f], uint32(r))
			}
		}
	}
	a.weight = make([]float64, n)
	for f, c := range count {
		a.weight[f] = math.Log(1 + float64(len(a.items))/float64(c))
	}
	a.norm = make([]float64, len(a.items))
	for r, list := range a.of {
		sum := 0.
		for _, f := range list {
			sum += a.weight[f] * a.weight[f]
		}
		a.norm[r] = math.Sqrt(sum)
	}
}

// expect fills in what the users of items make of a cosine. An item that nobody
// had counts as if one user had.
func (a *attributes) expect(users []uint32, discount float64) {
	a.popular = make([]float64, len(a.items))
	for r, i := range a.items {
		a.popular[r] = math.Pow(float64(max(1, users[i])), 1-discount)
	}
}
