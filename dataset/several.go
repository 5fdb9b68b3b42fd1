package dataset

import (
	"iter"
	"strings"
)

// separator stands between the values of a cell that has several.
const separator = "|"

// Several gives the values of a cell that has several: the ids of an impression, or
// the categories of an item, like "a|b|c". Empty ones are none.
func Several(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for value := range strings.SplitSeq(text, separator) {
			if value != "" && !yield(value) {
				return
			}
		}
	}
}
