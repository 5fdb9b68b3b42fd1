package eventlog

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"usher/internal/storetest"
	"usher/store"
)

// TestLogOfTwoProcesses: both append to one log and follow it. Each sees every
// record once, in the order of offsets, and both see the same.
func TestLogOfTwoProcesses(t *testing.T) {
	opt := store.Options{Database: storetest.Postgres(t)}
	const processes, writers, calls = 2, 3, 40
	total := Offset(processes * writers * calls * 3 / 2) // one record or two
	var wg sync.WaitGroup
	seen := make([][]string, processes)
	for p := range processes {
		db, logs := openIn(t, opt)
		l := logs.Log("g")
		wg.Go(func() {
			want := Offset(1)
			for r, err := range l.Tail(context.Background(), 0) {
				if err != nil || r.Offset != want {
					t.Errorf("process %d: offset %d, %v, want %d", p, r.Offset, err, want)
					return
				}
				seen[p] = append(seen[p], r.ID)
				if want++; want > total {
					return
				}
			}
		})
		for w := range writers {
			wg.Go(func() {
				for c := range calls {
					name := fmt.Sprintf("%d-%d-%d", p, w, c)
					recs := []Record{rec(name + "a"), rec(name + "b")}[:1+c%2]
					if err := appendSomehow(db, l, c, recs); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	wg.Wait()
	if len(seen[0]) != int(total) || fmt.Sprint(seen[0]) != fmt.Sprint(seen[1]) {
		t.Errorf("%d and %d records, the same: %v", len(seen[0]), len(seen[1]), fmt.Sprint(seen[0]) == fmt.Sprint(seen[1]))
	}
	next := map[string]int{} // a writer's calls are in their order
	for _, id := range seen[0] {
		var p, w, c int
		if _, err := fmt.Sscanf(id, "%d-%d-%d", &p, &w, &c); err != nil {
			t.Fatal(err)
		}
		key := fmt.Sprint(p, w)
		if c < next[key] {
			t.Fatalf("%s comes after call %d", id, next[key])
		}
		next[key] = c
	}
}

// appendSomehow appends alone or in a transaction, sometimes after one that fails.
func appendSomehow(db *store.DB, l Log, c int, recs []Record) error {
	if c%3 != 0 {
		_, err := l.Append(context.Background(), recs...)
		return err
	}
	no := errors.New("no")
	for _, end := range []error{no, nil} {
		err := db.Update(context.Background(), func(tx *store.Tx) error {
			if _, err := l.AppendTx(tx, recs...); err != nil {
				return err
			}
			return end
		})
		if !errors.Is(err, end) {
			return err
		}
	}
	return nil
}

// TestAnyID: an id is bytes, whatever they are.
func TestAnyID(t *testing.T) {
	_, logs := open(t, "")
	l := logs.Log("g")
	ids := []string{"a\x00b", "\\x00", "é", "\xff", "''"}
	for _, id := range ids {
		if _, err := l.Append(t.Context(), rec(id)); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(t, l, 0); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", ids) {
		t.Errorf("got %q", got)
	}
}
