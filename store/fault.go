package store

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// fault gives SQLite's primary code in an error, 0 when there is none.
func fault(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() & 0xff
	}
	return 0
}

// aborts says whether an error may have ended the whole transaction, not only
// its statement. What is run after it would commit on its own.
func aborts(err error) bool {
	switch fault(err) {
	case lib.SQLITE_FULL, lib.SQLITE_IOERR, lib.SQLITE_NOMEM, lib.SQLITE_BUSY, lib.SQLITE_INTERRUPT,
		lib.SQLITE_CORRUPT, lib.SQLITE_READONLY, lib.SQLITE_CANTOPEN, lib.SQLITE_PROTOCOL:
		return true
	}
	return false
}

// notNow is an error of the machine that passes when somebody mends it. Nothing
// was written; what is on disk can still be read.
type notNow struct {
	error
	text string // for clients
}

func (e *notNow) Unwrap() error { return e.error }

// NotNow is the text for clients: wire answers 503 with it, and they try again.
func (e *notNow) NotNow() string { return e.text }

// plain says in words what the machine did wrong.
func plain(err error) error {
	text := ""
	switch fault(err) {
	case lib.SQLITE_FULL:
		text = "the disk is full"
	case lib.SQLITE_READONLY, lib.SQLITE_PERM, lib.SQLITE_AUTH:
		text = "it cannot be written"
	case lib.SQLITE_CANTOPEN:
		text = "its database file cannot be opened; check the folder's permissions"
	case lib.SQLITE_CORRUPT:
		text = "the database is damaged; restore it from a backup"
	case lib.SQLITE_NOTADB:
		text = "usher.db is not a database"
	case lib.SQLITE_IOERR:
		text = "the disk gives errors"
	case lib.SQLITE_BUSY:
		text = "another program holds the database"
	default:
		return err
	}
	err = fmt.Errorf("%s: %w", text, err)
	switch fault(err) {
	case lib.SQLITE_FULL:
		return &notNow{err, "The server's disk is full. Nothing was stored. Free space, then try again."}
	case lib.SQLITE_IOERR:
		return &notNow{err, "The server's disk gives errors. Nothing was stored. The log of the server has more."}
	}
	return err
}

// explain is plain with the folder's name, for errors of the machine only.
func (db *DB) explain(err error) error {
	if p := plain(err); p != err {
		return fmt.Errorf("data folder %q: %w", db.dir, p)
	}
	return err
}
