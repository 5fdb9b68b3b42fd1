package history

import "usher/dataset"

// ErasedUsers gives the numbers of users that were forgotten, ascending.
func (g *Group) ErasedUsers() (list []dataset.Index) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	for u := range dataset.Index(g.mu.users.Len()) {
		if g.mu.past.erased.has(u) {
			list = append(list, u)
		}
	}
	return list
}

// ErasedUserCount counts the users that were forgotten; each request may ask.
func (g *Group) ErasedUserCount() int {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.mu.gone
}

// ErasedItems gives the numbers of items that were deleted: no answer has them.
func (g *Group) ErasedItems() []dataset.Index {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.mu.holes
}

// holesIn gives the numbers whose ids were erased.
func holesIn(ids []string) (holes []dataset.Index) {
	for n, id := range ids {
		if id == "" {
			holes = append(holes, dataset.Index(n))
		}
	}
	return holes
}
