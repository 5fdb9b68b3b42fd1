package retention

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"strings"
	"testing"

	"usher/blob/blobtest"
	"usher/dataset"
	"usher/store"
)

// fill appends n calls of a few random events.
func (w *world) fill(r *rand.Rand, n int) {
	for range n {
		var list []dataset.Change
		for range 1 + r.IntN(4) {
			user := fmt.Sprint("u", r.IntN(9))
			if r.IntN(3) == 0 {
				user = ""
			}
			list = append(list, event(user, fmt.Sprint("s", r.IntN(9)), fmt.Sprint("i", r.IntN(99)), r.IntN(1000)))
		}
		w.Append(list...)
	}
}

// TestCompaction: the database stays small, what is known stays the same, and a
// start reads a state and what is behind it.
func TestCompaction(t *testing.T) {
	w := newWorld(t)
	r := rand.New(rand.NewPCG(3, 3))
	w.Append(w.part(interactionsText, true, "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,DEVICE\nu1,i1,5,view,tv\nold,i2,6,buy,\n"),
		w.part(usersText, true, "USER_ID,CITY\nu1,Rome\nu3,Oslo\n"))
	for range 5 {
		w.fill(r, 40)
		before := w.words()
		w.settle()
		if n := w.count("select coalesce(sum(count), 0) from log"); n >= hot+4 {
			t.Errorf("%d records are hot", n)
		}
		if got := w.again(); got != before {
			t.Fatalf("loaded anew: got\n%swant\n%s", got, before)
		}
	}
	if n := len(w.stored("states")); n != 1 {
		t.Errorf("there are %d states", n)
	}
	segments := w.stored("segments")
	if len(segments) < 5 {
		t.Errorf("there are only %d segments", len(segments))
	}
	var records int
	for _, err := range w.Logs.Log(w.Record.ID).Read(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		records++
	}
	if last, err := w.Logs.Log(w.Record.ID).Last(t.Context()); err != nil || int(last) != records {
		t.Errorf("%d records can be read, there were %d", records, last)
	}
	before := w.words()
	w.close()
	w.open()
	if got := w.words(); got != before {
		t.Errorf("after a restart: got\n%swant\n%s", got, before)
	}
}

// TestLeftoversAreSwept: blobs of a run that died are removed by the next.
func TestLeftoversAreSwept(t *testing.T) {
	w := newWorld(t)
	w.fill(rand.New(rand.NewPCG(1, 1)), 40)
	w.settle()
	before := len(w.stored("segments")) + len(w.stored("states"))
	g := &group{Keeper: w.keeper, id: w.Record.ID}
	for _, prefix := range []string{statesOf(w.Record.ID), segmentsOf(w.Record.ID)} {
		if _, err := g.write(t.Context(), prefix, func(w io.Writer) error { _, err := w.Write([]byte("x")); return err }); err != nil {
			t.Fatal(err)
		}
	}
	w.Update(func(tx *store.Tx) error { return Enqueue(tx, w.Record.ID) })
	w.settle()
	if n := len(w.stored("segments")) + len(w.stored("states")); n != before {
		t.Errorf("%d blobs, want %d", n, before)
	}
}

// TestDeletedGroup: a job for a group that is gone leaves nothing behind.
func TestDeletedGroup(t *testing.T) {
	w := newWorld(t)
	w.fill(rand.New(rand.NewPCG(2, 1)), 40)
	w.settle()
	w.Update(func(tx *store.Tx) error {
		return errors.Join(w.Logs.Delete(tx, w.Record.ID), Enqueue(tx, w.Record.ID))
	})
	w.settle()
	if a, b := w.stored("segments"), w.stored("states"); len(a)+len(b) > 0 {
		t.Errorf("left are %v %v", a, b)
	}
}

// TestDamagedSegmentIsNamed: a wrong bit in a segment is found by whoever reads it.
func TestDamagedSegmentIsNamed(t *testing.T) {
	w := newWorld(t)
	w.fill(rand.New(rand.NewPCG(2, 1)), 40)
	w.settle()
	name := w.stored("segments")[0]
	b := blobtest.Get(t, w.Blobs, name)
	for _, damage := range []func() error{
		func() error {
			for i := 4; i < len(b)/2; i += 16 { // columns come first
				b[i] ^= 4
			}
			blobtest.Put(t, w.Blobs, name, b)
			return nil
		},
		func() error { return w.Blobs.Delete(t.Context(), name) },
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		var last error
		for _, err := range w.Logs.Log(w.Record.ID).Read(t.Context(), 0) {
			last = err
		}
		if last == nil || !strings.Contains(last.Error(), name) && !errors.Is(last, fs.ErrNotExist) {
			t.Errorf("got %v", last)
		}
	}
}
