package ingest

import (
	"context"
	"sync"

	"usher/catalog"
	"usher/store"
)

// trackers remembers which group a tracking id writes to, so that an event
// costs no query. Any change of the catalog forgets it all: trackers are few.
type trackers struct {
	cancel func()
	mu     struct {
		sync.Mutex
		groups map[string]string // tracking id → catalog ID of the group
		epoch  uint64            // of the catalog; guards against filling in what is stale
	}
}

func (t *trackers) open(db *store.DB) {
	t.cancel = db.Subscribe(catalog.Topic, func(string) {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.mu.groups = nil
		t.mu.epoch++
	})
}

// group gives the catalog ID of the group that a tracking id belongs to.
func (g *Ingest) group(ctx context.Context, trackingID string) (string, error) {
	t := &g.trackers
	t.mu.Lock()
	id, ok := t.mu.groups[trackingID]
	epoch := t.mu.epoch
	t.mu.Unlock()
	if ok {
		return id, nil
	}
	found := map[string]string{}
	err := g.opt.DB.View(ctx, func(tx *store.Tx) error {
		all, _, err := catalog.List[catalog.EventTracker](tx, catalog.Query{})
		if err != nil {
			return err
		}
		for _, e := range all {
			if e.Status != catalog.Active {
				continue
			}
			group, err := catalog.Get[catalog.DatasetGroup](tx, e.Group)
			if err != nil {
				return err
			}
			found[e.TrackingID] = group.ID
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	t.mu.Lock()
	if t.mu.epoch == epoch {
		t.mu.groups = found
	}
	t.mu.Unlock()
	id, ok = found[trackingID]
	if !ok {
		return "", invalid("The tracking id %q is not known. Take the trackingId that CreateEventTracker returned for an event tracker that is ACTIVE (ListEventTrackers and DescribeEventTracker show it).", trackingID)
	}
	return id, nil
}
