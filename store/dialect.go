package store

import (
	"context"
	"database/sql"
)

// dialect is what a database does in its own way. The texts of the rooms are the
// same for all.
type dialect interface {
	// connect opens the pools of the writer and of the readers, and what keeps
	// others out where only one process may write. What it leaves in db is closed
	// by db, on errors too.
	connect(ctx context.Context, db *DB) error
	// prepare brings the schema up to date and checks the database, before use.
	prepare(ctx context.Context, conn *sql.Conn) error
	// finish notes that the database was closed.
	finish(ctx context.Context, conn *sql.Conn) error
	// begin is the text that begins a transaction beside which nobody writes.
	begin() string
	// scrub leaves as little as it can of rows that were deleted.
	scrub(ctx context.Context, db *DB) error
	// judge tells what an error means.
	judge(err error) verdict
}

// shared is a dialect whose database several processes write to.
type shared interface {
	dialect
	// announce writes down, inside the transaction, what the other processes have
	// to hear, and wakes them when it commits.
	announce(ctx context.Context, conn *sql.Conn, notes []note) error
	// failed gives an error when the transaction of the connection has failed. It asks
	// nobody.
	failed(conn *sql.Conn) error
	// follow hands on what other processes announced, until ctx is done.
	follow(ctx context.Context, tell func([]note))
	// bound limits how long a transaction may take, so that a database that does
	// not answer holds nobody for ever.
	bound(ctx context.Context) (context.Context, context.CancelFunc)
}

// verdict is what an error of a database means.
type verdict struct {
	text   string // in words, for the operator; "" when the error is none of the machine
	client string // for clients, of what passes when somebody mends it: they try again
	ends   bool   // it may have ended the whole transaction, not only its statement
}
