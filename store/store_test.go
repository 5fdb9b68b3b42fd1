package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"usher/internal/storetest"
)

// place gives an empty database, of the kind that storetest says.
func place(t testing.TB) Options {
	t.Helper()
	return Options{Dir: t.TempDir(), Database: storetest.Database(t)}
}

// quick is place without syncs on SQLite; it can be opened once.
func quick(t testing.TB) Options {
	t.Helper()
	return Options{Database: storetest.Database(t)}
}

func open(t testing.TB, opt Options) *DB {
	t.Helper()
	db, err := Open(context.Background(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func set(db *DB, key, value string) error {
	return db.Update(context.Background(), func(tx *Tx) error { return put(tx, key, value) })
}

func put(tx *Tx, key, value string) error {
	_, err := tx.Exec("insert into meta(key, value) values($1, $2)", key, value)
	return err
}

func get(t testing.TB, db *DB, key string) (value string) {
	t.Helper()
	err := db.View(context.Background(), func(tx *Tx) error {
		return tx.QueryRow("select coalesce(max(value), '') from meta where key = $1", key).Scan(&value)
	})
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestReopenKeepsWhatWasWritten(t *testing.T) {
	for _, name := range []string{"plain", "50% off? #1 & a space", "deep/er"} {
		dir := filepath.Join(t.TempDir(), name)
		opt := Options{Dir: dir, Database: storetest.Database(t)}
		db := open(t, opt)
		if err := set(db, "k", "v"); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Errorf("closing twice: %v", err)
		}
		if _, err := os.Stat(filepath.Join(dir, "usher.db")); (err == nil) == db.Shared() {
			t.Error(err)
		}
		if got := get(t, open(t, opt), "k"); got != "v" {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestFolderWithoutNameIsGoneAfterClose(t *testing.T) {
	db := open(t, Options{})
	if err := set(db, "k", "v"); err != nil {
		t.Fatal(err)
	}
	dir := db.kind.(*embedded).dir
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", dir, err)
	}
}

func TestClosedDatabaseSaysSo(t *testing.T) {
	db := open(t, quick(t))
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := set(db, "k", "v"); !errors.Is(err, ErrClosed) {
		t.Errorf("Update gave %v", err)
	}
	if err := db.View(t.Context(), func(*Tx) error { return nil }); !errors.Is(err, ErrClosed) {
		t.Errorf("View gave %v", err)
	}
}

func TestCloseWaitsForViews(t *testing.T) {
	db := open(t, place(t))
	inside, closed := make(chan struct{}), make(chan error, 1)
	err := db.View(t.Context(), func(tx *Tx) error {
		go func() { close(inside); closed <- db.Close() }()
		<-inside
		<-db.stopped // Close is past its writer
		select {
		case <-closed:
			t.Error("Close did not wait")
		default:
		}
		var n int
		return tx.QueryRow("select count(*) from meta").Scan(&n)
	})
	if err != nil {
		t.Error(err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

// behind opens the database file behind the store's back.
func behind(t *testing.T, dir string, texts ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "usher.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, text := range texts {
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(t *testing.T, dir string)
		want    string
	}{
		"second process": {func(t *testing.T, dir string) { open(t, Options{Dir: dir}) }, "another usher is using it"},
		"newer schema": {func(t *testing.T, dir string) {
			_ = open(t, Options{Dir: dir}).Close()
			behind(t, dir, "pragma user_version = 77")
		}, fmt.Sprintf("written by a newer usher (schema 77, this one knows %d)", schema())},
		"a file in the place of the folder": {func(t *testing.T, dir string) {
			if err := os.WriteFile(dir, []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "not a directory"},
		"a folder in the place of the file": {func(t *testing.T, dir string) {
			if err := os.MkdirAll(filepath.Join(dir, "usher.db"), 0o700); err != nil {
				t.Fatal(err)
			}
		}, "cannot be opened"},
		"another file": {func(t *testing.T, dir string) {
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "usher.db"), []byte(strings.Repeat("no database", 100)), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "usher.db is not a database"},
		"damage after an unclean stop": {func(t *testing.T, dir string) { damaged(t, dir, "yes") }, "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			c.prepare(t, dir)
			_, err := Open(t.Context(), Options{Dir: dir})
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// damaged leaves a database whose last page is rubbish behind, closed or not.
func damaged(t *testing.T, dir, unclean string) {
	_ = open(t, Options{Dir: dir}).Close()
	behind(t, dir, "update meta set value = '"+unclean+"' where key = 'open'")
	f, err := os.OpenFile(filepath.Join(dir, "usher.db"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(bytes.Repeat([]byte{0xff}, 4096), end-4096); err != nil {
		t.Fatal(err)
	}
}

func TestCheckIsForUncleanStopsOnly(t *testing.T) {
	dir := t.TempDir()
	damaged(t, dir, "no")
	db := open(t, Options{Dir: dir}) // a check would take long on a big log
	var state string
	if state = get(t, db, "open"); state != "yes" {
		t.Errorf("while open the mark is %q", state)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	behind(t, dir, "update meta set value = value || '!' where key = 'open'")
	if state = get(t, open(t, Options{Dir: dir}), "open"); state != "yes" {
		t.Errorf("got %q", state)
	}
}

func TestFailedOpenCanBeTriedAgain(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "usher.db"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{Dir: dir}); err == nil {
		t.Fatal("opened a folder as a file")
	}
	if err := os.Remove(filepath.Join(dir, "usher.db")); err != nil {
		t.Fatal(err)
	}
	open(t, Options{Dir: dir}) // the lock was given back
}
