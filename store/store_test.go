package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
)

func open(t *testing.T, dir string) *DB {
	t.Helper()
	db, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func set(db *DB, key, value string) error {
	return db.Update(context.Background(), func(tx *Tx) error {
		_, err := tx.Exec("insert into meta(key, value) values($1, $2)", key, value)
		return err
	})
}

func get(t *testing.T, db *DB, key string) (value string) {
	t.Helper()
	err := db.View(t.Context(), func(tx *Tx) error {
		return tx.QueryRow("select coalesce(max(value), '') from meta where key = $1", key).Scan(&value)
	})
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestUpdateCommitsOrLeavesNothing(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		db := open(t, dir)
		wrong := errors.New("wrong")
		var wg sync.WaitGroup
		for i := range 60 {
			wg.Go(func() {
				err := db.Update(t.Context(), func(tx *Tx) error {
					if _, err := tx.Exec("insert into meta(key, value) values($1, 'x')", fmt.Sprint("k", i)); err != nil {
						return err
					}
					switch i % 3 {
					case 1:
						return wrong
					case 2:
						panic("boom")
					}
					return nil
				})
				switch i % 3 {
				case 0:
					if err != nil {
						t.Error(err)
					}
				case 1:
					if !errors.Is(err, wrong) {
						t.Errorf("got %v", err)
					}
				case 2:
					if err == nil || !strings.Contains(err.Error(), "boom") {
						t.Errorf("got %v", err)
					}
				}
			})
		}
		wg.Wait()
		for i := range 60 {
			want := ""
			if i%3 == 0 {
				want = "x"
			}
			if got := get(t, db, fmt.Sprint("k", i)); got != want {
				t.Errorf("dir %q: key %d: got %q, want %q", dir, i, got, want)
			}
		}
	}
}

func TestNotifyComesAfterCommitOnly(t *testing.T) {
	db := open(t, "")
	var got []string
	cancel := db.Subscribe("topic", func(key string) { got = append(got, key) })
	_ = db.Update(t.Context(), func(tx *Tx) error { tx.Notify("topic", "lost"); return errors.New("no") })
	ran := false
	err := db.Update(t.Context(), func(tx *Tx) error {
		tx.Notify("topic", "a")
		tx.Notify("other", "b")
		tx.OnCommit(func() { ran = true })
		return nil
	})
	cancel()
	_ = db.Update(t.Context(), func(tx *Tx) error { tx.Notify("topic", "late"); return nil })
	if err != nil || !ran || fmt.Sprint(got) != "[a]" {
		t.Errorf("err %v, ran %v, got %v", err, ran, got)
	}
}

func TestReopenKeepsWhatWasWritten(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	if err := set(db, "k", "v"); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "another usher") {
		t.Errorf("a second process got %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := set(db, "k2", "v"); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed database gave %v", err)
	}
	if got := get(t, open(t, dir), "k"); got != "v" {
		t.Errorf("got %q", got)
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	if _, err := db.conn.ExecContext(t.Context(), "pragma user_version = 99"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "newer usher") {
		t.Errorf("got %v", err)
	}
}

func TestViewIsASnapshot(t *testing.T) {
	db := open(t, t.TempDir())
	err := db.View(t.Context(), func(tx *Tx) error {
		count := func() (n int) {
			if err := tx.QueryRow("select count(*) from meta").Scan(&n); err != nil {
				t.Error(err)
			}
			return n
		}
		before := count()
		if err := set(db, "new", "x"); err != nil {
			return err
		}
		if after := count(); after != before {
			t.Errorf("a snapshot changed from %d to %d rows", before, after)
		}
		if _, err := tx.Exec("insert into meta(key, value) values('w', 'x')"); err == nil {
			t.Error("a reader could write")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
