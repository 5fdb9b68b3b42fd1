package history

import (
	"bytes"
	"strings"
	"testing"

	"usher/blob/blobtest"
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
		b := blobtest.Get(t, r.blobs, name)
		for i := 4; i < 40; i++ { // AGE is the first column
			b[i] ^= 1
		}
		blobtest.Put(t, r.blobs, name, b)
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

// erase puts an id file in the place of a part, as package ingest does.
func erase(t *testing.T, r *rig, o *operation, text string) {
	t.Helper()
	s, err := dataset.ParseSchema(text, "")
	if err != nil {
		t.Fatal(err)
	}
	name := o.change.Part.Blob
	b := blobtest.Get(t, r.blobs, name)
	p, err := dataset.ReadPartIDs(bytes.NewReader(b), int64(len(b)), s)
	if err != nil {
		t.Fatal(err)
	}
	var ids bytes.Buffer
	if err := dataset.WriteIDs(&ids, p); err != nil {
		t.Fatal(err)
	}
	blobtest.Put(t, r.blobs, dataset.IDFileName(name), ids.Bytes())
	if err := r.blobs.Delete(t.Context(), name); err != nil {
		t.Fatal(err)
	}
}

// TestErasedParts applies parts that were erased before anybody came to them.
func TestErasedParts(t *testing.T) {
	for _, kind := range []dataset.Type{dataset.Interactions, dataset.Users} {
		text, rows := usersText, [][]string{{"u1", "x"}, {"u2", "y"}}
		if kind == dataset.Interactions {
			text, rows = interactionsText, [][]string{{"u1", "i1", "5", "view", "", ""}, {"s1", "i2", "6", "buy", "", ""}}
		}
		var want []byte
		for _, erased := range []bool{false, true} {
			r := newRig(t)
			g := r.open(t)
			r.put(t, g, schemaOp(dataset.Interactions, interactionsText), schemaOp(dataset.Users, usersText), put("", "s1", "i7", 3))
			one := r.importOp(t, kind, text, true, rows...)
			two := r.importOp(t, kind, text, false, rows[1])
			three := r.importOp(t, kind, text, true, rows[0])
			if erased {
				erase(t, r, one, text)
				erase(t, r, two, text)
			}
			r.put(t, g, one, put("u9", "s1", "i8", 9), two, three) // followed
			for name, h := range map[string]*Group{"followed": g, "loaded": r.open(t)} {
				got := file(t, frozen(t, h))
				if want == nil {
					want = got
				}
				if !bytes.Equal(got, want) {
					t.Errorf("%s, erased %v, %s: another snapshot", kind, erased, name)
				}
			}
		}
	}
	r := newRig(t) // the log says nothing of what replaces it
	r.append(t, schemaOp(dataset.Users, usersText))
	one := r.importOp(t, dataset.Users, usersText, true, []string{"u1", "x"})
	r.append(t, one)
	erase(t, r, one, usersText)
	h := New(Options{Logs: r.logs.Log, Blobs: r.blobs})
	defer h.Close()
	if _, err := h.Group(t.Context(), "g"); err == nil || !strings.Contains(err.Error(), "erased") {
		t.Errorf("got %v", err)
	}
}
