// Package measure describes the data of a dataset group: statistics for each dataset
// and column, and the insights that Amazon Personalize's console gives.
//
// Interactions, items and users are those of history, so that a number here is what
// recipes learn from; columns of the customer's own, and actions, are read from the
// parts and the log. Counts, least, most and means are exact; what is not says how
// far off it can be. What was worked out is kept until the group's log grows.
//
// This room reads only. What calls look like is left to api.
package measure

import (
	"context"
	"fmt"
	"sync"

	"usher/blob"
	"usher/catalog"
	"usher/dataset"
	"usher/eventlog"
	"usher/history"
)

// Options configure a Measure.
type Options struct {
	Logs    func(group string) eventlog.Log // the log of a group, by the group's catalog ID
	History *history.History
	Blobs   blob.Store // parts
}

// Measure works out statistics. All methods may be called concurrently.
type Measure struct {
	opt  Options
	ctx  context.Context // ends what is being worked out
	stop context.CancelFunc
	wg   sync.WaitGroup
	mu   struct {
		sync.Mutex
		groups map[string]*measured // by the group's catalog ID: the last one begun
	}
}

// measured is the statistics of a group, which are worked out once for all who ask.
type measured struct {
	offset eventlog.Offset // of the log when they were begun
	done   chan struct{}   // closed when stats and err are set
	stats  *Statistics
	err    error
}

// New gives a Measure. Close it.
func New(opt Options) *Measure {
	m := &Measure{opt: opt}
	m.ctx, m.stop = context.WithCancel(context.Background())
	m.mu.groups = map[string]*measured{}
	return m
}

// Close ends what is being worked out.
func (m *Measure) Close() error {
	m.stop()
	m.wg.Wait()
	return nil
}

// Statistics describe a group as it is now, or was when those that are under way
// were begun. The caller must not change them. They are worked out to the end also
// when ctx is done before: who asks again gets them.
func (m *Measure) Statistics(ctx context.Context, g *catalog.DatasetGroup) (*Statistics, error) {
	last, err := m.opt.Logs(g.ID).Last(ctx)
	if err != nil {
		return nil, err
	}
	w := m.begun(g, last)
	select {
	case <-w.done:
		return w.stats, w.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// begun gives the statistics of a group that are of that offset of its log or under
// way, and begins new ones where there are none.
func (m *Measure) begun(g *catalog.DatasetGroup, last eventlog.Offset) *measured {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := m.mu.groups[g.ID]
	if w != nil && (w.offset >= last || !w.ended()) {
		return w
	}
	w = &measured{offset: last, done: make(chan struct{})}
	m.mu.groups[g.ID] = w
	m.wg.Go(func() {
		if w.stats, w.err = m.collect(m.ctx, g); w.err != nil {
			w.err = fmt.Errorf("measure %s: %w", g.ARN, w.err)
			m.forget(g.ID, w) // the next call tries again
		}
		close(w.done)
	})
	return w
}

func (w *measured) ended() bool {
	select {
	case <-w.done:
		return true
	default:
		return false
	}
}

func (m *Measure) forget(id string, w *measured) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.mu.groups[id] == w {
		delete(m.mu.groups, id)
	}
}

// Insights give the checks of a group's data that found something.
func (m *Measure) Insights(ctx context.Context, g *catalog.DatasetGroup) ([]Insight, error) {
	s, err := m.Statistics(ctx, g)
	if err != nil {
		return nil, err
	}
	return insights(s), nil
}

// collect works out all statistics of a group.
func (m *Measure) collect(ctx context.Context, g *catalog.DatasetGroup) (*Statistics, error) {
	state, err := m.opt.History.Group(ctx, g.ID)
	if err != nil {
		return nil, err
	}
	snap, err := state.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	c := &collector{opt: m.opt, snap: snap}
	if c.contents, err = readContents(ctx, m.opt.Logs(g.ID), eventlog.Offset(snap.Offset)); err != nil {
		return nil, err
	}
	out := &Statistics{DatasetGroupARN: g.ARN, Offset: snap.Offset, Datasets: []DatasetStatistics{}}
	for _, t := range []dataset.Type{dataset.Interactions, dataset.Items, dataset.Users, dataset.Actions, dataset.ActionInteractions} {
		if c.schemas[t] == nil {
			continue
		}
		s, err := c.dataset(ctx, t)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t, err)
		}
		out.Datasets = append(out.Datasets, *s)
	}
	return out, nil
}
