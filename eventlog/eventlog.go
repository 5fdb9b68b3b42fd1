// Package eventlog keeps ordered durable records, one log for each dataset group.
//
// A log answers two promises. I2: when Append returns, its records are on disk
// and survive kill -9 and power loss. Order: offsets grow by one with each
// record, and commit order is offset order, so a reader that has seen offset n
// has seen everything before it. What the records mean is written in package
// dataset (Change); this room does not look inside.
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

// ErrTrimmed is given to a reader whose position is older than the log.
var ErrTrimmed = errors.New("eventlog: records before this offset were trimmed")

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
	// Tail is Read, then waits for more until ctx is done.
	Tail(ctx context.Context, after Offset) iter.Seq2[Record, error]
	// Trim forgets records up to and including upTo.
	Trim(ctx context.Context, upTo Offset) error
	// Last gives the offset of the newest record, 0 for an empty log.
	Last(ctx context.Context) (Offset, error)
}
