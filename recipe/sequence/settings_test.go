package sequence

import (
	"maps"
	"testing"

	"usher/dataset"
	"usher/internal/seed"
)

// The rules give what was best on the data that they were fitted to, or near it.
func TestDerivedSettings(t *testing.T) {
	for _, c := range []struct {
		name                         string
		users, perUser, items        int
		repeat                       bool
		drop, tau                    float64
		sample, epochs, window, mask int
	}{
		{"like ml-100k", 943, 106, 1682, false, .3, 15, 574, 20, 107, 1},
		{"dense", 1500, 200, 1200, false, .2, 20, 484, 14, 200, 1},
		{"sparse", 12000, 9, 6000, false, .474, 15, 1084, 20, 10, 1},
		{"sessions with repeats", 12000, 9, 6000, true, .274, 15, 1084, 20, 10, 0},
		{"tiny", 40, 25, 30, false, .394, 15, 0, 60, 26, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			histories := make([][]int, c.users)
			for u := range histories {
				r := seed.Seed(1).Branch("user", uint64(u)).Rand()
				from := r.IntN(c.items)
				for i := range c.perUser {
					x := (from + i) % c.items
					if c.repeat && i%3 == 2 {
						x = (from + i - 1) % c.items
					}
					histories[u] = append(histories[u], x)
				}
			}
			s := derive(newCorpus(snapshot(c.items, histories), nil))
			if d := s.drop - c.drop; d > .011 || d < -.011 || s.tau != c.tau {
				t.Errorf("dropout %.3f, tau %v; want %v, %v", s.drop, s.tau, c.drop, c.tau)
			}
			if s.sample != c.sample || s.planned != c.epochs || s.window != c.window || flag(s.maskSeen) != float64(c.mask) {
				t.Errorf("sample %d, epochs %d, window %d, mask %v; want %+v", s.sample, s.planned, s.window, s.maskSeen, c)
			}
		})
	}
}

// What is dense and large is learnt by a wide network whose matrices Muon moves; that
// stays so when the data are too large for a wide one. Choices of a fit from before
// Muon and times between events do not speak of them, and are repeated without.
func TestDenseAndLarge(t *testing.T) {
	c := large(6040, 165, 3416)
	c.rowOf, c.start, c.rows = nil, make([]int64, len(c.count)), make([]uint32, c.events)
	c.times = make([]dataset.Event, c.events)
	s := derive(c)
	if s.dim != 128 || s.lr != 4e-3 || s.matrixLR != .02 || s.drop != .12 || s.stepTokens != 1993 {
		t.Errorf("a million events: %+v", s)
	}
	larger := s
	larger.afford(large(200_000, 100, 100_000))
	if larger.dim != 64 || larger.lr != 6e-3 || larger.matrixLR != .02 || larger.drop != .05 {
		t.Errorf("20 million events: %+v", larger)
	}
	old := all(s)
	delete(old, "matrix_learning_rate")
	delete(old, "gaps")
	s.gaps = true
	if err := s.repeat(old); err != nil || s.matrixLR != 0 || s.gaps {
		t.Errorf("choices from before Muon are repeated with a rate of %v, times %v, error %v", s.matrixLR, s.gaps, err)
	}
}

func TestChoicesRepeat(t *testing.T) {
	c := newCorpus(snapshot(20, chain(20, 30, 8, 2)), nil)
	a := derive(c)
	a.dim, a.inner, a.heads, a.blocks, a.window, a.tau, a.drop = 24, 40, 3, 1, 17, 11, .25
	a.sample, a.lr, a.matrixLR, a.stepTokens, a.planned, a.epochs = 7, 1e-4, 1e-2, 99, 12, 5
	a.maskSeen, a.gaps = !a.maskSeen, !a.gaps
	b := derive(c)
	if err := b.repeat(all(a)); err != nil {
		t.Fatal(err)
	}
	if a != b {
		t.Errorf("repeated %+v, chosen %+v", b, a)
	}
	if !maps.Equal(all(a), all(b)) {
		t.Error("choices differ")
	}
}

func all(s settings) map[string]float64 {
	out := map[string]float64{}
	for _, v := range s.values() {
		out[v.name] = v.value
	}
	return out
}
