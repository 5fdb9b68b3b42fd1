package sequence

import "slices"

// top keeps the k best of what it is given: the highest score first, of equal
// ones the lowest row. It is a heap with the worst on top.
type top struct {
	k    int
	rows []ranked
}

type ranked struct {
	score float32
	row   uint32
}

// before says that a ranks better than b.
func (a ranked) before(b ranked) bool {
	return a.score > b.score || a.score == b.score && a.row < b.row
}

func (t *top) full() bool { return len(t.rows) == t.k }

func (t *top) offer(x ranked) {
	if !t.full() {
		t.rows = append(t.rows, x)
		for i := len(t.rows) - 1; i > 0; {
			up := (i - 1) / 2
			if !t.rows[up].before(t.rows[i]) {
				return
			}
			t.rows[up], t.rows[i] = t.rows[i], t.rows[up]
			i = up
		}
		return
	}
	if !x.before(t.rows[0]) {
		return
	}
	t.rows[0] = x
	for i := 0; ; {
		worst := i
		for c := 2*i + 1; c <= 2*i+2 && c < t.k; c++ {
			if t.rows[worst].before(t.rows[c]) {
				worst = c
			}
		}
		if worst == i {
			return
		}
		t.rows[i], t.rows[worst] = t.rows[worst], t.rows[i]
		i = worst
	}
}

// sorted gives what was kept, the best first. The heap must be emptied after it.
func (t *top) sorted() []ranked {
	slices.SortFunc(t.rows, func(a, b ranked) int {
		if a.before(b) {
			return -1
		}
		return 1
	})
	return t.rows
}
