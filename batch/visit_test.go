package batch

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"usher/dataset"
)

// TestExportAfterItemsWereDeleted: with visits in the place of an item's events, the
// events of other items are the same users' as before.
func TestExportAfterItemsWereDeleted(t *testing.T) {
	for seed := range uint64(8) {
		w := newWorld(t, 1000)
		dice := rand.New(rand.NewPCG(seed, 1))
		for n := range 150 {
			x := &dataset.Interaction{Session: fmt.Sprint("s", dice.IntN(12)), Item: fmt.Sprint("i", dice.IntN(3)), Type: "view", Time: int64(n)}
			switch dice.IntN(8) {
			case 0, 1:
				x.User = fmt.Sprint("u", dice.IntN(5))
			case 2:
				x.User = fmt.Sprint("s", dice.IntN(12)) // a session's id that is a user's
			}
			whole, left := &dataset.Change{Interaction: x}, &dataset.Change{Interaction: x}
			if x.Item == "i0" {
				left = &dataset.Change{Visit: &dataset.Interaction{User: x.User, Session: x.Session}}
			}
			w.group["a"].Append(*whole)
			w.group["b"].Append(*left)
		}
		want := slices.DeleteFunc(w.exported("a", dataset.Interactions, "PUT"), func(line string) bool { return strings.Contains(line, ",i0,") })
		if got := w.exported("b", dataset.Interactions, "PUT"); !slices.Equal(got, want) || len(got) == 0 {
			t.Errorf("seed %d: got %q, want %q", seed, got, want)
		}
	}
}
