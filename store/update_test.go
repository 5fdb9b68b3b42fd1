package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// caught gives what fn panics with.
func caught(fn func()) (p any) {
	defer func() { p = recover() }()
	fn()
	return nil
}

func TestUpdateCommitsOrLeavesNothing(t *testing.T) {
	db := open(t, place(t))
	wrong := errors.New("wrong")
	ends := []struct {
		name string
		fn   func() error
		err  error
		keep bool
	}{
		{"good", func() error { return nil }, nil, true},
		{"error", func() error { return wrong }, wrong, false},
		{"panic", func() error { panic("boom") }, nil, false},
		{"goexit", func() error { runtime.Goexit(); return nil }, nil, false},
	}
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			end := ends[i%4]
			p := caught(func() {
				err := db.Update(t.Context(), func(tx *Tx) error {
					if err := put(tx, fmt.Sprint("k", i), "x"); err != nil {
						return err
					}
					return end.fn()
				})
				if !errors.Is(err, end.err) {
					t.Errorf("%s: got %v", end.name, err)
				}
			})
			if want := end.name == "panic"; (p == "boom") != want {
				t.Errorf("%s: panic %v", end.name, p)
			}
		})
	}
	wg.Wait()
	for i := range 100 {
		want := ""
		if ends[i%4].keep {
			want = "x"
		}
		if got := get(t, db, fmt.Sprint("k", i)); got != want {
			t.Errorf("key %d: got %q, want %q", i, got, want)
		}
	}
}

// together runs functions as members of one group, in their order.
func together(t *testing.T, db *DB, fns ...func(tx *Tx) error) (errs []error) {
	t.Helper()
	begun, full := make(chan struct{}), make(chan struct{})
	errs = make([]error, len(fns))
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := db.Update(context.Background(), func(*Tx) error { close(begun); <-full; return nil }); err != nil && len(fns) == 0 {
			t.Error(err)
		}
	})
	<-begun
	for i, fn := range fns {
		wg.Go(func() { errs[i] = db.Update(context.Background(), fn) })
		for len(db.pending) <= i {
			runtime.Gosched()
		}
	}
	close(full)
	wg.Wait()
	return errs
}

