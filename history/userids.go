package history

// UserIDs gives all user ids by number, as of now.
func (g *Group) UserIDs() []string {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.mu.users.IDs()
}
