package history

// EventTypes gives the event types by the number that events carry, as of now;
// "" is that of events without one.
func (g *Group) EventTypes() []string {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.mu.types.IDs()
}