func TestFailedCommitFailsAllItsMembers(t *testing.T) {
	db := open(t, place(t))
	err := db.Update(t.Context(), func(tx *Tx) error {
		_, err := tx.Exec("create table child(parent text references meta(key) deferrable initially deferred)")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	defer db.Subscribe("t", func(string) { told++ })()
	errs := together(t, db,
		func(tx *Tx) error { tx.Notify("t", "a"); tx.OnCommit(func() { told++ }); return put(tx, "a", "x") },
		func(tx *Tx) error { _, err := tx.Exec("insert into child values('nobody')"); return err },
		func(tx *Tx) error { return put(tx, "b", "x") })
	for i, err := range errs {
		if err == nil || !strings.Contains(err.Error(), "commit") {
			t.Errorf("member %d got %v", i, err)
		}
	}
	if get(t, db, "a") != "" || get(t, db, "b") != "" || told != 0 {
		t.Errorf("something remained, told %d", told)
	}
	if err := set(db, "c", "x"); err != nil || get(t, db, "c") != "x" {
		t.Errorf("the next update: %v", err)
	}
}

func TestAfterCommitInCommitOrder(t *testing.T) {
	db := open(t, quick(t))
	var got []string
	defer db.Subscribe("topic", func(key string) { got = append(got, key) })()
	fns := make([]func(tx *Tx) error, 20)
	for i := range fns {
		fns[i] = func(tx *Tx) error {
			tx.Notify("topic", fmt.Sprint("n", i))
			tx.Notify("another", "x")
			tx.OnCommit(func() { got = append(got, fmt.Sprint("c", i)) })
			if i%3 == 1 {
				return errors.New("no")
			}
			return nil
		}
	}
	together(t, db, fns...)
	var want []string
	for i := range fns {
		if i%3 != 1 {
			want = append(want, fmt.Sprint("c", i), fmt.Sprint("n", i))
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestSubscriptionsEnd(t *testing.T) {
	db := open(t, quick(t))
	n := 0
	cancel := db.Subscribe("t", func(string) { n++ })
	say := func() {
		if err := db.Update(t.Context(), func(tx *Tx) error { tx.Notify("t", ""); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	say()
	cancel()
	say()
	if n != 1 {
		t.Errorf("told %d times", n)
	}
}

func TestPanicAfterCommitIsItsCallersOnly(t *testing.T) {
	db := open(t, quick(t))
	defer db.Subscribe("t", func(string) { panic("subscriber") })()
	p := caught(func() {
		_ = db.Update(t.Context(), func(tx *Tx) error { tx.Notify("t", ""); return put(tx, "k", "v") })
	})
	if p != "subscriber" || get(t, db, "k") != "v" {
		t.Errorf("panic %v, value %q", p, get(t, db, "k"))
	}
	if err := set(db, "k2", "v"); err != nil {
		t.Error(err)
	}
}

func TestUpdateInsideUpdateIsRefused(t *testing.T) {
	db := open(t, quick(t))
	err := db.Update(t.Context(), func(tx *Tx) error {
		return db.Update(tx.Context(), func(*Tx) error { return nil })
	})
	if !errors.Is(err, errInside) {
		t.Errorf("got %v", err)
	}
	other := open(t, quick(t))
	err = db.Update(t.Context(), func(tx *Tx) error {
		return other.Update(tx.Context(), func(tx *Tx) error { return put(tx, "k", "v") })
	})
	if err != nil || get(t, other, "k") != "v" {
		t.Errorf("another database: %v", err)
	}
}

func TestUpdateWhoseContextEnds(t *testing.T) {
	db := open(t, place(t))
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	begun, left := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := db.Update(ctx, func(tx *Tx) error { // its own context ends while it runs: it goes on
			close(begun)
			<-left
			return put(tx, "running", "x")
		})
		if err != nil {
			t.Errorf("the running one got %v", err)
		}
	})
	<-begun
	wg.Go(func() {
		defer close(left)
		ran := false
		if err := db.Update(ctx, func(*Tx) error { ran = true; return nil }); !errors.Is(err, enough) || ran {
			t.Errorf("the waiting one got %v, ran %v", err, ran)
		}
	})
	for len(db.pending) == 0 {
		runtime.Gosched()
	}
	cancel(enough)
	wg.Wait()
	if get(t, db, "running") != "x" {
		t.Error("the running one was lost")
	}
	if err := db.Update(ctx, func(*Tx) error { return nil }); !errors.Is(err, enough) {
		t.Errorf("one that comes later got %v", err)
	}
}

func TestFullDiskLosesTheGroupAndNamesTheFolder(t *testing.T) {
	dir := t.TempDir()
	db := open(t, Options{Dir: dir})
	if err := set(db, "before", "x"); err != nil {
		t.Fatal(err)
	}
	limit := func(n int) {
		if _, err := db.conn.ExecContext(t.Context(), fmt.Sprintf("pragma max_page_count = %d", n)); err != nil {
			t.Fatal(err)
		}
	}
	limit(1) // as many pages as there are
	errs := together(t, db,
		func(tx *Tx) error { return put(tx, "small", "x") },
		func(tx *Tx) error { // takes no notice and goes on
			if err := put(tx, "big", strings.Repeat("x", 100_000)); err == nil {
				t.Error("there was room")
			}
			if err := put(tx, "stray", "x"); err == nil {
				t.Error("a statement ran behind the one that ended the transaction")
			}
			var n int
			if err := tx.QueryRow("select count(*) from meta").Scan(&n); err == nil {
				t.Error("a query ran behind the one that ended the transaction")
			}
			return nil
		})
	if err := errs[1]; err == nil || !strings.Contains(err.Error(), "the disk is full") || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v", err)
	}
	var later interface{ NotNow() string }
	if !errors.As(errs[1], &later) || !strings.Contains(later.NotNow(), "disk is full") {
		t.Errorf("clients are not told to try again: %v", errs[1])
	}
	want := ""
	if errs[0] == nil { // SQLite kept the others' work
		want = "x"
	}
	if get(t, db, "small") != want || get(t, db, "stray") != "" || get(t, db, "before") != "x" {
		t.Errorf("after %v: small %q stray %q", errs, get(t, db, "small"), get(t, db, "stray"))
	}
	limit(1 << 30)
	if err := set(db, "after", "x"); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

func TestTxIsOverAfterItsFunction(t *testing.T) {
	db := open(t, quick(t))
	var kept *Tx
	if err := db.Update(t.Context(), func(tx *Tx) error { kept = tx; return nil }); err != nil {
		t.Fatal(err)
	}
	if err := put(kept, "k", "v"); !errors.Is(err, errOver) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkUpdate(b *testing.B) {
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			db := open(b, place(b))
			b.SetParallelism(max(1, callers/runtime.GOMAXPROCS(0)))
			one := func(i int) {
				err := db.Update(context.Background(), func(tx *Tx) error {
					_, err := tx.Exec("insert into meta(key, value) values($1, $2) on conflict(key) do update set value = excluded.value", fmt.Sprint(i%1000), fmt.Sprint(i))
					return err
				})
				if err != nil {
					b.Error(err)
				}
			}
			if callers == 1 {
				for i := 0; b.Loop(); i++ {
					one(i)
				}
				return
			}
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					one(i)
				}
			})
		})
	}
}
