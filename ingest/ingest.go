// Package ingest brings the customer's data into a group's log: CSV files as
// parts, live events and records one by one.
//
// Bulk: a job reads the files, checks every row and writes a part; the record
// "part committed", the import's ACTIVE and the end of the job are one
// transaction, so a half import can never be seen. Live: an event or record is
// checked against the dataset's schema, appended to the group's log (I2) and
// waited for in history, so that the next request sees it.
//
// Mistakes of the caller are *Invalid. AWS's shapes stay above this room, and
// what data means to an answer is left to history and recipe.
package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"usher/blob"
	"usher/catalog"
	"usher/dataset"
	"usher/eventlog"
	"usher/history"
	"usher/job"
	"usher/store"
)

// ImportJob is the kind of the job that carries out a dataset import.
const ImportJob job.Kind = "import"

// Enqueue starts the import whose record (CREATE PENDING) is in the same transaction.
func Enqueue(tx *store.Tx, importARN string) error { return job.Enqueue(tx, ImportJob, importARN, nil) }

// Invalid is a mistake of the caller, with a text for people.
type Invalid struct{ Msg string }

func (e *Invalid) Error() string { return e.Msg }

func invalid(format string, args ...any) error { return &Invalid{fmt.Sprintf(format, args...)} }

// Options configure an Ingest.
type Options struct {
	DB      *store.DB
	Logs    *eventlog.Logs
	History *history.History
	Blobs   blob.Store // parts
	Buckets blob.Store // the customers' buckets; names are "bucket/key"
	MinRows int64      // interactions that an import needs; AWS asks for 1000
	// Shown gives the ids of what a recommendation showed to its user, by dataset group
	// (catalog ID) and recommendationId; none where that is not known. May be nil.
	Shown   func(ctx context.Context, group, recommendationID string) ([]string, error)
	Workers int // that read a file; 0: one for each CPU
	Log     *slog.Logger
}

// Ingest writes to the logs. All methods may be called concurrently.
type Ingest struct {
	opt      Options
	trackers trackers
	cancel   func() // of the subscription to deleted groups
}

// New gives an Ingest. Close it.
func New(opt Options) *Ingest {
	g := &Ingest{opt: opt}
	g.trackers.open(opt.DB)
	g.cancel = opt.DB.Subscribe(dropped, opt.History.Drop)
	return g
}

// Close stops watching the catalog.
func (g *Ingest) Close() error {
	g.trackers.cancel()
	g.cancel()
	return nil
}

// SetSchema records in a group's log that a dataset has this schema from now on.
func (g *Ingest) SetSchema(tx *store.Tx, groupID string, s dataset.SchemaSet) error {
	return g.appendTx(tx, groupID, &dataset.Change{Schema: &s})
}

// Clear records that a dataset was deleted with its data.
func (g *Ingest) Clear(tx *store.Tx, groupID string, t dataset.Type) error {
	if err := enqueueShrink(tx, groupID); err != nil {
		return err
	}
	return g.appendTx(tx, groupID, &dataset.Change{Cleared: &dataset.Cleared{Type: t}})
}

func (g *Ingest) appendTx(tx *store.Tx, groupID string, c *dataset.Change) error {
	b, err := c.Append(nil)
	if err != nil {
		return err
	}
	_, err = g.opt.Logs.Log(groupID).AppendTx(tx, eventlog.Record{Data: b})
	return err
}

// write makes changes durable and returns when this process's history has them.
func (g *Ingest) write(ctx context.Context, groupID string, state *history.Group, changes []dataset.Change) error {
	recs := make([]eventlog.Record, len(changes))
	for i := range changes {
		b, err := changes[i].Append(nil)
		if err != nil {
			return err
		}
		recs[i].Data = b
		if x := changes[i].Event(); x != nil {
			recs[i].ID = x.EventID
		}
	}
	off, err := g.opt.Logs.Log(groupID).Append(ctx, recs...)
	if err != nil {
		return err
	}
	return state.Wait(ctx, off)
}

// now is the time to record and to judge timestamps by.
func (g *Ingest) now() time.Time { return g.opt.DB.Now() }

// notFound says whether err is the catalog's "not found".
func notFound(err error) bool { return errors.Is(err, catalog.ErrNotFound) }
