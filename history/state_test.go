package history

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"usher/blob/blobtest"
	"usher/dataset"
	"usher/eventlog"
	"usher/store"
)

// stateOf gives the bytes of a group's state after random changes.
func stateOf(t testing.TB, seed uint64, n int) []byte {
	t.Helper()
	r := newRig(t)
	r.tailLeast = 8
	g := r.open(t)
	x := &random{Rand: rand.New(rand.NewPCG(seed, 5)), r: r, t: t, items: itemsText}
	ops := []*operation{schemaOp(dataset.Interactions, interactionsText), schemaOp(dataset.Items, itemsText), schemaOp(dataset.Users, usersText)}
	for range n {
		if o := x.operation(); o.change.Cleared == nil {
			ops = append(ops, o)
		}
	}
	r.put(t, g, ops...)
	var b bytes.Buffer
	if _, err := g.WriteState(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestStateComesBack: what is read is what was written, byte by byte.
func TestStateComesBack(t *testing.T) {
	for seed, n := range []int{0, 1, 40, 300} {
		want := stateOf(t, uint64(seed), n)
		s, err := readState(bytes.NewReader(want), int64(len(want)))
		if err != nil {
			t.Fatal(err)
		}
		var again bytes.Buffer
		if err := s.write(&again); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again.Bytes(), want) {
			t.Errorf("%d changes: %d bytes came back as %d others", n, len(want), again.Len())
		}
	}
}

// TestStateDamage: no wrong bit and no missing byte goes unnoticed.
func TestStateDamage(t *testing.T) {
	whole := stateOf(t, 9, 200)
	for at := 0; at < len(whole); at += 1 + len(whole)/500 {
		b := bytes.Clone(whole)
		b[at] ^= 1 << (at % 8)
		if _, err := readState(bytes.NewReader(b), int64(len(b))); err == nil {
			t.Fatalf("byte %d is wrong, and nobody says so", at)
		}
		if _, err := readState(bytes.NewReader(whole[:at]), int64(at)); err == nil {
			t.Fatalf("only %d bytes are there, and nobody says so", at)
		}
	}
}

// TestDamagedStateIsNamed: a group is not loaded from what is damaged.
func TestDamagedStateIsNamed(t *testing.T) {
	r := newRig(t)
	g := r.open(t)
	r.put(t, g, put("u", "", "a", 1))
	r.save(t, g)
	b := blobtest.Get(t, r.blobs, "states/1")
	b[len(b)/2] ^= 1
	blobtest.Put(t, r.blobs, "states/1", b)
	h := New(Options{Logs: r.logs.Log, Blobs: r.blobs})
	defer h.Close()
	if _, err := h.Group(t.Context(), "g"); err == nil || !strings.Contains(err.Error(), `state "states/1"`) {
		t.Errorf("got %v", err)
	}
}

// TestStateIsEnough: with a state, what the log was before is not read.
func TestStateIsEnough(t *testing.T) {
	r := newRig(t)
	g := r.open(t)
	r.put(t, g, schemaOp(dataset.Interactions, interactionsText), r.importOp(t, dataset.Interactions, interactionsText, true, []string{"u", "a", "1", "t", "", "phone"}), put("u", "s", "b", 2))
	r.save(t, g)
	err := r.db.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec("update log set data = 'gone' where off <= $1", int64(eventlog.Offset(3)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	r.append(t, put("", "s", "c", 3))
	again := r.open(t)
	if got := items(t, again, "u"); got != "a b c" {
		t.Errorf("u has %q", got)
	}
	if again.offset() != 4 || again.mu.work != 1 {
		t.Errorf("%d records were applied up to %d", again.mu.work, again.offset())
	}
}

// TestGrownIsAsked: a state is asked for when it is due, and not again before as
// much has come.
func TestGrownIsAsked(t *testing.T) {
	r := newRig(t)
	asked := make(chan string, 100)
	h := New(Options{Logs: r.logs.Log, Blobs: r.blobs, Grown: func(group string) { asked <- group }, Work: 10})
	defer h.Close()
	g, err := h.Group(t.Context(), "g")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 12 {
		r.put(t, g, put("u", "", "a", int64(i)))
	}
	if group := <-asked; group != "g" || !g.Due() {
		t.Errorf("asked for %q", group)
	}
	for i := range 10 {
		r.put(t, g, put("u", "", "b", int64(i)))
	}
	<-asked
	if len(asked) > 0 {
		t.Error("asked too often")
	}
	s, err := g.WriteState(io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	r.put(t, g, put("u", "", "c", 1))
	g.Stored(s)
	if g.Due() || g.mu.work != 1 {
		t.Errorf("after it was stored there is work for %d", g.mu.work)
	}
	rows := make([][]string, 20)
	for i := range rows {
		rows[i] = []string{"u", "a", fmt.Sprint(i), "t", "", ""}
	}
	r.put(t, g, schemaOp(dataset.Interactions, interactionsText), r.importOp(t, dataset.Interactions, interactionsText, true, rows...))
	<-asked
}

func FuzzReadState(f *testing.F) {
	f.Add(stateOf(f, 1, 30))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := readState(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		for u := range s.users {
			s.past.events(dataset.Index(u))
			s.shown.of(dataset.Index(u), len(s.users))
		}
	})
}
