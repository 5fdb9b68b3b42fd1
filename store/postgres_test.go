package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"usher/internal/storetest"
)

// pair opens one database twice, as two processes do.
func pair(t *testing.T) (a, b *DB) {
	t.Helper()
	opt := Options{Database: storetest.Postgres(t), Dir: t.TempDir()}
	return open(t, opt), open(t, opt)
}

func TestTransactionsOfTwoProcessesAreOneAfterTheOther(t *testing.T) {
	a, b := pair(t)
	const rounds, writers = 25, 4
	if err := set(a, "n", "0"); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			db := []*DB{a, b}[w%2]
			for range rounds {
				err := db.Update(context.Background(), func(tx *Tx) error { // reads, then writes what it read
					var text string
					if err := tx.QueryRow("select value from meta where key = 'n'").Scan(&text); err != nil {
						return err
					}
					n, err := strconv.Atoi(text)
					if err != nil {
						return err
					}
					_, err = tx.Exec("update meta set value = $1 where key = 'n'", strconv.Itoa(n+1))
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := get(t, b, "n"); got != strconv.Itoa(rounds*writers) {
		t.Errorf("%d increments gave %s", rounds*writers, got)
	}
}

// heard collects what a subscriber is told.
type heard struct {
	mu   sync.Mutex
	keys []string
	more chan struct{}
}

func hear(t *testing.T, db *DB, topic string) *heard {
	h := &heard{more: make(chan struct{}, 1000)}
	t.Cleanup(db.Subscribe(topic, func(key string) {
		h.mu.Lock()
		h.keys = append(h.keys, key)
		h.mu.Unlock()
		h.more <- struct{}{}
	}))
	return h
}

// until waits until a key was told.
func (h *heard) until(t *testing.T, key string) []string {
	t.Helper()
	for {
		h.mu.Lock()
		keys := slices.Clone(h.keys)
		h.mu.Unlock()
		if slices.Contains(keys, key) {
			return keys
		}
		select {
		case <-h.more:
		case <-t.Context().Done():
			t.Fatal("the test ended")
		}
	}
}

func say(t *testing.T, db *DB, keys ...string) {
	t.Helper()
	err := db.Update(t.Context(), func(tx *Tx) error {
		for _, key := range keys {
			tx.Notify("topic", key)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestNotesReachTheOtherProcess(t *testing.T) {
	a, b := pair(t)
	atA, atB := hear(t, a, "topic"), hear(t, b, "topic")
	other := hear(t, b, "another")
	say(t, a, "one", "two", "one")
	no := errors.New("no")
	if err := a.Update(t.Context(), func(tx *Tx) error { tx.Notify("topic", "never"); return no }); !errors.Is(err, no) {
		t.Fatal(err)
	}
	err := a.Update(t.Context(), func(tx *Tx) error { tx.NotifyOthers("topic", "others"); return nil })
	if err != nil {
		t.Fatal(err)
	}
	say(t, a, "end")
	if got := atB.until(t, "end"); fmt.Sprint(got) != "[one two others end]" {
		t.Errorf("the other process was told %v", got)
	}
	say(t, b, "back")
	if got := atA.until(t, "back"); fmt.Sprint(got) != "[one two one end back]" {
		t.Errorf("the process itself was told %v", got)
	}
	if len(other.keys) > 0 {
		t.Errorf("another topic was told %v", other.keys)
	}
}

// sever ends the sessions of a test's database that match, but the one that asks.
func sever(t *testing.T, db *DB, where string) {
	t.Helper()
	err := db.View(t.Context(), func(tx *Tx) error {
		_, err := tx.Exec("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and application_name = current_setting('application_name') and query like '%" + where + "%'")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestNotesOutliveALostConnection(t *testing.T) {
	a, b := pair(t)
	atB := hear(t, b, "topic")
	for round := range 5 {
		say(t, a, fmt.Sprint("before", round))
		sever(t, a, b.kind.(*postgres).feed.channel) // whoever listens
		sever(t, a, "from note where seq")
		say(t, a, fmt.Sprint("during", round))
	}
	got := atB.until(t, "during4")
	for round := range 5 {
		for _, key := range []string{"before", "during"} {
			if !slices.Contains(got, fmt.Sprint(key, round)) {
				t.Errorf("%s%d was missed: %v", key, round, got)
			}
		}
	}
}

// TestLostConnectionOfTheWriter loses nothing that was acknowledged, keeps nothing
// that was not, and the next update has a new connection.
func TestLostConnectionOfTheWriter(t *testing.T) {
	db := open(t, Options{Database: storetest.Postgres(t)})
	if err := set(db, "before", "x"); err != nil {
		t.Fatal(err)
	}
	errs := together(t, db,
		func(tx *Tx) error { return put(tx, "small", "x") },
		func(tx *Tx) error {
			if err := put(tx, "lost", "x"); err != nil {
				return err
			}
			sever(t, db, "lock table writer")
			sever(t, db, "insert into meta")
			return put(tx, "more", "x")
		},
		func(tx *Tx) error { return put(tx, "behind", "x") })
	for i, err := range errs[:2] {
		var later interface{ NotNow() string }
		if err == nil || !errors.As(err, &later) || !strings.Contains(err.Error(), "cannot be reached") {
			t.Errorf("member %d got %v", i, err)
		}
	}
	if err := set(db, "after", "x"); err != nil {
		t.Errorf("the next update: %v", err)
	}
	for key, want := range map[string]string{"before": "x", "small": "", "lost": "", "more": "", "after": "x"} {
		if got := get(t, db, key); got != want {
			t.Errorf("%s is %q", key, got)
		}
	}
}

// TestFailedStatementOnPostgres: after an error PostgreSQL takes nothing more, up
// to the savepoint; the others of the group do not notice.
func TestFailedStatementOnPostgres(t *testing.T) {
	db := open(t, Options{Database: storetest.Postgres(t)})
	errs := together(t, db,
		func(tx *Tx) error { return put(tx, "a", "x") },
		func(tx *Tx) error {
			_ = put(tx, "a", "again") // takes no notice
			return nil
		},
		func(tx *Tx) error { // the error comes with the rows, and is not asked for
			rows, err := tx.Query("select 1 / (2 - n) from generate_series(1, 3) n")
			if err != nil {
				return err
			}
			for rows.Next() {
			}
			return rows.Close()
		},
		func(tx *Tx) error { return put(tx, "b", "x") })
	if errs[0] != nil || errs[1] == nil || errs[2] == nil || errs[3] != nil {
		t.Errorf("got %v", errs)
	}
	if get(t, db, "a") != "x" || get(t, db, "b") != "x" {
		t.Error("the others are lost")
	}
}

// TestWriterGivesWay: while somebody holds the right to write, nobody else does;
// and the database is told to end those who hold it and do nothing.
func TestWriterGivesWay(t *testing.T) {
	a, b := pair(t)
	begun, wait := make(chan struct{}), make(chan struct{})
	var order []string
	var wg sync.WaitGroup
	wg.Go(func() {
		err := a.Update(context.Background(), func(*Tx) error {
			close(begun)
			<-wait
			order = append(order, "a")
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-begun
	wg.Go(func() {
		err := b.Update(context.Background(), func(tx *Tx) error {
			order = append(order, "b")
			var idle string
			if err := tx.QueryRow("show idle_in_transaction_session_timeout").Scan(&idle); err != nil {
				return err
			}
			if idle != "10s" {
				t.Errorf("who holds the lock and stops is ended after %s", idle)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	for waiting := 0; waiting == 0; { // b is at the lock
		err := a.View(t.Context(), func(tx *Tx) error {
			return tx.QueryRow("select count(*) from pg_locks where not granted and relation = 'writer'::regclass").Scan(&waiting)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	close(wait)
	wg.Wait()
	if fmt.Sprint(order) != "[a b]" {
		t.Errorf("they ran as %v", order)
	}
}

func TestOpenRefusesOnPostgres(t *testing.T) {
	newer := storetest.Postgres(t)
	foreign := storetest.Postgres(t)
	raw := func(url, text string) {
		db, err := sql.Open("pgx", url)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	_ = open(t, Options{Database: newer}).Close()
	raw(newer, "update meta set value = '77' where key = 'schema'")
	raw(foreign, "create table meta(x int)")
	nowhere, err := url.Parse(newer)
	if err != nil {
		t.Fatal(err)
	}
	nowhere.Path = "/nowhere_at_all"
	for name, c := range map[string]struct{ url, want string }{
		"newer schema":  {newer, "written by a newer usher (schema 77"},
		"foreign table": {foreign, "not usher's"},
		"nobody there":  {"postgres://u:hush@127.0.0.1:1/x?connect_timeout=2", "cannot be reached"},
		"no address":    {"postgres://u:hush@127.0.0.1:port/x", "like postgres://user@host/name"},
		"no database":   {nowhere.String(), "createdb"},
	} {
		db, err := Open(t.Context(), Options{Database: c.url})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "open database") || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			_ = db.Close()
		}
	}
}

// TestFolderOfOneOrOfMany: processes that share a database share the folder; one
// with SQLite wants it alone.
func TestFolderOfOneOrOfMany(t *testing.T) {
	dir, url := t.TempDir(), storetest.Postgres(t)
	first, second := open(t, Options{Dir: dir, Database: url}), open(t, Options{Dir: dir, Database: url})
	if _, err := Open(t.Context(), Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "another usher") {
		t.Errorf("SQLite beside PostgreSQL: %v", err)
	}
	_, _ = first.Close(), second.Close()
	alone := open(t, Options{Dir: dir})
	if _, err := Open(t.Context(), Options{Dir: dir, Database: url}); err == nil || !strings.Contains(err.Error(), "another usher is using it, with SQLite") {
		t.Errorf("PostgreSQL beside SQLite: %v", err)
	}
	_ = alone.Close()
}

// TestManyOpenAtOnce: one of them makes the schema.
func TestManyOpenAtOnce(t *testing.T) {
	url := storetest.Postgres(t)
	var wg sync.WaitGroup
	for i := range 5 {
		wg.Go(func() {
			db, err := Open(context.Background(), Options{Database: url})
			if err != nil {
				t.Error(err)
				return
			}
			if err := set(db, fmt.Sprint("k", i), "x"); err != nil {
				t.Error(err)
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
