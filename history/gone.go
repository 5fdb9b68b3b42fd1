package history

import (
	"usher/dataset"
	"usher/eventlog"
)

// Gone knows which users and items a log says are forgotten. What is known of them up
// to there does not count, whether its records are erased already or not.
type Gone struct {
	Users map[string]eventlog.Offset // up to where
	Items map[string]eventlog.Offset
}

// Note takes what a log says at an offset.
func (g *Gone) Note(at eventlog.Offset, f *dataset.Forgotten) {
	note := func(to *map[string]eventlog.Offset, ids []string) {
		if *to == nil && len(ids) > 0 {
			*to = map[string]eventlog.Offset{}
		}
		for _, id := range ids {
			(*to)[id] = at
		}
	}
	note(&g.Users, f.Users)
	note(&g.Items, f.Items)
}

// None says whether nobody and nothing is forgotten.
func (g *Gone) None() bool { return len(g.Users)+len(g.Items) == 0 }

// User says whether what is known of a user at an offset is gone.
func (g *Gone) User(id string, at eventlog.Offset) bool { return before(g.Users, id, at) }

// Item says it of an item.
func (g *Gone) Item(id string, at eventlog.Offset) bool { return before(g.Items, id, at) }

func before(gone map[string]eventlog.Offset, id string, at eventlog.Offset) bool {
	until, ok := gone[id]
	return ok && at <= until
}
