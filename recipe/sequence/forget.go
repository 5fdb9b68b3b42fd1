package sequence

import (
	"runtime"

	"usher/dataset"
	"usher/recipe"
)

var _ recipe.Forgetter = (*Model)(nil)

// Forget implements recipe.Forgetter: the users are no neighbours of others any more.
// All else that was learnt of them was counted with others.
func (m *Model) Forget(users []dataset.Index) recipe.Model {
	defer runtime.KeepAlive(m)
	if m.blend == nil || m.blend.users == nil {
		return m
	}
	left := m.blend.users.forget(users)
	if left == m.blend.users {
		return m
	}
	c := *m.blend.counters
	c.users = left
	out := m.twin()
	out.blend = newBlend(m.blend.weights, &c)
	if m.cache != nil { // what it keeps is of other answers; what the network made stays
		out.cache = newCache(len(m.cache.shards) * m.cache.shards[0].most)
	}
	return out
}
