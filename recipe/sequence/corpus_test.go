package sequence

import (
	"slices"
	"testing"

	"usher/dataset"
	"usher/internal/seed"
)

// The validation part is drawn from users with two events or more, by the seed,
// and grows with the data; the network is measured on users from all over it.
func TestHoldOut(t *testing.T) {
	for _, c := range []struct{ users, held int }{{10, 10}, {2000, 2000}, {3000, heldMost}, {50_000, 2500}, {300_000, 5 * heldMost}} {
		data := &dataset.Snapshot{UserIDs: make([]string, c.users+1), ItemIDs: []string{"a", "b"}, Start: make([]int64, 1, c.users+2)}
		data.Events = make([]dataset.Event, 2*c.users+1)
		for u := range c.users {
			data.Events[2*u+1].Item = 1
			data.Start = append(data.Start, int64(2*u+2))
		}
		data.Start = append(data.Start, int64(2*c.users+1)) // the last user has one event
		held := holdOut(data, nil, seed.Seed(1))
		if len(held) != c.held {
			t.Errorf("%d users: %d are held out, want %d", c.users, len(held), c.held)
		}
		ordered := func(h []heldOut) bool {
			return slices.IsSortedFunc(h, func(a, b heldOut) int {
				if a.user < b.user {
					return -1
				}
				return 1
			})
		}
		for _, h := range held {
			if int(h.user) >= c.users || h.item != 1 {
				t.Fatalf("held out: %+v", h)
			}
		}
		m := measured(held)
		if !ordered(held) || !ordered(m) || len(m) != min(c.held, measuredMost) {
			t.Errorf("%d users: %d of %d are measured, in order: %v, %v", c.users, len(m), len(held), ordered(held), ordered(m))
		}
		if !slices.Equal(held, holdOut(data, nil, seed.Seed(1))) || c.users > heldMost && slices.Equal(held, holdOut(data, nil, seed.Seed(2))) {
			t.Errorf("%d users: the draw is not the seed's", c.users)
		}
	}
}
