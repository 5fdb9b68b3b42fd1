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
