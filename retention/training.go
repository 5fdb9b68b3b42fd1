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
			versions, err := g.versions(tx)
			running = runningOf(versions)
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

// runningOf gives the catalog IDs of those versions that are being trained.
func runningOf(versions []version) (ids []string) {
	for _, v := range versions {
		if m := v.Common(); m.Status == catalog.InProgress || m.Status == catalog.Stopping {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// sweepTrainings removes what trainings that have ended froze and kept, and models that
// no version names. Who makes them does so, but may have died or not have come to it yet.
func (g *group) sweepTrainings(ctx context.Context) error {
	var found []string // before it is asked what runs: what begins after that is not in it
	for _, room := range []string{"snapshots", "checkpoints", "models"} {
		for info, err := range g.opt.Blobs.List(ctx, room+"/"+g.id+"/") {
			if err != nil {
				return fmt.Errorf("sweep %s: %w", room, err)
			}
			found = append(found, info.Name)
		}
	}
	var running []string
	models := map[string]bool{}
	err := g.opt.DB.View(ctx, func(tx *store.Tx) (err error) {
		versions, err := g.versions(tx)
		for _, v := range versions {
			models[v.Training().Model] = true
		}
		running = runningOf(versions)
		return err
	})
	if err != nil {
		return err
	}
	ended := slices.DeleteFunc(found, func(name string) bool {
		version, _, _ := strings.Cut(path.Base(name), "-")
		return models[name] || slices.Contains(running, version)
	})
	return deleteAll(ctx, g.opt.Blobs, ended)
}
