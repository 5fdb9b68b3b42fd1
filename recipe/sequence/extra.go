package sequence

import "slices"

// extra is what comes to the network's scores of rows: that of each, or, where few have
// something of their own, of these only. The zero extra adds nothing.
type extra struct {
	all  []float32 // (items); lowest: the row is left out. nil: see few
	few  []uint32  // the rows that have something else than base, ascending
	of   []float32 // (few)
	base []float32 // (items) what the others have; nil: 0
}

// at gives what comes to the score of a row.
func (x *extra) at(row uint32) float32 {
	if x.all != nil {
		return x.all[row]
	}
	if i, ok := slices.BinarySearch(x.few, row); ok {
		return x.of[i]
	}
	if x.base != nil {
		return x.base[row]
	}
	return 0
}

// addFew adds to scores, which are of the rows from from on, what few have beyond the
// base, and gives what is still to be added to all; nil: nothing. ahead is where in few
// the rows that were not looked at begin, and moves on.
func (x *extra) addFew(scores []float32, from int, ahead *int) []float32 {
	to := from + len(scores)
	if x.all != nil {
		return x.all[from:to]
	}
	i := *ahead
	for ; i < len(x.few) && int(x.few[i]) < to; i++ {
		own, r := x.of[i], int(x.few[i])
		if x.base != nil {
			own -= x.base[r]
		}
		scores[r-from] += own
	}
	*ahead = i
	if x.base == nil {
		return nil
	}
	return x.base[from:to]
}

// rowMemory is memory by row for making an extra. Questions that wait for a pass give it
// back: so there is one for each processor, near to it, and not one for each question.
// Between uses extra is what all questions have (Model.standing), sum 0, and nothing
// marked.
type rowMemory struct {
	extra, sum []float32 // (items)
	marked     []uint64  // a bit for each row
}

func newRowMemory(items int, base []float32) *rowMemory {
	w := &rowMemory{make([]float32, items), make([]float32, items), make([]uint64, (items+63)/64)}
	copy(w.extra, base)
	return w
}

// reset makes the extra of some rows what all questions have.
func (w *rowMemory) reset(rows []uint32, base []float32) {
	for _, r := range rows {
		w.extra[r] = 0
		if base != nil {
			w.extra[r] = base[r]
		}
	}
}

// mark marks rows.
func (w *rowMemory) mark(rows []uint32) {
	for _, r := range rows {
		w.marked[r/64] |= 1 << (r % 64)
	}
}

// take moves the rows that are marked, at most most, to few, and what they have to of;
// both become what they are between uses.
func (w *rowMemory) take(few []uint32, of, base []float32, most int) ([]uint32, []float32) {
	few, of = slices.Grow(few[:0], most)[:most], slices.Grow(of[:0], most)[:most]
	n := 0
	eachMarked(w.marked, func(r int) {
		few[n], of[n] = uint32(r), w.extra[r]
		n++
	})
	clear(w.marked)
	w.reset(few[:n], base)
	return few[:n], of[:n]
}

// startOver takes memory for what comes to the network's scores. Where an answer kept it,
// only what the last question changed has to be changed back, which of a large catalogue
// is little.
func (a *answer) startOver(m *Model) {
	base := m.standing()
	switch w := a.room; {
	case w == nil:
		w, _ = m.rooms.Get().(*rowMemory)
		if w == nil {
			w = newRowMemory(len(m.items), base)
		}
		a.room, a.sum = w, w.sum
	case a.changedMany || len(a.changed) > len(m.items)/4:
		if base == nil {
			clear(w.extra)
		}
		copy(w.extra, base)
	default:
		w.reset(a.changed, base)
		w.reset(a.seen, base)
	}
	a.changed, a.changedMany, a.seen = a.changed[:0], false, a.seen[:0]
	a.extra = extra{all: a.room.extra}
}

// fewPart is the part of the items up to which rows that bonus or mask changed are few:
// to look at each takes less than to read what all have.
const fewPart = 16

// pickFew keeps of a.extra only what the rows have that bonus and mask changed, if they
// are few, and gives the memory back. In floats scores of a pass are to be those of
// score, to the bit, so where there is a base each row has the whole of it.
func (m *Model) pickFew(a *answer) {
	base := m.standing()
	if a.extra.all == nil || a.changedMany || len(a.changed)+len(a.seen) > len(m.items)/fewPart || base != nil && !m.scanner.together() {
		return
	}
	w := a.room
	w.mark(a.changed)
	w.mark(a.seen)
	a.few, a.fewOf = w.take(a.few, a.fewOf, base, len(a.changed)+len(a.seen))
	a.extra = extra{few: a.few, of: a.fewOf, base: base}
	w.sum, a.sum, a.room = a.sum, nil, nil
	m.rooms.Put(w)
}
