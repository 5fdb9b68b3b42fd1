package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"modernc.org/sqlite" // the embedded database
	lib "modernc.org/sqlite/lib"
)

// embedded is SQLite: a file of the data folder, which belongs to one process.
type embedded struct {
	dir  string // "": a folder of its own for tests
	sync int    // the pragma synchronous: 2 is FULL, a commit returns after its sync
}

// connect implements dialect.
func (e *embedded) connect(_ context.Context, db *DB) (err error) {
	if err := e.takeFolder(db); err != nil {
		return err
	}
	if db.write, err = sql.Open("sqlite", e.source("")); err != nil {
		return err
	}
	db.write.SetMaxOpenConns(1)
	if db.read, err = sql.Open("sqlite", e.source("&_pragma=query_only(1)")); err != nil {
		return err
	}
	n := max(8, 2*runtime.GOMAXPROCS(0))
	db.read.SetMaxOpenConns(n)
	db.read.SetMaxIdleConns(n)
	return nil
}

// takeFolder makes the folder and takes its lock.
func (e *embedded) takeFolder(db *DB) (err error) {
	e.sync = 2
	if e.dir == "" {
		if e.dir, err = os.MkdirTemp("", "usher-store-"); err != nil {
			return err
		}
		e.sync = 0 // nobody opens it again
		db.release = append(db.release, func() error { return os.RemoveAll(e.dir) })
		return nil
	}
	if e.dir, err = filepath.Abs(e.dir); err != nil {
		return err
	}
	db.place = folder(e.dir)
	unlock, err := takeFolder(e.dir, false)
	if err != nil {
		return err
	}
	db.release = append(db.release, unlock)
	return nil
}

// source names the database file and the pragmas of a connection. The name is
// escaped: a folder may be called "50% off?".
func (e *embedded) source(more string) string {
	path := filepath.ToSlash(e.file())
	if !strings.HasPrefix(path, "/") { // C:/…
		path = "/" + path
	}
	u := url.URL{Scheme: "file", Path: path, RawQuery: fmt.Sprintf(
		"_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(%d)&_pragma=foreign_keys(1)&_pragma=secure_delete(1)&_pragma=journal_size_limit(67108864)", e.sync) + more}
	return u.String()
}

func (e *embedded) file() string { return filepath.Join(e.dir, "usher.db") }

// prepare implements dialect.
func (e *embedded) prepare(ctx context.Context, conn *sql.Conn) error {
	if err := e.migrate(ctx, conn); err != nil {
		return err
	}
	return e.checkUnclean(ctx, conn)
}

// migrate applies the migrations that the database has not seen, all in one
// transaction.
func (e *embedded) migrate(ctx context.Context, conn *sql.Conn) error {
	var have int
	if err := conn.QueryRowContext(ctx, "pragma user_version").Scan(&have); err != nil {
		return err
	}
	if err := checkSchema(have); err != nil || have == schema() {
		return err
	}
	texts, err := steps(have, func(text string) string { return text }, false)
	if err != nil {
		return err
	}
	texts = append([]string{"begin immediate"}, texts...)
	texts = append(texts, fmt.Sprintf("pragma user_version = %d", schema()), "commit")
	for _, text := range texts {
		if _, err := conn.ExecContext(ctx, text); err != nil { // closing the connection rolls back
			return fmt.Errorf("migrate from schema %d to %d: %w", have, schema(), err)
		}
	}
	return nil
}

// checkUnclean checks the database's integrity if the last process did not
// close it, and marks it as open.
func (e *embedded) checkUnclean(ctx context.Context, conn *sql.Conn) error {
	var open string
	err := conn.QueryRowContext(ctx, "select value from meta where key = 'open'").Scan(&open)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if open == "yes" {
		if err := e.check(ctx, conn); err != nil {
			return err
		}
	}
	return e.mark(ctx, conn, "yes")
}

// check gives the damage that SQLite finds in the file.
func (e *embedded) check(ctx context.Context, conn *sql.Conn) error {
	rows, err := conn.QueryContext(ctx, "pragma quick_check(10)")
	if err != nil {
		return err
	}
	defer rows.Close()
	var bad []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return err
		}
		if line != "ok" {
			bad = append(bad, line)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if len(bad) > 0 {
		return fmt.Errorf("the database is damaged (%s); restore it from a backup", strings.Join(bad, "; "))
	}
	return nil
}

func (e *embedded) mark(ctx context.Context, conn *sql.Conn, open string) error {
	_, err := conn.ExecContext(ctx, "insert into meta(key, value) values('open', $1) on conflict(key) do update set value = excluded.value", open)
	return err
}

// finish implements dialect.
func (e *embedded) finish(ctx context.Context, conn *sql.Conn) error { return e.mark(ctx, conn, "no") }

// begin implements dialect.
func (e *embedded) begin() string { return "begin immediate" }

// judge implements dialect.
func (e *embedded) judge(err error) (v verdict) {
	own, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return v
	}
	switch own.Code() & 0xff { // the primary code
	case lib.SQLITE_FULL:
		return verdict{"the disk is full", "The server's disk is full. Nothing was stored. Free space, then try again.", true}
	case lib.SQLITE_IOERR:
		return verdict{"the disk gives errors", "The server's disk gives errors. Nothing was stored. The log of the server has more.", true}
	case lib.SQLITE_READONLY:
		return verdict{"it cannot be written", "", true}
	case lib.SQLITE_PERM, lib.SQLITE_AUTH:
		return verdict{"it cannot be written", "", false}
	case lib.SQLITE_CANTOPEN:
		return verdict{"its database file cannot be opened; check the folder's permissions", "", true}
	case lib.SQLITE_CORRUPT:
		return verdict{"the database is damaged; restore it from a backup", "", true}
	case lib.SQLITE_NOTADB:
		return verdict{"usher.db is not a database", "", false}
	case lib.SQLITE_BUSY:
		return verdict{"another program holds the database", "", true}
	case lib.SQLITE_NOMEM, lib.SQLITE_INTERRUPT, lib.SQLITE_PROTOCOL:
		return verdict{"", "", true}
	}
	return v
}
