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
	"time"
)

// Options open a database. The zero value of each field is its default.
type Options struct {
	Dir string           // folder of the database file; "" keeps it in memory
	Now func() time.Time // the clock that is recorded; time.Now
}

// DB is an open database. All methods may be called concurrently.
type DB struct {
}

// Open opens or makes the database, brings its schema up to date and checks its
// integrity after an unclean stop. A second process on the same folder and a
// folder written by a newer usher are refused by name.
func Open(ctx context.Context, opt Options) (*DB, error) { panic("todo") }

// Close waits for running transactions and closes the database.
func (db *DB) Close() error { panic("todo") }

// Now gives the time to record.
func (db *DB) Now() time.Time { panic("todo") }

// View runs fn on a stable, read-only snapshot.
func (db *DB) View(ctx context.Context, fn func(tx *Tx) error) error { panic("todo") }

// Update runs fn once and returns when its writes are on disk. When fn or the
// commit gives an error, nothing of fn remains. fn must be short and must not
// wait for other transactions.
func (db *DB) Update(ctx context.Context, fn func(tx *Tx) error) error { panic("todo") }

// Subscribe calls fn with the key of every Tx.Notify on the topic after its
// commit, in commit order. fn must be quick and must not write.
func (db *DB) Subscribe(topic string, fn func(key string)) (cancel func()) { panic("todo") }

// Tx is a running transaction. It is used by one goroutine and not after its
// function has returned.
type Tx struct {
}

// Context is the context of the transaction.
func (tx *Tx) Context() context.Context { panic("todo") }

// Now gives the time to record.
func (tx *Tx) Now() time.Time { panic("todo") }

// Exec runs a statement and gives the number of rows it changed.
func (tx *Tx) Exec(query string, args ...any) (int64, error) { panic("todo") }

// Query runs a query; the caller closes the rows.
func (tx *Tx) Query(query string, args ...any) (*sql.Rows, error) { panic("todo") }

// QueryRow runs a query for at most one row; no row is sql.ErrNoRows on Scan.
func (tx *Tx) QueryRow(query string, args ...any) *sql.Row { panic("todo") }

// Notify tells the topic's subscribers about key once the transaction is on disk.
func (tx *Tx) Notify(topic, key string) { panic("todo") }

// OnCommit runs fn once the transaction is on disk, before Update returns.
func (tx *Tx) OnCommit(fn func()) { panic("todo") }
