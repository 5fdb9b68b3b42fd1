package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"usher/internal/storetest"
)

func TestViewIsASnapshotBesideTheWriter(t *testing.T) {
	for _, opt := range []Options{quick(t), place(t)} {
		db := open(t, opt)
		err := db.View(t.Context(), func(tx *Tx) error {
			count := func() (n int) {
				if err := tx.QueryRow("select count(*) from meta").Scan(&n); err != nil {
					t.Error(err)
				}
				return n
			}
			before := count()
			if err := set(db, "new", "x"); err != nil { // does not wait for the view
				return err
			}
			if after := count(); after != before {
				t.Errorf("a snapshot changed from %d to %d rows", before, after)
			}
			if got := get(t, db, "new"); got != "x" {
				t.Errorf("a new view sees %q", got)
			}
			if err := put(tx, "w", "x"); err == nil {
				t.Error("a reader could write")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := get(t, db, "w"); got != "" {
			t.Errorf("a reader wrote %q", got)
		}
	}
}

func TestViewGivesErrorsAndPanicsOn(t *testing.T) {
	db := open(t, quick(t))
	wrong := errors.New("wrong")
	if err := db.View(t.Context(), func(*Tx) error { return wrong }); err != wrong {
		t.Errorf("got %v", err)
	}
	if p := caught(func() { _ = db.View(t.Context(), func(*Tx) error { panic("boom") }) }); p != "boom" {
		t.Errorf("panic %v", p)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(wrong)
	if err := db.View(ctx, func(*Tx) error { return nil }); !errors.Is(err, wrong) {
		t.Errorf("got %v", err)
	}
}

func TestNowIsTheClockThatWasHandedIn(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	db, err := Open(t.Context(), Options{Database: storetest.Database(t), Now: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Update(t.Context(), func(tx *Tx) error {
		if !tx.Now().Equal(at) || !db.Now().Equal(at) {
			t.Errorf("got %v and %v", tx.Now(), db.Now())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestStatementsBeyondTheCacheStillRun(t *testing.T) {
	db := open(t, Options{})
	err := db.Update(t.Context(), func(tx *Tx) error {
		for i := range statementsMax + 10 {
			if _, err := tx.Exec(fmt.Sprintf("insert into meta(key, value) values('k%d', 'x')", i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || len(db.statements) > statementsMax {
		t.Fatalf("%d statements, %v", len(db.statements), err)
	}
	if got := get(t, db, fmt.Sprint("k", statementsMax+9)); got != "x" {
		t.Errorf("got %q", got)
	}
}

func TestReadersAndWritersTogether(t *testing.T) {
	db := open(t, place(t))
	const n = 40
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() { // each writer keeps two rows equal
			for i := range n {
				err := db.Update(context.Background(), func(tx *Tx) error {
					for _, side := range []string{"left", "right"} {
						_, err := tx.Exec("insert into meta(key, value) values($1, $2) on conflict(key) do update set value = excluded.value", fmt.Sprint(side, w), fmt.Sprint(i))
						if err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range n {
				err := db.View(context.Background(), func(tx *Tx) error {
					var different int
					err := tx.QueryRow("select count(*) from meta l join meta r on r.key = replace(l.key, 'left', 'right') where l.key like 'left%' and l.value <> r.value").Scan(&different)
					if different != 0 {
						t.Errorf("%d halves of transactions were seen", different)
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
