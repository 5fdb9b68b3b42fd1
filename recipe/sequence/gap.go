package sequence

import (
	"math/bits"
	"slices"

	"usher/dataset"
	"usher/recipe/internal/nn"
)

// The time from one event to the next tells what the order alone does not: whether
// both were found on one page, on one evening, or weeks apart. Where these times
// differ, each event but the first is marked with the time since the one before it,
// and the network learns what that means (nn.Marked). The time of the question itself
// is not used here: side.go weighs it.

// gapMarks is how many lengths of time are told apart: none, and powers of sixteen
// seconds up to twelve days. Finer ones brought no more on ml-100k (docs/quality.md).
const gapMarks = 7

// gapMark gives the mark of an event so many seconds after the one before it.
func gapMark(seconds int64) int {
	return 1 + min(gapMarks-1, (bits.Len64(uint64(max(0, seconds)))+3)/4)
}

// gapsSame is the part of the gaps that must be of one length for them to tell nothing.
const gapsSame = .95

// gapsDiffer says whether the times between events tell events apart.
func (c *corpus) gapsDiffer() bool {
	var by [1 + gapMarks]int
	all := 0
	for u, n := range c.count {
		e := c.times[c.start[u]:][:n]
		for i := 1; i < n; i++ {
			by[gapMark(e[i].Time-e[i-1].Time)]++
			all++
		}
	}
	for _, n := range by {
		if float64(n) >= gapsSame*float64(all) {
			return false
		}
	}
	return true
}

// token gives the token of the event at a place of rows that follows another one, with
// the time between them where that is learnt. after is -1 for a user's first event.
func (c *corpus) token(at, after int) uint32 {
	if !c.gaps || after < 0 {
		return c.rows[at]
	}
	return nn.Marked(c.rows[at], gapMark(c.times[at].Time-c.times[after].Time))
}

// context appends to dst the tokens for a user's first events, held out or not: the
// newest that fit into the window, behind the start token when all fit.
func (c *corpus) context(dst []uint32, user dataset.Index, events, window int) []uint32 {
	from, first, after := len(dst), int(c.start[user]), -1
	dst = append(dst, uint32(len(c.items)))
	for at := first; at < first+events; at++ {
		if c.rows[at] != noRow {
			dst = append(dst, c.token(at, after))
			after = at
		}
	}
	return slices.Delete(dst, from, max(from, len(dst)-window))
}
