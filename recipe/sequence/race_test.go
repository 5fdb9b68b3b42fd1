//go:build race

package sequence

// Under the race detector a sync.Pool forgets on purpose.
func init() { pooling = false }
