package attribution

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"usher/catalog"
	"usher/dataset"
	"usher/eventlog"
	"usher/history"
	"usher/store"
)

// follower counts for one metric attribution.
type follower struct {
	opt     Options
	arn     string
	stop    func()         // Attribution.mu
	changes *atomic.Uint64 // of all metric attributions
	known   uint64         // of them, when the record was read

	record *catalog.MetricAttribution
	counts *catalog.AttributionCounts // as of the last save
	state  *state
	dirty  bool
	retry  time.Time // a report that could not be written is not tried before

	meters  []meter
	logName string
	group   *history.Group
	seen    history.EventIDs
	sources map[string]bool
	origins map[catalog.Origin]string
	shown   map[string]bool // series
}

// run follows until ctx is done or the metric attribution is gone. After an error
// it begins anew from what was written down.
func (f *follower) run(ctx context.Context) {
	defer f.hide()
	ticks, end := f.opt.Tick()
	defer end()
	for {
		err := f.follow(ctx, ticks)
		switch {
		case ctx.Err() != nil || gone(err):
			return
		case !conflict(err): // else another process was faster
			f.opt.Log.Error("count for a metric attribution", "attribution", f.arn, "error", err)
		}
		select {
		case <-ticks:
		case <-ctx.Done():
			return
		}
	}
}

// follow reads what was counted, and the log from there on.
func (f *follower) follow(ctx context.Context, ticks <-chan time.Time) error {
	if err := f.read(ctx); err != nil {
		return err
	}
	log := f.opt.Logs.Log(f.logName)
	if err := f.remember(ctx, log); err != nil {
		return err
	}
	f.show()
	tail, stop := context.WithCancel(ctx)
	records, failed := make(chan eventlog.Record), make(chan error, 1)
	done := make(chan struct{})
	defer func() { stop(); <-done }()
	go func() {
		defer close(done)
		failed <- pass(tail, log, f.state.Offset, records)
	}()
	for {
		select {
		case <-ctx.Done():
			return f.save(context.WithoutCancel(ctx))
		case err := <-failed:
			return errors.Join(err, f.save(context.WithoutCancel(ctx)))
		case r := <-records:
			if err := f.apply(ctx, r); err != nil {
				return err
			}
		case <-ticks:
			if err := f.tick(ctx); err != nil {
				return err
			}
		}
	}
}

// pass sends the records after an offset, those that come too. Records that were
// rewritten, as a deletion of users does it, are sent as they are now.
func pass(ctx context.Context, log eventlog.Log, after eventlog.Offset, to chan<- eventlog.Record) error {
	send := func(r eventlog.Record) bool {
		select {
		case to <- r:
			after = r.Offset
			return true
		case <-ctx.Done():
			return false
		}
	}
	for ctx.Err() == nil {
		for r, err := range log.Read(ctx, after) {
			if err != nil {
				return err
			}
			if !send(r) {
				return nil
			}
		}
		for r, err := range log.Tail(ctx, after) {
			if errors.Is(err, eventlog.ErrTrimmed) {
				break
			}
			if err != nil {
				return err
			}
			if !send(r) {
				return nil
			}
		}
	}
	return nil
}

// read reads the records and what was counted.
func (f *follower) read(ctx context.Context) error {
	f.record = nil
	if err := f.reread(ctx); err != nil {
		return err
	}
	err := f.opt.DB.View(ctx, func(tx *store.Tx) (err error) {
		f.counts, err = catalog.Get[catalog.AttributionCounts](tx, catalog.CountsARN(f.arn))
		return err
	})
	if err != nil {
		return err
	}
	if f.state, err = decodeState(f.counts.State); err != nil {
		return err
	}
	f.dirty = false
	f.forget()
	f.sources, f.origins = map[string]bool{}, map[catalog.Origin]string{}
	for _, counts := range []map[cell]float64{f.state.Totals, f.state.Pending} {
		for c := range counts {
			if c.Source != Undefined {
				f.sources[c.Source] = true
			}
		}
	}
	return nil
}

