package sequence

import (
	"math"
	"slices"
)

// top keeps the k best of what it is given: the highest score first, of equal
// ones the lowest row. It collects what is above the k-th best so far and cuts
// back to k now and then, which for long lists is cheaper than a heap. Where scores
// are rough, it keeps besides what is within a margin of the k-th.
type top struct {
	k      int
	margin float32
	floor  float32 // only a higher score can still be among what is kept
	rows   []ranked
	most   int // rows, before they are cut
}

type ranked struct {
	score float32
	row   uint32
}

// before says that a ranks better than b.
func (a ranked) before(b ranked) bool {
	return a.score > b.score || a.score == b.score && a.row < b.row
}

func (a ranked) compare(b ranked) int {
	if a.before(b) {
		return -1
	}
	return 1
}

// lowest is below every score.
var lowest = float32(math.Inf(-1))

// begin empties it and takes a new k.
func (t *top) begin(k int) {
	t.k, t.margin, t.floor, t.rows, t.most = k, 0, lowest, t.rows[:0], 2*k+64
}

// beginAbove takes a margin, and a score that the k-th best has at least.
func (t *top) beginAbove(least, margin float32) { t.margin, t.floor = margin, least-margin }

// least gives the lowest score of the k first rows.
func (t *top) least() float32 {
	out := t.rows[0].score
	for _, x := range t.rows[1:t.k] {
		out = min(out, x.score)
	}
	return out
}

// offer takes a score above floor. Rows have to come in ascending order.
func (t *top) offer(x ranked) {
	t.rows = append(t.rows, x)
	if len(t.rows) >= t.most {
		t.cut()
		t.most = 2*len(t.rows) + 64
	}
}

// cut leaves the k best, and what is within the margin of them, in any order.
func (t *top) cut() {
	if len(t.rows) <= t.k {
		return
	}
	pickBest(t.rows, t.k)
	t.floor = max(t.floor, t.least()-t.margin)
	kept := t.rows[:t.k]
	if t.margin > 0 {
		for _, x := range t.rows[t.k:] {
			if x.score >= t.floor {
				kept = append(kept, x)
			}
		}
	}
	t.rows = kept
}

// sorted gives the k best, the best first.
func (t *top) sorted() []ranked {
	t.cut()
	slices.SortFunc(t.rows, ranked.compare)
	return t.rows
}

// pickBest moves the k best of x to its front.
func pickBest(x []ranked, k int) {
	for lo, hi := 0, len(x)-1; lo < hi; {
		pivot := x[(lo+hi)/2]
		i, j := lo, hi
		for i <= j {
			for x[i].before(pivot) {
				i++
			}
			for pivot.before(x[j]) {
				j--
			}
			if i <= j {
				x[i], x[j] = x[j], x[i]
				i++
				j--
			}
		}
		switch {
		case k-1 <= j:
			hi = j
		case k-1 >= i:
			lo = i
		default:
			return
		}
	}
}
