package dataset

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"testing"
)

// TestReadPartIDs reads the ids alone, and finds every damage to them.
func TestReadPartIDs(t *testing.T) {
	s := mustSchema(t, "", "Interactions", with(event, "EVENT_VALUE float")...)
	p, b, err := importAll(t, s, ImportOptions{}, randomInteractions(rand.New(rand.NewPCG(1, 2)), 300))
	if err != nil {
		t.Fatal(err)
	}
	want := &Part{Type: Interactions, Rows: p.Rows, UserIDs: p.UserIDs, ItemIDs: p.ItemIDs, EventTypes: p.EventTypes}
	got, err := ReadPartIDs(bytes.NewReader(b), int64(len(b)), s)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, %v", got, err)
	}
	found := 0
	for i := range b {
		bad := bytes.Clone(b)
		bad[i] ^= 1
		got, err := ReadPartIDs(bytes.NewReader(bad), int64(len(bad)), s)
		if err == nil && !reflect.DeepEqual(got, want) {
			t.Errorf("byte %d was changed, and other ids were read", i)
		}
		if err != nil {
			found++
		}
	}
	if found == 0 || found == len(b) {
		t.Errorf("%d of %d bytes are looked at", found, len(b))
	}
	items := itemSchema(t)
	q, b, err := importAll(t, items, ImportOptions{}, itemHeader+"i1,a,,1,,,,\ni2,,,,,,,\ni1,b,,,,,,true\n")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ReadPartIDs(bytes.NewReader(b), int64(len(b)), items); err != nil || !reflect.DeepEqual(got, &Part{Type: Items, Rows: 3, IDs: q.IDs}) {
		t.Errorf("got %+v, %v", got, err)
	}
}
