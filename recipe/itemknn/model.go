package itemknn

import (
	"context"
	"runtime"
	"slices"
	"sync"

	"usher/blob"
	"usher/dataset"
	"usher/recipe"
)

// Model knows the neighbours of each item.
type Model struct {
	known   int             // items of the data it was trained on, those without events included
	items   []dataset.Index // item by row: those with events, the most popular first
	near    [][]uint32      // (rows) neighbours of a row, the most similar first
	rowOf   []uint32        // row by item, or noRow; as long as the highest item of items asks for
	notes   []string        // what training left out; not saved
	answers sync.Pool       // of *answer
	hold    *blob.Mapping   // the file that near lies in; nil: it does not. Methods end with runtime.KeepAlive(m)
}

// answer is the memory of one answer.
type answer struct {
	place []uint32 // (rows) place of a row in the answer, + 1; zeros between answers
	keys  []uint64
}

func newModel(known int, items []dataset.Index, near [][]uint32, notes []string) *Model {
	m := &Model{known: known, items: items, near: near, notes: notes}
	if len(items) > 0 {
		m.rowOf = make([]uint32, slices.Max(items)+1)
	}
	for i := range m.rowOf {
		m.rowOf[i] = noRow
	}
	for r, i := range items {
		m.rowOf[i] = uint32(r)
	}
	m.answers.New = func() any { return &answer{place: make([]uint32, len(items))} }
	return m
}

// Len counts the items of the data it was trained on.
func (m *Model) Len() int { return m.known }

// Choices tells what the training left out. A loaded model tells nothing.
func (m *Model) Choices() *recipe.Choices { return &recipe.Choices{Notes: m.notes} }

// row gives the row of an item, or noRow.
func (m *Model) row(i dataset.Index) uint32 {
	if int64(i) >= int64(len(m.rowOf)) {
		return noRow
	}
	return m.rowOf[i]
}

// neighbours gives the rows near an item, none for one that has none.
func (m *Model) neighbours(i dataset.Index) []uint32 {
	if r := m.row(i); r != noRow {
		return m.near[r]
	}
	return nil
}

// Recommend gives the neighbours of q.Item that are allowed, and popular items
// when they are fewer than k. q.Item itself is never in the answer.
func (m *Model) Recommend(ctx context.Context, q *recipe.Query, k int, allow dataset.Set, dst []recipe.Scored) ([]recipe.Scored, error) {
	defer runtime.KeepAlive(m)
	dst = dst[:0]
	if err := context.Cause(ctx); err != nil || k <= 0 {
		return dst, err
	}
	near := m.neighbours(q.Item)
	for _, r := range near {
		if i := m.items[r]; allow.Has(i) {
			if dst = append(dst, recipe.Scored{Index: i, Flags: recipe.NoScore}); len(dst) == k {
				return dst, nil
			}
		}
	}
	a := m.answers.Get().(*answer)
	defer m.answers.Put(a)
	a.mark(near)
	defer a.unmark(near)
	for r, i := range m.items {
		if a.place[r] == 0 && i != q.Item && allow.Has(i) {
			if dst = append(dst, recipe.Scored{Index: i, Flags: recipe.NoScore | recipe.Popular}); len(dst) == k {
				break
			}
		}
	}
	return dst, nil
}

// mark writes down the places of rows.
func (a *answer) mark(rows []uint32) {
	for at, r := range rows {
		a.place[r] = uint32(at + 1)
	}
}

func (a *answer) unmark(rows []uint32) {
	for _, r := range rows {
		a.place[r] = 0
	}
}

// Rank puts the neighbours of q.Item first, in their order, then the other
// items by popularity, flagged Popular, then those that nobody had in training,
// in the order of the list. q.Item itself is one of the others.
func (m *Model) Rank(ctx context.Context, q *recipe.Query, items []dataset.Index, dst []recipe.Scored) ([]recipe.Scored, error) {
	defer runtime.KeepAlive(m)
	dst = dst[:0]
	if err := context.Cause(ctx); err != nil {
		return dst, err
	}
	a := m.answers.Get().(*answer)
	defer m.answers.Put(a)
	near := m.neighbours(q.Item)
	a.mark(near)
	a.keys = a.keys[:0]
	for n, i := range items {
		place := uint64(1<<32 - 1)
		if r := m.row(i); r != noRow {
			if place = uint64(a.place[r]); place == 0 {
				place = uint64(len(near)) + 1 + uint64(r)
			}
		}
		a.keys = append(a.keys, place<<32|uint64(n))
	}
	a.unmark(near)
	slices.Sort(a.keys)
	for _, key := range a.keys {
		x := recipe.Scored{Index: items[uint32(key)], Flags: recipe.NoScore}
		if place := key >> 32; place > uint64(len(near)) && place < 1<<32-1 {
			x.Flags |= recipe.Popular
		}
		dst = append(dst, x)
	}
	return dst, nil
}
