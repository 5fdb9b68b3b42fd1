package history

import (
	"cmp"
	"math"
	"slices"

	"usher/dataset"
)

// bulk is the imported interactions of a group: events of user u are
// events[start[u]:start[u+1]], oldest first. It does not change once made.
type bulk struct {
	start  []int64
	events []dataset.Event
}

// of gives the events of one user.
func (b bulk) of(u dataset.Index) []dataset.Event {
	if int(u)+1 >= len(b.start) {
		return nil
	}
	return b.events[b.start[u]:b.start[u+1]:b.start[u+1]]
}

// add gives b with the rows of a part, whose local numbers become the group's
// (I1: by first appearance). Rows that repeat another in every column count once.
func (b bulk) add(p *dataset.Part, users, items *dataset.Dict, typeOf func(string) uint16) bulk {
	user, item := number(p.UserIDs, users), number(p.ItemIDs, items)
	types := make([]uint16, len(p.EventTypes))
	for i, t := range p.EventTypes {
		types[i] = typeOf(t)
	}
	rows := byUser(p, user, users.Len())
	out := bulk{start: make([]int64, users.Len()+1)}
	out.events = make([]dataset.Event, 0, len(b.events)+len(p.Users))
	for u := range users.Len() {
		old := b.of(dataset.Index(u))
		mine := rows.order[rows.start[u]:rows.start[u+1]]
		slices.SortStableFunc(mine, func(x, y int32) int { return cmp.Compare(p.Times[x], p.Times[y]) })
		fresh := make([]dataset.Event, 0, len(mine))
		for i, r := range mine {
			if repeats(p, mine[:i], r) {
				continue
			}
			e := dataset.Event{Time: p.Times[r], Item: item[p.Items[r]], Value: float32(math.NaN())}
			if p.Values != nil {
				e.Value = p.Values[r]
			}
			if p.Types != nil {
				e.Type = types[p.Types[r]]
			} else {
				e.Type = typeOf("")
			}
			fresh = append(fresh, e)
		}
		if len(old) == 0 {
			out.events = append(out.events, fresh...)
		} else {
			out.events = append(out.events, merge(old, fresh)...)
		}
		out.start[u+1] = int64(len(out.events))
	}
	return out
}

// number gives the group's numbers for a part's ids.
func number(ids []string, d *dataset.Dict) []dataset.Index {
	out := make([]dataset.Index, len(ids))
	for i, id := range ids {
		out[i] = d.Intern(id)
	}
	return out
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
			p.Cells != nil && !slices.Equal(p.Cells[o], p.Cells[r]) {
			continue
		}
		return true
	}
	return false
}
