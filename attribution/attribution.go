// Package attribution counts what recommendations led to: for each metric
// attribution, the events of its types, or the sums of a column, by where the
// recommendation came from.
//
// A follower reads the log of a group, live events and imports in one order, from
// the record that was the last when a metric was made. Where an event came from is
// its eventAttributionSource, else the campaign or recommender that its
// recommendationId names (catalog.Origin), else SOURCE_NAME_UNDEFINED. Counts are
// kept in windows of 15 minutes of the events' own time, so a late event counts
// where it belongs, in the report after it came. An event that is sent again, with
// the same eventId or, without one, with the same content, counts once.
//
// Invariant: what was counted and how far the log was read are one record, which
// changes by revision (I5). So kill -9 loses and doubles nothing; and of several
// processes that follow one log one publishes, and the others go on from what it
// wrote. A report is written down there before its object is made, under its name:
// made twice, it is the same object.
//
// Totals are shown as series, in place of CloudWatch. What calls mean is left to
// api/control.
package attribution

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/blob"
	"usher/catalog"
	"usher/eventlog"
	"usher/history"
	"usher/store"
)

// Options configure an Attribution.
type Options struct {
	DB      *store.DB
	Logs    *eventlog.Logs
	History *history.History // the items' columns
	Blobs   blob.Store       // parts
	Buckets blob.Store       // the customers' buckets
	Metrics *metrics.Set
	Sources int // how many sources an attribution tells apart; 0: any number
	// Tick gives what says when to write down what was counted and to see whether a
	// report is due; every second is good. The function ends it.
	Tick func() (<-chan time.Time, func())
	Log  *slog.Logger
}

// Attribution follows the logs of the groups that have a metric attribution.
type Attribution struct {
	opt    Options
	ctx    context.Context
	stop   context.CancelFunc
	cancel func() // of the subscription
	nudge  chan struct{}
	wg     sync.WaitGroup

	changes atomic.Uint64 // of metric attributions

	mu struct {
		sync.Mutex
		followers map[string]*follower // by ARN
	}
}

// Open starts following. Close it.
func Open(opt Options) *Attribution {
	a := &Attribution{opt: opt, nudge: make(chan struct{}, 1)}
	a.mu.followers = map[string]*follower{}
	a.ctx, a.stop = context.WithCancel(context.Background())
	a.cancel = opt.DB.Subscribe(catalog.Topic, a.changed)
	a.nudge <- struct{}{}
	a.wg.Go(a.watch)
	return a
}

// Close stops following; what was counted is written down.
func (a *Attribution) Close() error {
	a.cancel()
	a.stop()
	a.wg.Wait()
	return nil
}

// Begin makes the record in which is counted what happens from now on. r, and its
// metrics, are created in the same transaction.
func Begin(tx *store.Tx, logs *eventlog.Logs, r *catalog.MetricAttribution) error {
	since, err := Now(tx, logs, r.Group)
	if err != nil {
		return err
	}
	c := &catalog.AttributionCounts{Meta: catalog.Meta{ARN: catalog.CountsARN(r.ARN), Name: r.Name, Group: r.Group, Parent: r.ARN}}
	s := newState()
	s.Offset = eventlog.Offset(since)
	if c.State, err = s.encode(); err != nil {
		return err
	}
	return catalog.Create(tx, c)
}

// Now gives the place in a group's log from which a new metric counts.
func Now(tx *store.Tx, logs *eventlog.Logs, groupARN string) (uint64, error) {
	g, err := catalog.Get[catalog.DatasetGroup](tx, groupARN)
	if err != nil {
		return 0, err
	}
	e, err := logs.Extent(tx, g.ID)
	return uint64(e.Last), err
}

// changed has metric attributions looked at when one was made, changed or deleted.
func (a *Attribution) changed(arn string) {
	if !strings.Contains(arn, ":"+string(catalog.KindMetricAttribution)+"/") || strings.HasSuffix(arn, catalog.CountsARN("")) {
		return
	}
	a.changes.Add(1)
	select {
	case a.nudge <- struct{}{}:
	default:
	}
}

// watch starts and ends followers as metric attributions come and go.
func (a *Attribution) watch() {
	for {
		select {
		case <-a.ctx.Done():
			return
		case <-a.nudge:
		}
		if err := a.look(); err != nil && a.ctx.Err() == nil {
			a.opt.Log.Error("look for metric attributions", "error", err)
		}
	}
}

func (a *Attribution) look() error {
	var records []*catalog.MetricAttribution
	err := a.opt.DB.View(a.ctx, func(tx *store.Tx) (err error) {
		records, _, err = catalog.List[catalog.MetricAttribution](tx, catalog.Query{})
		return err
	})
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	there := map[string]bool{}
	for _, r := range records {
		there[r.ID] = true
		f := a.mu.followers[r.ID]
		if f == nil {
			f = &follower{opt: a.opt, arn: r.ARN, changes: &a.changes, shown: map[string]bool{}}
			ctx, stop := context.WithCancel(a.ctx)
			f.stop = stop
			a.mu.followers[r.ID] = f
			a.wg.Go(func() { f.run(ctx) })
		}
	}
	for id, f := range a.mu.followers {
		if !there[id] {
			f.stop()
			delete(a.mu.followers, id)
		}
	}
	return nil
}

// gone says whether err says that the record is not there, or was changed by
// somebody else.
func gone(err error) bool     { return errors.Is(err, catalog.ErrNotFound) }
func conflict(err error) bool { return errors.Is(err, catalog.ErrConflict) }
