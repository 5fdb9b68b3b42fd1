package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
)

// outOfReach is for clients while the database cannot be reached. The connection may
// have been lost during a commit, so nobody knows what became of it.
const outOfReach = "The server's database cannot be reached. What was sent may or may not be stored. Try again."

// judge implements dialect. Any error of a statement ends a transaction, up to its
// savepoint.
func (p *postgres) judge(err error) verdict {
	if own, ok := errors.AsType[*pgconn.PgError](err); ok {
		return judgeCode(own.Code)
	}
	switch {
	case errors.Is(err, context.Canceled):
		return verdict{ends: true}
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF),
		is[*pgconn.ConnectError](err), is[net.Error](err):
		return verdict{"it cannot be reached", outOfReach, true}
	}
	return verdict{ends: true}
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// judgeCode tells what a SQLSTATE means, by itself or by its class.
func judgeCode(code string) verdict {
	switch code {
	case "53100":
		return verdict{"the disk of the database is full", "The disk of the server's database is full. Nothing was stored. Free space, then try again.", true}
	case "25006":
		return verdict{"it cannot be written; is it a standby?", "The server's database cannot be written. Nothing was stored. Try again later.", true}
	case "25P02", "57014": // the transaction was lost before; a statement was cancelled
		return verdict{ends: true}
	case "42501":
		return verdict{"its user may not do that; let the user own the database, or its schema", "", true}
	case "3D000":
		return verdict{"there is no such database; make it with createdb", "", true}
	case "XX001", "XX002":
		return verdict{"the database is damaged; restore it from a backup", "", true}
	}
	switch code[:min(2, len(code))] {
	case "28":
		return verdict{"it refuses the user or the password", "", true}
	case "08", "57", "25": // lost connections; shutdowns; sessions that were ended
		return verdict{"it cannot be reached", outOfReach, true}
	case "53": // too many connections, no memory
		return verdict{"it has no room for more", "The server's database has no room for more at the moment. Nothing was stored. Try again.", true}
	case "58": // the disk of the database
		return verdict{"its disk gives errors", "The disk of the server's database gives errors. Nothing was stored. The log of the database has more.", true}
	}
	return verdict{ends: true}
}