// reread reads what is to be counted, if that may have changed.
func (f *follower) reread(ctx context.Context) error {
	now := f.changes.Load()
	if f.record != nil && now == f.known {
		return nil
	}
	var group *catalog.DatasetGroup
	err := f.opt.DB.View(ctx, func(tx *store.Tx) (err error) {
		if f.record, err = catalog.Get[catalog.MetricAttribution](tx, f.arn); err != nil {
			return err
		}
		group, err = catalog.Get[catalog.DatasetGroup](tx, f.record.Group)
		return err
	})
	if err != nil {
		return err
	}
	f.logName = group.ID
	if f.meters, err = meters(f.record); err != nil {
		return err
	}
	f.forget()
	if f.group, err = f.opt.History.Group(ctx, group.ID); err != nil {
		return err
	}
	f.known = now
	return nil
}

// forget drops what was counted for metrics that are no more, so that one that is
// made anew begins at zero.
func (f *follower) forget() {
	if f.state == nil {
		return
	}
	for c := range f.state.Totals {
		if !slices.ContainsFunc(f.meters, func(m meter) bool { return m.Name == c.Metric }) {
			delete(f.state.Totals, c)
			f.dirty = true
		}
	}
}

// remember learns which events were seen last.
func (f *follower) remember(ctx context.Context, log eventlog.Log) (err error) {
	f.seen, err = history.ReadEventIDs(ctx, log, f.state.Offset, func(*dataset.Interaction) bool { return true })
	return err
}

// apply counts what a record says.
func (f *follower) apply(ctx context.Context, r eventlog.Record) error {
	if err := f.reread(ctx); err != nil { // a metric counts from the call on that made it
		return err
	}
	if err := f.group.Wait(ctx, r.Offset); err != nil {
		return err
	}
	c, err := dataset.ParseChange(r.Data)
	if err != nil {
		return fmt.Errorf("read log record %d: %w", r.Offset, err)
	}
	switch {
	case c.Interaction != nil:
		f.live(r.Offset, c.Interaction)
	case c.Part != nil && c.Part.Type == dataset.Interactions:
		if err := f.bulk(ctx, r, c.Part); err != nil {
			return err
		}
	}
	f.state.Offset, f.dirty = r.Offset, true
	return nil
}

// tick writes down what was counted, and the report that is due.
func (f *follower) tick(ctx context.Context) error {
	if err := f.reread(ctx); err != nil {
		return err
	}
	now := f.opt.DB.Now()
	f.due(now)
	if err := f.save(ctx); err != nil {
		return err
	}
	f.show()
	if len(f.state.Outbox) == 0 || now.Before(f.retry) {
		return nil
	}
	if err := f.write(ctx); err != nil {
		const pause = time.Minute
		f.retry = now.Add(pause)
		f.opt.Log.Warn("write report of a metric attribution", "attribution", f.arn, "output", f.record.Output, "error", err)
		return nil
	}
	f.state.Outbox, f.dirty = nil, true
	return f.save(ctx)
}

// save writes down what was counted.
func (f *follower) save(ctx context.Context) error {
	if !f.dirty {
		return nil
	}
	raw, err := f.state.encode()
	if err != nil {
		return err
	}
	err = f.opt.DB.Update(ctx, func(tx *store.Tx) error {
		next := *f.counts
		next.State = raw
		if err := catalog.Update(tx, &next); err != nil {
			return err
		}
		f.counts = &next
		return nil
	})
	if err == nil {
		f.dirty = false
	}
	return err
}

// readOrigins reads who can give recommendations of the group.
func (f *follower) readOrigins() {
	const most = 10_000 // strange ids are forgotten at times
	if len(f.origins) > most {
		clear(f.origins)
	}
	err := f.opt.DB.View(context.Background(), func(tx *store.Tx) error {
		campaigns, _, err := catalog.List[catalog.Campaign](tx, catalog.Query{Group: f.record.Group})
		if err != nil {
			return err
		}
		for _, c := range campaigns {
			f.origins[catalog.OriginOf(c.ARN)] = c.ARN
		}
		recommenders, _, err := catalog.List[catalog.Recommender](tx, catalog.Query{Group: f.record.Group})
		for _, r := range recommenders {
			f.origins[catalog.OriginOf(r.ARN)] = r.ARN
		}
		return err
	})
	if err != nil {
		f.opt.Log.Warn("look for the source of an event", "attribution", f.arn, "error", err)
	}
}
