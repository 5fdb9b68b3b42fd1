// Package eventlog keeps ordered durable records, one log for each dataset group.
//
// A log answers two promises. I2: when Append returns, its records are on disk
// and survive kill -9 and power loss. Order: offsets grow by one with each
// record, and commit order is offset order, so a reader that has seen offset n
// has seen everything before it, whichever process wrote it. Old records move from
// the database into segments, which an Archive keeps, and are read as before
// (segment.go). What the records mean is written in package dataset (Change); this
// room does not look inside.
package eventlog

import (
	"context"
	"errors"
	"iter"
	"time"

	"usher/store"
)

// Offset is a position in a log; the first record has offset 1.
type Offset uint64

// ErrTrimmed is given to a reader whose position is older than what was rewritten.
var ErrTrimmed = errors.New("eventlog: the records are not there any more as they were")

// Record is one entry of a log.
type Record struct {
	Offset Offset    // given by the log
	Time   time.Time // when it was appended; given by the log if zero
	ID     string    // may be empty; a repeat of an ID within the hot tail is harmless
	Data   []byte    // must not be changed after Append, nor by a reader
}

// Log is the record of everything that happened to one dataset group. All
// methods may be called concurrently.
type Log interface {
	// Append makes the records durable, in this order and next to each other,
	// and returns the offset of the last one.
	Append(ctx context.Context, recs ...Record) (Offset, error)
	// AppendTx appends inside a transaction: the records exist if it commits.
	AppendTx(tx *store.Tx, recs ...Record) (Offset, error)
	// Read gives the records after an offset that were there when it was called.
	Read(ctx context.Context, after Offset) iter.Seq2[Record, error]
	// Replay is Read for those who carry out every record: it gives ErrTrimmed if
	// one after the offset is not what it once was. They begin from State.
	Replay(ctx context.Context, after Offset) iter.Seq2[Record, error]
	// Tail is Replay, then waits for more until ctx is done.
	Tail(ctx context.Context, after Offset) iter.Seq2[Record, error]
	// State gives what to begin from: the zero State is the first record.
	State(ctx context.Context) (State, error)
	// Last gives the offset of the newest record, 0 for an empty log.
	Last(ctx context.Context) (Offset, error)
}
