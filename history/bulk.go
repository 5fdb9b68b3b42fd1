package history

import (
	"cmp"
	"math"
	"slices"

	"usher/dataset"
)

// withPart gives bulk data once the rows of a part, whose local numbers become the
// group's (I1: by first appearance), have come in. Rows that repeat another in
// every column count once. own has the rows' moments, nil: they have none. Users in
// without keep nothing.
func (b *packed) withPart(p *dataset.Part, own []uint32, n *numbering, without flags) packed {
	user, item := n.users.all(p.UserIDs), n.items.all(p.ItemIDs)
	r := &rows{p: p, own: own, item: item}
	for _, t := range p.EventTypes {
		r.types = append(r.types, n.eventType(t))
	}
	if p.Types == nil {
		r.none = n.eventType("")
	}
	users := n.users.Len()
	by := byUser(p, user, users)
	k := newPacker(users, b.len()+len(p.Users))
	var old, fresh []event
	for u := range users {
		old = old[:0]
		if !without.has(dataset.Index(u)) {
			old = b.of(dataset.Index(u), old)
		}
		mine := by.order[by.start[u]:by.start[u+1]]
		slices.SortStableFunc(mine, func(x, y int32) int { return cmp.Compare(p.Times[x], p.Times[y]) })
		fresh = r.events(fresh[:0], mine)
		k.add(merge(old, fresh))
	}
	return k.out
}

// rows makes events of a part's rows.
type rows struct {
	p     *dataset.Part
	own   []uint32        // moments; may be nil
	item  []dataset.Index // by local number
	types []uint16        // by local number
	none  uint16          // the type of a part without types
}

// events appends the events of one user's rows, which are ordered by time.
func (r *rows) events(dst []event, mine []int32) []event {
	p := r.p
	for i, row := range mine {
		if repeats(p, mine[:i], row) {
			continue
		}
		e := event{Event: dataset.Event{Time: p.Times[row], Item: r.item[p.Items[row]], Value: float32(math.NaN()), Type: r.none}}
		if p.Values != nil {
			e.Value = p.Values[row]
		}
		if p.Types != nil {
			e.Type = r.types[p.Types[row]]
		}
		if p.Rest != nil {
			e.rest = p.Rest[row]
		}
		if r.own != nil {
			e.Context = r.own[row]
		}
		dst = append(dst, e)
	}
	return dst
}

// grouped is the rows of a part by user, in file order.
type grouped struct {
	start []int64
	order []int32
}

func byUser(p *dataset.Part, user []dataset.Index, users int) grouped {
	g := grouped{start: make([]int64, users+1), order: make([]int32, len(p.Users))}
	for _, l := range p.Users {
		g.start[user[l]+1]++
	}
	for u := range users {
		g.start[u+1] += g.start[u]
	}
	next := slices.Clone(g.start)
	for r, l := range p.Users {
		u := user[l]
		g.order[next[u]] = int32(r)
		next[u]++
	}
	return g
}

// repeats says whether row r equals, in all columns, one of the rows before it
// with the same time. before is ordered by time.
func repeats(p *dataset.Part, before []int32, r int32) bool {
	for i := len(before) - 1; i >= 0 && p.Times[before[i]] == p.Times[r]; i-- {
		o := before[i]
		if p.Items[o] != p.Items[r] ||
			p.Types != nil && p.Types[o] != p.Types[r] ||
			p.Values != nil && math.Float32bits(p.Values[o]) != math.Float32bits(p.Values[r]) ||
			p.Rest != nil && p.Rest[o] != p.Rest[r] {
			continue
		}
		return true
	}
	return false
}
