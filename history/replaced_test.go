package history

import (
	"testing"

	"usher/dataset"
)

// TestReplacedPartsAreNotReadAgain damages the rows of parts: a group is loaded
// without those that a later one replaces, and gives the same numbers.
func TestReplacedPartsAreNotReadAgain(t *testing.T) {
	r := newRig(t)
	g := r.open(t)
	text := `{"type":"record","name":"Users","fields":[{"name":"USER_ID","type":"string"},{"name":"AGE","type":"long"}]}`
	r.put(t, g, schemaOp(dataset.Users, text))
	first := r.importOp(t, dataset.Users, text, true, []string{"u1", "77777"}, []string{"u2", "88888"})
	r.put(t, g, first, r.importOp(t, dataset.Users, text, false, []string{"u3", "5"}))
	last := r.importOp(t, dataset.Users, text, true, []string{"u4", "6"}, []string{"u2", "7"})
	r.put(t, g, last)
	want := frozen(t, g)

	damage := func(o *operation) {
		name := o.change.Part.Blob
		b := read(t, r.blobs, name)
		for i := 4; i < 40; i++ { // AGE is the first column
			b[i] ^= 1
		}
		write(t, r.blobs, name, b)
	}
	damage(first)
	again := frozen(t, r.open(t))
	if a, b := file(t, again), file(t, want); string(a) != string(b) {
		t.Errorf("got %+v, want %+v", again, want)
	}
	damage(last)
	h := New(Options{Logs: r.logs.Log, Blobs: r.blobs})
	defer h.Close()
	if _, err := h.Group(t.Context(), "g"); err == nil {
		t.Error("a damaged part that counts was read")
	}
}
