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
	opt Options
	mu  struct {
		sync.Mutex
		groups map[string]*kept
	}
}

// kept is the last statistics of a group; its lock is held while they are worked out,
// so that it is done once for all who ask.
type kept struct {
	sync.Mutex
	last *Statistics
}

// New gives a Measure.
func New(opt Options) *Measure {
	m := &Measure{opt: opt}
	m.mu.groups = map[string]*kept{}
	return m
}

// Statistics describe a group as it is now. The caller must not change them.
func (m *Measure) Statistics(ctx context.Context, g *catalog.DatasetGroup) (*Statistics, error) {
	m.mu.Lock()
	k := m.mu.groups[g.ID]
	if k == nil {
		k = &kept{}
		m.mu.groups[g.ID] = k
	}
	m.mu.Unlock()
	k.Lock()
	defer k.Unlock()
	last, err := m.opt.Logs(g.ID).Last(ctx)
	if err != nil {
		return nil, err
	}
	if k.last != nil && k.last.Offset == uint64(last) {
		return k.last, nil
	}
	s, err := m.collect(ctx, g)
	if err != nil {
		return nil, fmt.Errorf("measure %s: %w", g.ARN, err)
	}
	k.last = s
	return s, nil
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
