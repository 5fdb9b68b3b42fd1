package affinity

import (
	"usher/dataset"
	"usher/recipe"
)

var _ recipe.Forgetter = (*Model)(nil)

// Forget implements recipe.Forgetter: the users' events are left out.
func (m *Model) Forget(users []dataset.Index) recipe.Model {
	gone, some := dataset.NewSet(len(m.total)), false
	for _, u := range users {
		if int64(u) < int64(len(m.total)) && m.had(int(u)) > 0 {
			gone.Add(u)
			some = true
		}
	}
	if !some {
		return m
	}
	out := &Model{neighbours: m.neighbours, once: m.once, known: m.known, start: make([]uint32, 1, len(m.start))}
	for u := range len(m.total) {
		if !gone.Has(dataset.Index(u)) {
			out.items = append(out.items, m.items[m.start[u]:m.start[u+1]]...)
			out.weights = append(out.weights, m.weights[m.start[u]:m.start[u+1]]...)
		}
		out.start = append(out.start, uint32(len(out.items)))
	}
	out.index()
	return out
}
