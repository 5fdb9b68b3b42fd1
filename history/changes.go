package history

import (
	"context"
	"fmt"
	"math"

	"usher/dataset"
	"usher/eventlog"
)

// Newest is behind every record of a log.
const Newest = eventlog.Offset(math.MaxUint64)

// EachChange calls f with every change of a group's log after an offset, up to and
// with another one, in order and with its own offset. The first error of f ends it.
func EachChange(ctx context.Context, log eventlog.Log, after, upTo eventlog.Offset, f func(at eventlog.Offset, c *dataset.Change) error) error {
	return eachChange(ctx, log, after, upTo, func([]byte) bool { return true }, f)
}

// EachBulk is EachChange for changes of bulk data alone (dataset.IsBulk), to the end of
// the log: the many others are not read.
func EachBulk(ctx context.Context, log eventlog.Log, after eventlog.Offset, f func(at eventlog.Offset, c *dataset.Change) error) error {
	return eachChange(ctx, log, after, Newest, dataset.IsBulk, f)
}

func eachChange(ctx context.Context, log eventlog.Log, after, upTo eventlog.Offset, wanted func(b []byte) bool, f func(at eventlog.Offset, c *dataset.Change) error) error {
	for rec, err := range log.Read(ctx, after) {
		if err != nil {
			return err
		}
		if rec.Offset > upTo {
			return nil
		}
		if !wanted(rec.Data) {
			continue
		}
		c, err := dataset.ParseChange(rec.Data)
		if err == nil {
			err = f(rec.Offset, c)
		}
		if err != nil {
			return fmt.Errorf("read log record %d: %w", rec.Offset, err)
		}
	}
	return nil
}
