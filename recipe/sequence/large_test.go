package sequence

import (
	"slices"
	"testing"
)

// large is a corpus of so many events of equally many users each, without rows.
func large(users, each, items int) *corpus {
	return &corpus{items: make([]uint32, items), count: slices.Repeat([]int{each}, users), events: users * each}
}

func TestAffordCutsLargeTrainingsOnly(t *testing.T) {
	whole := settings{dim: 128, inner: 256, heads: 2, blocks: 2, window: 200, lr: 2e-3, sample: 4427, planned: 6, epochs: 6}
	s := whole
	s.afford(large(6040, 165, 3416))
	if s != whole {
		t.Errorf("a million events: %+v, want all as it was", s)
	}
	for _, c := range []*corpus{large(200_000, 100, 100_000), large(400_000, 500, 300_000), large(10, 5_000_000, 1000)} {
		s := whole
		s.afford(c)
		kept := c.events
		if s.history > 0 {
			kept = c.newest(s.history)
		}
		if s.planned < epochsLeast || s.epochs != s.planned || s.history > 0 && s.history < historyLeast {
			t.Errorf("%d events: %+v is cut too far", c.events, s)
		}
		if w := s.work(kept, len(c.items)); w > workMost && s.history != historyLeast {
			t.Errorf("%d events: %+v still takes %.2g", c.events, s, w)
		}
	}
}

// The larger the data, the more is cut, and what costs least first.
func TestAffordCutsInOrder(t *testing.T) {
	whole := settings{dim: 128, inner: 256, heads: 2, blocks: 2, window: 200, sample: 4427, planned: 6, epochs: 6}
	type cut struct {
		dim, epochs, sample int
		history             bool
	}
	for _, c := range []struct {
		users int
		want  cut
	}{
		{60_000, cut{128, 6, 4427, false}},
		{150_000, cut{64, 6, 4427, false}},
		{200_000, cut{64, 5, 4427, false}},
		{400_000, cut{64, 4, 2000, false}},
		{500_000, cut{64, 3, 2000, false}},
	} {
		s := whole
		s.afford(large(c.users, 100, 100_000))
		if got := (cut{s.dim, s.planned, s.sample, s.history > 0}); got != c.want {
			t.Errorf("%d events: %+v, want %+v", 100*c.users, got, c.want)
		}
	}
}

func TestWindowsOfTheNewestEvents(t *testing.T) {
	c := large(1, 1000, 5)
	for _, newest := range []int{1, 7, 50, 999, 1000, 2000} {
		targets := make([]bool, 1000)
		for _, w := range c.windows(50, newest) {
			if w.from < 0 || w.to-w.from != 50 || w.to > 1000 {
				t.Fatalf("newest %d: window %+v", newest, w)
			}
			for i := w.from; i < w.to; i++ {
				targets[i] = true
			}
		}
		first := slices.Index(targets, true)
		if slices.Contains(targets[first:], false) || first > max(0, 1000-newest) || first < max(0, 1000-newest-50) {
			t.Errorf("newest %d: targets from %d on", newest, first)
		}
	}
}

func TestMemoryOfLargeTrainings(t *testing.T) {
	const gib = 1 << 30
	for _, c := range []struct {
		c           *corpus
		least, most float64
	}{
		{large(6040, 165, 3416), .1 * gib, .6 * gib},
		{large(200_000, 100, 100_000), 1.5 * gib, 4 * gib},
		{large(2_000_000, 100, 100_000), 6 * gib, 15 * gib}, // the data alone are 6
	} {
		s := settings{dim: 128, inner: 256, heads: 2, blocks: 2, window: 200, sample: 800, planned: 6, stepTokens: 4000}
		s.afford(c.c)
		if m := s.memory(c.c, 2); m < c.least || m > c.most {
			t.Errorf("%d events of %d items: %.2f GiB, want %.2f to %.2f", c.c.events, len(c.c.items), m/gib, c.least/gib, c.most/gib)
		}
	}
}
