package sequence

import (
	"bytes"
	"os"
	"slices"
	"testing"

	"usher/dataset"
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
	if !bytes.Equal(saved(t, m), raw) {
		t.Error("saved again the bytes differ")
	}
}
