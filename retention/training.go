package retention

import (
	"context"
	"slices"
	"time"

	"usher/catalog"
	"usher/store"
)

// between is how often the log is compacted while a deletion waits.
const between = 10 * time.Second

// trainings waits for the trainings that are under way, which have frozen the users
// with all other data, and gives the catalog IDs of their versions. Those that
// begin later do not see the users.
func (g *group) trainings(ctx context.Context) (ids []string, err error) {
	changed := make(chan struct{}, 1)
	defer g.opt.DB.Subscribe(catalog.Topic, func(string) {
		select {
		case changed <- struct{}{}:
		default:
		}
	})()
	var waiting []string
	for first := true; ; first = false {
		var running []string
		err := g.opt.DB.View(ctx, func(tx *store.Tx) (err error) {
			running, err = g.running(tx)
			return err
		})
		if err != nil {
			return nil, err
		}
		if first {
			ids, waiting = running, slices.Clone(running)
		}
		waiting = slices.DeleteFunc(waiting, func(id string) bool { return !slices.Contains(running, id) })
		if len(waiting) == 0 {
			return ids, nil
		}
		g.task.Progress(0, "waiting for trainings that have the users in their data")
		select {
		case <-changed:
		case <-time.After(between):
			if err := g.compact(ctx); err != nil {
				return nil, err
			}
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// running gives the catalog IDs of the versions that are being trained.
func (g *group) running(tx *store.Tx) (ids []string, err error) {
	owner, err := g.record(tx)
	if err != nil || owner == nil {
		return nil, err
	}
	solutions, _, err := catalog.List[catalog.SolutionVersion](tx, catalog.Query{Group: owner.ARN})
	if err != nil {
		return nil, err
	}
	recommenders, _, err := catalog.List[catalog.RecommenderVersion](tx, catalog.Query{Group: owner.ARN})
	for _, r := range recommenders {
		solutions = append(solutions, &r.SolutionVersion)
	}
	for _, v := range solutions {
		if v.Status == catalog.InProgress || v.Status == catalog.Stopping {
			ids = append(ids, v.ID)
		}
	}
	return ids, err
}
