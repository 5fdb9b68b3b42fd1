// Package batch does the long jobs that write files into the customers' buckets.
//
// Inference and segments: a job reads files with a question a line (JSON) and
// writes files with an answer a line at the same place, each file beside the
// others as <name>.out (lines.go). Questions are asked as a campaign is asked, by
// serving, many at once; so an answer is what GetRecommendations would say at that
// moment. A line with a mistake is answered with a text, and the job goes on.
//
// Export: a job reads a dataset as it was at one offset of its group's log – the
// parts that count then and the records put one by one – and writes it as CSV
// with the schema's header, so that importing the files gives the same dataset.
// Rows are dealt to files by their user or item; each file is made aside and
// appears whole, and a checkpoint counts the finished ones, so that a job that
// was killed goes on behind them and every attempt writes the same bytes.
//
// What operations mean is left to api/control, what data means to answers to
// history, of which replay.go repeats how sessions join users.
package batch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"usher/blob"
	"usher/catalog"
	"usher/eventlog"
	"usher/serving"
	"usher/store"
)

// Options configure a Batch.
type Options struct {
	DB      *store.DB
	Logs    func(group string) eventlog.Log // the log of a group, by the group's catalog ID
	Blobs   blob.Store                      // parts
	Buckets blob.Store                      // the customers' buckets; names are "bucket/key"
	Serving *serving.Serving
	Quotas  bool // AWS's quotas of input files are enforced
	// Theme names what items have in common, better than their plain words do; nil:
	// these stay. An error leaves them too.
	Theme func(ctx context.Context, plain string, items []string) (string, error)
	Log   *slog.Logger

	fileRows   int64 // rows of an export's file, about; only tests set it
	chunkLines int   // lines between two checkpoints; only tests set it
}

// Batch holds the workers of batch jobs.
type Batch struct{ opt Options }

// New gives a Batch.
func New(opt Options) *Batch {
	if opt.fileRows == 0 {
		opt.fileRows = 4_000_000
	}
	if opt.chunkLines == 0 {
		opt.chunkLines = 16384
	}
	return &Batch{opt}
}

// customerError is a mistake that the customer can mend; its text is the job's
// failureReason.
type customerError struct{ msg string }

func (e *customerError) Error() string { return e.msg }

func customer(format string, args ...any) error { return &customerError{fmt.Sprintf(format, args...)} }

// notFound says whether err is the catalog's "not found".
func notFound(err error) bool { return errors.Is(err, catalog.ErrNotFound) }
