package retention

import (
	"context"
	"iter"
	"time"

	"usher/blob"
	"usher/dataset"
	"usher/eventlog"
)

// Archive gives the records that were moved out of the logs' database.
func Archive(blobs blob.Store) eventlog.Archive { return archive{blobs} }

type archive struct{ blobs blob.Store }

// Segment implements eventlog.Archive.
func (a archive) Segment(ctx context.Context, name string) iter.Seq2[eventlog.Record, error] {
	return func(yield func(eventlog.Record, error) bool) {
		r, err := a.blobs.Open(ctx, name)
		if err != nil {
			yield(eventlog.Record{}, err)
			return
		}
		defer r.Close()
		for x, err := range dataset.ReadSegment(r, r.Size()) {
			if err == nil && ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			if err != nil {
				yield(eventlog.Record{}, &segmentError{name, err})
				return
			}
			if !yield(eventlog.Record{Offset: eventlog.Offset(x.Offset), Time: time.UnixMicro(x.Time).UTC(), ID: x.ID, Data: x.Data}, nil) {
				return
			}
		}
	}
}

// segmentError names the segment that could not be read.
type segmentError struct {
	name string
	err  error
}

func (e *segmentError) Error() string { return "segment " + e.name + ": " + e.err.Error() }

func (e *segmentError) Unwrap() error { return e.err }

// logged is a record as a segment has it.
func logged(r eventlog.Record) dataset.Logged {
	return dataset.Logged{Offset: uint64(r.Offset), Time: r.Time.UnixMicro(), ID: r.ID, Data: r.Data}
}
