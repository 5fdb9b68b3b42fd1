package retention

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"usher/catalog"
	"usher/store"
)

// between is how often the log is compacted while a deletion waits.
const between = 10 * time.Second

// trainings waits for the trainings that are under way, which have frozen the users
// with all other data. Those that begin later do not see the users.
func (g *group) trainings(ctx context.Context) error {
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
			return err
		}
		if first {
			waiting = slices.Clone(running)
		}
		waiting = slices.DeleteFunc(waiting, func(id string) bool { return !slices.Contains(running, id) })
		if len(waiting) == 0 {
			return nil
		}
		g.task.Progress(0, "waiting for trainings that have the users in their data")
		select {
		case <-changed:
		case <-time.After(between):
			if err := g.compact(ctx); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
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

// sweepTrainings removes what trainings that have ended froze and kept. They do so
// themselves, but may not have come to it yet.
func (g *group) sweepTrainings(ctx context.Context) error {
	var found []string // before it is asked what runs: what begins after that is not in it
	for _, room := range []string{"snapshots", "checkpoints"} {
		for info, err := range g.opt.Blobs.List(ctx, room+"/"+g.id+"/") {
			if err != nil {
				return fmt.Errorf("sweep %s: %w", room, err)
			}
			found = append(found, info.Name)
		}
	}
	var running []string
	err := g.opt.DB.View(ctx, func(tx *store.Tx) (err error) {
		running, err = g.running(tx)
		return err
	})
	if err != nil {
		return err
	}
	ended := slices.DeleteFunc(found, func(name string) bool {
		version, _, _ := strings.Cut(path.Base(name), "-")
		return slices.Contains(running, version)
	})
	return deleteAll(ctx, g.opt.Blobs, ended)
}
