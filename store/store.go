// Package store holds usher's one SQL schema and runs its transactions, on
// SQLite or on PostgreSQL.
//
// Update is the only way to write: one writer goroutine takes what is waiting,
// lets each function run inside a savepoint of one transaction and commits once
// (group commit), so many small durable writes share one sync. A function that
// fails or panics loses its own writes only; a commit that fails fails all its
// members. View reads a stable snapshot beside the writer. Rooms change together
// by sharing a Tx: catalog.Create(tx, …), job.Enqueue(tx, …),
// log.AppendTx(tx, …) commit or vanish as one.
//
// SQLite, in WAL mode with synchronous=FULL, belongs to one process, by a lock on
// the data folder. The folder remembers whether it was closed; after an unclean
// stop the database is checked before use.
//
// PostgreSQL may have any number of usher processes. A group's transaction takes
// a lock on the table writer first, so transactions of all processes happen one
// after the other, as those of one process do: what a function reads cannot
// change before it commits, and the order of commits is the order of everything
// that is numbered. What a transaction announces (Tx.Notify) is a row of the table
// note, and reaches the subscribers of the other processes after its commit,
// however long they were out of reach.
//
// SQL text is written once for both databases, with $1 placeholders. Only
// store, catalog, eventlog and job hold SQL; what the rows mean is theirs.
package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Options open a database. The zero value of each field is its default.
type Options struct {
	// Dir is the folder of the database file. "" is for tests: a folder of its
	// own without syncs, gone after Close, that behaves the same otherwise. With
	// Database it is the folder that the processes share, or "".
	Dir      string
	Database string           // postgres://… for PostgreSQL; "": SQLite in Dir
	Now      func() time.Time // the clock that is recorded; time.Now
}

// ErrClosed is given to those who use a closed database.
var ErrClosed = errors.New("store: closed")

// ErrInUse says that another process holds a lock.
var ErrInUse = errors.New("another usher is using it")

// LockFile takes a file, which is made if need be, for this process alone. It is given
// back by unlock or when the process ends, however it ends. ErrInUse says that
// somebody has it.
func LockFile(name string) (unlock func() error, err error) { return lock(name, false) }

// DB is an open database. All methods may be called concurrently.
type DB struct {
	now     func() time.Time
	place   string // the database in errors
	process string // names this DB among those that have the database open
	kind    dialect
	write   *sql.DB
	conn    *sql.Conn // of write; belongs to the writer and to the function whose turn it is
	read    *sql.DB

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
// integrity after an unclean stop. A database written by a newer usher is refused
// by name, and so is a second process where there may be one only.
func Open(ctx context.Context, opt Options) (_ *DB, err error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	db := &DB{now: opt.Now, process: rand.Text(), statements: map[string]*sql.Stmt{},
		pending: make(chan *update, groupMax), stop: make(chan struct{}), stopped: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("open %s: %w", db.place, db.plain(err)), db.closeFiles())
		}
	}()
	db.kind, db.place = &embedded{dir: opt.Dir}, folder(opt.Dir)
	if opt.Database != "" {
		p := &postgres{url: opt.Database, dir: opt.Dir}
		db.kind, db.place = p, p.place()
	}
	if err := db.kind.connect(ctx, db); err != nil {
		return nil, err
	}
	if db.conn, err = db.write.Conn(ctx); err != nil {
		return nil, err
	}
	if err := db.kind.prepare(ctx, db.conn); err != nil {
		return nil, err
	}
	if err := db.read.PingContext(ctx); err != nil {
		return nil, err
	}
	db.follow()
	go db.writer()
	return db, nil
}

// folder names a data folder in errors.
func folder(dir string) string { return fmt.Sprintf("data folder %q", dir) }

// lockPatience is how long a folder that is in use is waited for: a process that was
// killed while it started another one holds the lock through that for a moment.
const lockPatience = time.Second

// takeFolder makes a data folder and takes its lock.
func takeFolder(dir string, shared bool) (unlock func() error, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	again, enough := time.NewTicker(lockPatience/50), time.NewTimer(lockPatience)
	defer again.Stop()
	defer enough.Stop()
	for {
		unlock, err = lock(filepath.Join(dir, "lock"), shared)
		if !errors.Is(err, ErrInUse) {
			return unlock, err
		}
		select {
		case <-again.C:
		case <-enough.C:
			return nil, err
		}
	}
}

// follow starts to hear what other processes announce.
func (db *DB) follow() {
	s, ok := db.kind.(shared)
	if !ok {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.follow(ctx, func(notes []note) { db.subs.tell(notes) })
	}()
	db.release = append(db.release, func() error {
		cancel()
		<-ended
		return nil
	})
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
	err := errors.Join(db.kind.finish(context.Background(), db.conn), db.closeFiles())
	if err != nil {
		err = fmt.Errorf("close %s: %w", db.place, err)
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

// Process names this DB among all that have the database open.
func (db *DB) Process() string { return db.process }

// Shared says whether other processes may write to the database too.
func (db *DB) Shared() bool {
	_, ok := db.kind.(shared)
	return ok
}
