package serving

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"usher/catalog"
	"usher/dataset"
	"usher/recipe"
)

// renewing is a model that is made anew from the group's events as time goes by.
// A request that finds it older than its period starts that beside itself and is
// answered by what there is, so nobody waits.
type renewing struct {
	*Serving
	version *catalog.SolutionVersion
	group   string // catalog ID
	model   atomic.Pointer[recipe.Renewer]

	mu      sync.Mutex
	renewed time.Time // when the last renewal began; zero: none has
	running bool
}

// renew gives the model as one that follows the group's events, if it is one
// that does.
func (s *Serving) renew(m recipe.Model, version *catalog.SolutionVersion, group string) recipe.Model {
	first, ok := m.(recipe.Renewer)
	if !ok {
		return m
	}
	r := &renewing{Serving: s, version: version, group: group}
	r.model.Store(&first)
	return r
}

// current gives the newest model, and has it made anew when it is too old.
func (r *renewing) current(ctx context.Context) recipe.Renewer {
	m := *r.model.Load()
	now := r.opt.Now()
	r.mu.Lock()
	due := !r.running && (r.renewed.IsZero() || now.Sub(r.renewed) >= m.Period())
	if due {
		r.running, r.renewed = true, now
	}
	r.mu.Unlock()
	if due {
		ctx := context.WithoutCancel(ctx)
		r.renewals.Go(func() {
			err := r.follow(ctx, m)
			r.mu.Lock()
			r.running = false
			r.mu.Unlock()
			if err != nil {
				r.opt.Log.Warn("renew model", "version", r.version.ARN, "error", err)
			}
		})
	}
	return m
}

// follow makes the model of the events of now.
func (r *renewing) follow(ctx context.Context, m recipe.Renewer) error {
	group, err := r.opt.History.Group(ctx, r.group)
	if err != nil {
		return err
	}
	data, err := group.Snapshot(ctx)
	if err != nil {
		return err
	}
	data = recipe.Learnt(data, r.version.EventType, r.version.EventValueThreshold)
	if len(data.Events) == 0 { // the dataset was deleted: the training's list is what there is
		return nil
	}
	next, err := m.Renew(ctx, data)
	if err != nil {
		return err
	}
	if next, ok := next.(recipe.Renewer); ok {
		r.model.Store(&next)
	}
	return nil
}

// Len implements recipe.Model.
func (r *renewing) Len() int { return (*r.model.Load()).Len() }

// Recommend implements recipe.Model.
func (r *renewing) Recommend(ctx context.Context, q *recipe.Query, k int, allow dataset.Set, dst []recipe.Scored) ([]recipe.Scored, error) {
	return r.current(ctx).Recommend(ctx, q, k, allow, dst)
}

// Rank implements recipe.Model.
func (r *renewing) Rank(ctx context.Context, q *recipe.Query, items []dataset.Index, dst []recipe.Scored) ([]recipe.Scored, error) {
	return r.current(ctx).Rank(ctx, q, items, dst)
}

// Save implements recipe.Model.
func (r *renewing) Save(w io.Writer) error { return (*r.model.Load()).Save(w) }
