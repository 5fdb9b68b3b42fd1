package sequence

import (
	"math"
	"slices"
)

// top keeps the k best of what it is given: the highest score first, of equal
// ones the lowest row. It collects what is above the k-th best so far and cuts
// back to k now and then, which for long lists is cheaper than a heap.
type top struct {
	k     int
	floor float32 // only a higher score can still be among the k best
	rows  []ranked
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
func (t *top) begin(k int) { t.k, t.floor, t.rows = k, lowest, t.rows[:0] }

// offer takes a score above floor. Rows have to come in ascending order.
func (t *top) offer(x ranked) {
	t.rows = append(t.rows, x)
	if len(t.rows) >= 2*t.k+64 {
		t.cut()
	}
}

// cut leaves the k best, in any order.
func (t *top) cut() {
	if len(t.rows) <= t.k {
		return
	}
	pickBest(t.rows, t.k)
	t.rows = t.rows[:t.k]
	t.floor = t.rows[0].score
	for _, x := range t.rows[1:] {
		t.floor = min(t.floor, x.score)
	}
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
