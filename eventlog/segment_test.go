package eventlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"sync"
	"testing"

	"usher/store"
)

// shelf is an Archive in memory. missing is called when a blob is not there.
type shelf struct {
	mu      sync.Mutex
	blobs   map[string][]Record
	missing func()
}

func (s *shelf) Segment(_ context.Context, blob string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		s.mu.Lock()
		recs, ok := s.blobs[blob]
		s.mu.Unlock()
		if !ok {
			if s.missing != nil {
				s.missing()
			}
			yield(Record{}, fs.ErrNotExist)
			return
		}
		for _, r := range recs {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// openWith gives logs with an archive and n records of one call each.
func openWith(t *testing.T, s *shelf, n int) (*store.DB, *Logs) {
	db, plain := open(t, "")
	_ = plain.Close()
	logs := NewWith(db, Options{Archive: s})
	t.Cleanup(func() { _ = logs.Close() })
	for i := range n {
		if _, err := logs.Log("g").Append(t.Context(), rec(fmt.Sprint(i+1))); err != nil {
			t.Fatal(err)
		}
	}
	return db, logs
}

// shelve moves the records up to last into a segment.
func shelve(t *testing.T, db *store.DB, logs *Logs, s *shelf, last Offset) error {
	t.Helper()
	return db.Update(t.Context(), func(tx *store.Tx) error {
		e, err := logs.Extent(tx, "g")
		if err != nil {
			return err
		}
		seg := Segment{First: e.Moved + 1, Last: last, Blob: fmt.Sprint("s", last)}
		for r, err := range logs.Log("g").Read(context.Background(), e.Moved) {
			if err != nil {
				return err
			}
			if r.Offset <= last {
				s.blobs[seg.Blob] = append(s.blobs[seg.Blob], r)
			}
		}
		return logs.Move(tx, "g", seg)
	})
}

func rows(t *testing.T, db *store.DB) (n int) {
	t.Helper()
	err := db.View(t.Context(), func(tx *store.Tx) error { return tx.QueryRow("select count(*) from log").Scan(&n) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestSegmentsAreReadAsTheLog: whoever reads from anywhere gets the same records
// as before they moved.
func TestSegmentsAreReadAsTheLog(t *testing.T) {
	s := &shelf{blobs: map[string][]Record{}}
	db, logs := openWith(t, s, 10)
	l := logs.Log("g")
	for _, last := range []Offset{4, 7} {
		if err := shelve(t, db, logs, s, last); err != nil {
			t.Fatal(err)
		}
	}
	if n := rows(t, db); n != 3 {
		t.Errorf("%d rows are left", n)
	}
	for after := range Offset(11) {
		if got := read(t, l, after); len(got) != int(10-after) {
			t.Errorf("after %d there are %v", after, got)
		}
	}
	next, stop := iter.Pull2(l.Tail(t.Context(), 2))
	defer stop()
	for want := Offset(3); want <= 10; want++ {
		if r, err, ok := next(); !ok || err != nil || r.Offset != want {
			t.Fatalf("a follower got %d, %v, want %d", r.Offset, err, want)
		}
	}
	if err := db.Update(t.Context(), func(tx *store.Tx) error { return logs.Move(tx, "g", Segment{First: 5, Last: 7, Blob: "x"}) }); !errors.Is(err, ErrMoved) {
		t.Errorf("moved twice: %v", err)
	}
	if _, err := l.Append(t.Context(), rec("11"), rec("12")); err != nil {
		t.Fatal(err)
	}
	if err := db.Update(t.Context(), func(tx *store.Tx) error { return logs.Move(tx, "g", Segment{First: 8, Last: 11, Blob: "x"}) }); err == nil {
		t.Error("half a row was moved")
	}
	delete(s.blobs, "s7")
	for _, err := range l.Read(t.Context(), 5) {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("without its segment the log gives %v", err)
		}
	}
}

// TestRewrittenSegments: readers get what is left, also those who had just looked
// where it was; followers from before are told.
func TestRewrittenSegments(t *testing.T) {
	s := &shelf{blobs: map[string][]Record{}}
	db, logs := openWith(t, s, 8)
	if err := shelve(t, db, logs, s, 6); err != nil {
		t.Fatal(err)
	}
	was := []Segment{{1, 6, "s6"}}
	rewrite := func() {
		s.mu.Lock()
		s.blobs["new"] = slices.DeleteFunc(slices.Clone(s.blobs["s6"]), func(r Record) bool { return r.Offset == 2 || r.Offset == 6 })
		delete(s.blobs, "s6")
		s.mu.Unlock()
		err := db.Update(context.Background(), func(tx *store.Tx) error {
			return errors.Join(logs.SetState(tx, "g", State{6, "state"}), logs.Rewrite(tx, "g", was, []Segment{{1, 6, "new"}}))
		})
		if err != nil {
			t.Error(err)
		}
	}
	offsets := func(seq iter.Seq2[Record, error]) (list []Offset, err error) {
		for r, err := range seq {
			if err != nil {
				return list, err
			}
			list = append(list, r.Offset)
		}
		return list, nil
	}
	kept := s.blobs["s6"]
	delete(s.blobs, "s6") // a reader has looked, and finds nothing
	s.missing = func() {
		s.mu.Lock()
		s.missing, s.blobs["s6"] = nil, kept
		s.mu.Unlock()
		rewrite()
	}
	l := logs.Log("g")
	if got, err := offsets(l.Read(t.Context(), 0)); err != nil || !slices.Equal(got, []Offset{1, 3, 4, 5, 7, 8}) {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := offsets(l.Replay(t.Context(), 6)); err != nil || !slices.Equal(got, []Offset{7, 8}) {
		t.Errorf("from the state: %v, %v", got, err)
	}
	if _, err := offsets(l.Replay(t.Context(), 3)); !errors.Is(err, ErrTrimmed) {
		t.Errorf("a follower from before got %v", err)
	}
	if st, err := l.State(t.Context()); err != nil || st != (State{6, "state"}) {
		t.Errorf("state %v, %v", st, err)
	}
	for name, update := range map[string]func(tx *store.Tx) error{
		"older state":   func(tx *store.Tx) error { return logs.SetState(tx, "g", State{5, "x"}) },
		"rewrite twice": func(tx *store.Tx) error { return logs.Rewrite(tx, "g", was, []Segment{{1, 6, "x"}}) },
	} {
		if err := db.Update(t.Context(), update); !errors.Is(err, ErrMoved) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGrowthIsTold(t *testing.T) {
	db, plain := open(t, "")
	_ = plain.Close()
	told := map[string]int{}
	logs := NewWith(db, Options{Every: 5, Grown: func(_ *store.Tx, name string) error { told[name]++; return nil }})
	defer logs.Close()
	for i := range 12 {
		if _, err := logs.Log("g").Append(t.Context(), rec(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := logs.Log("h").Append(t.Context(), rec("a"), rec("b"), rec("c"), rec("d"), rec("e"), rec("f")); err != nil {
		t.Fatal(err)
	}
	if told["g"] != 2 || told["h"] != 1 {
		t.Errorf("told %v", told)
	}
}
