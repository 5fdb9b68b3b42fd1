package sequence

import (
	"math"
	"os"
	"slices"
	"testing"

	"usher/dataset"
	"usher/recipe"
)

// Files of version 1 stay readable. This one was saved when there was no later
// version, from a network of width 4 with one block, trained on users who walk
// a ring of six items (item 6 had no events); it is never written anew.
func TestVersion1IsReadable(t *testing.T) {
	raw, err := os.ReadFile("testdata/version1.model")
	if err != nil {
		t.Fatal(err)
	}
	m, err := load(raw)
	if err != nil {
		t.Fatal(err)
	}
	if m.Len() != 7 || m.maskSeen || m.Choices().Values["tau"] != 10 {
		t.Errorf("%d items, seen items last: %v, choices %v", m.Len(), m.maskSeen, m.Choices())
	}
	for i := range 6 {
		got := indexes(recommend(t, m, 6, (i+5)%6, i))
		if want := dataset.Index((i + 1) % 6); got[0] != want || slices.Contains(got, 6) {
			t.Errorf("after item %d: %v, want %d first and item 6 nowhere", i, got, want)
		}
	}
}

// Files of all versions before stay readable, answer as they did, and are saved as
// files of this version that answer the same. Those of the versions 2 and 3 were
// saved when these were the newest: one with all counters beside an untrained
// network, one with 24 new items known by their genre and with vectors that are not
// the network's. Those of version 4 are the same two, saved when it had no sections yet
// of similar users, ages of new items, impressions and objectives.
func TestOldVersionsAreReadable(t *testing.T) {
	for _, old := range []struct {
		name string
		want []recipe.Scored
	}{
		{"version1", []recipe.Scored{{Index: 4, Score: .9796031}, {Index: 3, Score: .01162963}, {Index: 0, Score: .008756331}}},
		{"version2", []recipe.Scored{{Index: 4, Score: .93601817}, {Index: 5, Score: .037074044}, {Index: 11, Score: .01121722}}},
		{"version3", []recipe.Scored{{Index: 35, Score: .59631157}, {Index: 21, Score: .12285656}, {Index: 13, Score: .063783176}}},
		{"version4-counters", []recipe.Scored{{Index: 4, Score: .9360183}, {Index: 5, Score: .037074048}, {Index: 11, Score: .011217222}}},
		{"version4-content", []recipe.Scored{{Index: 35, Score: .59631157}, {Index: 21, Score: .12285656}, {Index: 13, Score: .063783176}}},
	} {
		raw, err := os.ReadFile("testdata/" + old.name + ".model")
		if err != nil {
			t.Fatal(err)
		}
		m, err := load(raw)
		if err != nil {
			t.Fatal(err)
		}
		got := recommend(t, m, 3, 2, 3)
		for i, s := range got {
			if s.Index != old.want[i].Index || math.Abs(float64(s.Score/old.want[i].Score-1)) > 1e-3 {
				t.Errorf("%s: %v, want %v", old.name, got, old.want)
				break
			}
		}
		again, err := load(saved(t, m))
		if err != nil {
			t.Fatalf("%s, saved again: %v", old.name, err)
		}
		for _, h := range [][]int{nil, {0}, {1, 2, 3}, {5}, {5, 77}} {
			if a, b := recommend(t, m, 99, h...), recommend(t, again, 99, h...); !slices.Equal(a, b) {
				t.Errorf("%s, history %v: %v, saved again %v", old.name, h, a, b)
			}
		}
		for i := 0; i < len(raw); i += 7 {
			bad := slices.Clone(raw)
			bad[i] ^= 0x40
			if _, err := load(bad); err == nil {
				t.Errorf("%s: byte %d of %d changed: loaded", old.name, i, len(raw))
			}
		}
	}
}
