// Package store holds usher's one SQL schema and runs its transactions.
//
// The embedded database is SQLite in WAL mode with synchronous=FULL. Update is
// the only way to write: one writer goroutine takes what is waiting, runs each
// function inside a savepoint of one transaction and commits once (group
// commit), so many small durable writes share one sync. A function that fails
// or panics loses its own writes only. View reads a stable snapshot beside the
// writer. Rooms change together by sharing a Tx: catalog.Create(tx, …),
// job.Enqueue(tx, …), log.AppendTx(tx, …) commit or vanish as one.
//
// SQL text is written once for both databases, with $1 placeholders. Only
// store, catalog, eventlog and job hold SQL.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the embedded database
)

// Options open a database. The zero value of each field is its default.
type Options struct {
	Dir string           // folder of the database file; "" keeps it in memory
	Now func() time.Time // the clock that is recorded; time.Now
}

// ErrClosed is given to those who use a closed database.
var ErrClosed = errors.New("store: closed")

// DB is an open database. All methods may be called concurrently.
type DB struct {
	now   func() time.Time
	write *sql.DB
	conn  *sql.Conn // write's one connection; once open, the writer's alone
	read  *sql.DB   // nil in memory

	statements map[string]*sql.Stmt // of conn, the writer's alone

	unlock  func() error
	pending chan *update
	stop    chan struct{} // closed by Close
	stopped chan struct{} // closed when the writer has ended
	once    sync.Once
	subs    subscribers
}

// Open opens or makes the database, brings its schema up to date and checks its
// integrity after an unclean stop. A second process on the same folder and a
// folder written by a newer usher are refused by name.
func Open(ctx context.Context, opt Options) (_ *DB, err error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	db := &DB{now: opt.Now, statements: map[string]*sql.Stmt{}, unlock: func() error { return nil },
		pending: make(chan *update, 256), stop: make(chan struct{}), stopped: make(chan struct{})}
	name := ":memory:"
	if opt.Dir != "" {
		if err := os.MkdirAll(opt.Dir, 0o700); err != nil {
			return nil, fmt.Errorf("open data folder %q: %w", opt.Dir, err)
		}
		if db.unlock, err = lock(filepath.Join(opt.Dir, "lock")); err != nil {
			return nil, fmt.Errorf("open data folder %q: %w", opt.Dir, err)
		}
		name = "file:" + filepath.ToSlash(filepath.Join(opt.Dir, "usher.db"))
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.closeFiles())
		}
	}()
	if err := db.connect(ctx, name); err != nil {
		return nil, fmt.Errorf("open database in %q: %w", opt.Dir, err)
	}
	if err := db.migrate(ctx); err != nil {
		return nil, fmt.Errorf("open database in %q: %w", opt.Dir, err)
	}
	if err := db.checkUnclean(ctx); err != nil {
		return nil, fmt.Errorf("open database in %q: %w", opt.Dir, err)
	}
	go db.writer()
	return db, nil
}
