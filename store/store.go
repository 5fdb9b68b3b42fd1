// Package store holds usher's one SQL schema and runs its transactions.
//
// The embedded database is SQLite in WAL mode with synchronous=FULL. Update is
// the only way to write: one writer goroutine takes what is waiting, lets each
// function run inside a savepoint of one transaction and commits once (group
// commit), so many small durable writes share one sync. A function that fails
// or panics loses its own writes only; a commit that fails fails all its
// members. View reads a stable snapshot beside the writer. Rooms change together
// by sharing a Tx: catalog.Create(tx, …), job.Enqueue(tx, …),
// log.AppendTx(tx, …) commit or vanish as one.
//
// One process owns a data folder, by a file lock. The folder remembers whether
// it was closed; after an unclean stop the database is checked before use.
//
// SQL text is written once for both databases, with $1 placeholders. Only
// store, catalog, eventlog and job hold SQL; what the rows mean is theirs.
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
	// Dir is the folder of the database file. "" is for tests: a folder of its
	// own without syncs, gone after Close, that behaves the same otherwise.
	Dir string
	Now func() time.Time // the clock that is recorded; time.Now
}

// ErrClosed is given to those who use a closed database.
var ErrClosed = errors.New("store: closed")

var errInUse = errors.New("another usher is using it")

// DB is an open database. All methods may be called concurrently.
type DB struct {
	now   func() time.Time
	dir   string
	sync  int // the pragma synchronous: 2 is FULL, a commit returns after its sync
	write *sql.DB
	conn  *sql.Conn // write's one connection; belongs to the writer and to the function whose turn it is
	read  *sql.DB

	statements map[string]*sql.Stmt // of conn; belongs to whom conn belongs

	release []func() error // after the files are closed, last first
	pending chan *update
	stop    chan struct{} // closed by Close
	stopped chan struct{} // closed when the writer has ended
	subs    subscribers
	mu      struct {
		sync.Mutex
		closed bool
		views  sync.WaitGroup // Add under the mutex while not closed
	}
}

// Open opens or makes the database, brings its schema up to date and checks its
// integrity after an unclean stop. A second process on the same folder and a
// folder written by a newer usher are refused by name.
func Open(ctx context.Context, opt Options) (_ *DB, err error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	db := &DB{now: opt.Now, dir: opt.Dir, sync: 2, statements: map[string]*sql.Stmt{},
		pending: make(chan *update, groupMax), stop: make(chan struct{}), stopped: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("open data folder %q: %w", db.dir, err), db.closeFiles())
		}
	}()
	if err := db.takeFolder(); err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context) error{db.connect, db.migrate, db.checkUnclean, db.connectReaders} {
		if err := step(ctx); err != nil {
			return nil, plain(err)
		}
	}
	go db.writer()
	return db, nil
}

// takeFolder makes the folder and takes its lock.
func (db *DB) takeFolder() (err error) {
	if db.dir == "" {
		if db.dir, err = os.MkdirTemp("", "usher-store-"); err != nil {
			return err
		}
		db.sync = 0 // nobody opens it again
		db.release = append(db.release, func() error { return os.RemoveAll(db.dir) })
		return nil
	}
	if db.dir, err = filepath.Abs(db.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(db.dir, 0o700); err != nil {
		return err
	}
	unlock, err := lock(filepath.Join(db.dir, "lock"))
	if err != nil {
		return err
	}
	db.release = append(db.release, unlock)
	return nil
}

// Close waits for running transactions and closes the database. What comes
// later gets ErrClosed.
func (db *DB) Close() error {
	db.mu.Lock()
	first := !db.mu.closed
	db.mu.closed = true
	db.mu.Unlock()
	if !first {
		return nil
	}
	close(db.stop)
	<-db.stopped
	db.mu.views.Wait()
	err := errors.Join(db.mark(context.Background(), "no"), db.closeFiles())
	if err != nil {
		err = fmt.Errorf("close data folder %q: %w", db.dir, err)
	}
	return err
}

func (db *DB) closeFiles() error {
	var errs []error
	if db.read != nil {
		errs = append(errs, db.read.Close())
	}
	for _, s := range db.statements {
		errs = append(errs, s.Close())
	}
	if db.conn != nil {
		errs = append(errs, db.conn.Close())
	}
	if db.write != nil {
		errs = append(errs, db.write.Close())
	}
	for i := len(db.release) - 1; i >= 0; i-- {
		errs = append(errs, db.release[i]())
	}
	return errors.Join(errs...)
}

// Now gives the time to record.
func (db *DB) Now() time.Time { return db.now() }
