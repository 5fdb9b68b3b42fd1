package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"
)

// source names the database file and the pragmas of a connection. The name is
// escaped: a folder may be called "50% off?".
func (db *DB) source(more string) string {
	path := filepath.ToSlash(filepath.Join(db.dir, "usher.db"))
	if !strings.HasPrefix(path, "/") { // C:/…
		path = "/" + path
	}
	u := url.URL{Scheme: "file", Path: path, RawQuery: fmt.Sprintf(
		"_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(%d)&_pragma=foreign_keys(1)&_pragma=journal_size_limit(67108864)", db.sync) + more}
	return u.String()
}

// connect opens the writer's connection.
func (db *DB) connect(ctx context.Context) (err error) {
	if db.write, err = sql.Open("sqlite", db.source("")); err != nil {
		return err
	}
	db.write.SetMaxOpenConns(1)
	db.conn, err = db.write.Conn(ctx)
	return err
}

// connectReaders opens the pool of View.
func (db *DB) connectReaders(context.Context) (err error) {
	if db.read, err = sql.Open("sqlite", db.source("&_pragma=query_only(1)")); err != nil {
		return err
	}
	n := max(8, 2*runtime.GOMAXPROCS(0))
	db.read.SetMaxOpenConns(n)
	db.read.SetMaxIdleConns(n)
	return nil
}

//go:embed migrations/*.sql
var migrations embed.FS

// migrate applies the migrations that the database has not seen, all in one
// transaction.
func (db *DB) migrate(ctx context.Context) error {
	files, err := fs.Glob(migrations, "migrations/*.sql") // in order of names
	if err != nil {
		return err
	}
	var have int
	if err := db.conn.QueryRowContext(ctx, "pragma user_version").Scan(&have); err != nil {
		return err
	}
	if have > len(files) {
		return fmt.Errorf("written by a newer usher (schema %d, this one knows %d); start that one, or use another folder", have, len(files))
	}
	if have == len(files) {
		return nil
	}
	steps := []string{"begin immediate"}
	for _, name := range files[have:] {
		text, err := migrations.ReadFile(name)
		if err != nil {
			return err
		}
		steps = append(steps, string(text))
	}
	steps = append(steps, fmt.Sprintf("pragma user_version = %d", len(files)), "commit")
	for _, text := range steps {
		if _, err := db.conn.ExecContext(ctx, text); err != nil { // closing the connection rolls back
			return fmt.Errorf("migrate from schema %d to %d: %w", have, len(files), err)
		}
	}
	return nil
}

// checkUnclean checks the database's integrity if the last process did not
// close it, and marks it as open.
func (db *DB) checkUnclean(ctx context.Context) error {
	var open string
	err := db.conn.QueryRowContext(ctx, "select value from meta where key = 'open'").Scan(&open)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if open == "yes" {
		if err := db.check(ctx); err != nil {
			return err
		}
	}
	return db.mark(ctx, "yes")
}

// check gives the damage that SQLite finds in the file.
func (db *DB) check(ctx context.Context) error {
	rows, err := db.conn.QueryContext(ctx, "pragma quick_check(10)")
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

func (db *DB) mark(ctx context.Context, open string) error {
	_, err := db.conn.ExecContext(ctx, "insert into meta(key, value) values('open', $1) on conflict(key) do update set value = excluded.value", open)
	return err
}
