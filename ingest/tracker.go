package ingest

import (
	"context"
	"sync"

	"usher/catalog"
	"usher/dataset"
	"usher/store"
)

// trackers remembers what a tracking id writes to, so that an event costs no
// query. Any change of the catalog forgets it all: trackers are few.
type trackers struct {
	cancel func()
	mu     struct {
		sync.Mutex
		tracked map[string]tracked // by tracking id
		epoch   uint64             // of the catalog; guards against filling in what is stale
	}
}

// tracked is what a tracking id writes to: that of an event tracker to its group's
// interactions, that of a dataset of action interactions to the dataset.
type tracked struct {
	group string // catalog ID
	kind  dataset.Type
}

func (t *trackers) open(db *store.DB) {
	t.cancel = db.Subscribe(catalog.Topic, func(string) {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.mu.tracked = nil
		t.mu.epoch++
	})
}

// group gives the catalog ID of the group to whose dataset of that type a tracking
// id writes.
func (g *Ingest) group(ctx context.Context, trackingID string, kind dataset.Type) (string, error) {
	t := &g.trackers
	t.mu.Lock()
	to, ok := t.mu.tracked[trackingID]
	epoch := t.mu.epoch
	t.mu.Unlock()
	if !ok {
		found, err := g.tracked(ctx)
		if err != nil {
			return "", err
		}
		t.mu.Lock()
		if t.mu.epoch == epoch {
			t.mu.tracked = found
		}
		t.mu.Unlock()
		to, ok = found[trackingID]
	}
	switch {
	case ok && to.kind == kind:
		return to.group, nil
	case kind == dataset.ActionInteractions:
		return "", invalid("The tracking id %q is not that of a dataset of action interactions. Take the trackingId that DescribeDataset shows for the dataset group's dataset of type ACTION_INTERACTIONS.", trackingID)
	case ok:
		return "", invalid("The tracking id %q is that of a dataset of action interactions, which PutActionInteractions writes to. PutEvents takes the trackingId that CreateEventTracker returned.", trackingID)
	}
	return "", invalid("The tracking id %q is not known. Take the trackingId that CreateEventTracker returned for an event tracker that is ACTIVE (ListEventTrackers and DescribeEventTracker show it).", trackingID)
}

// tracked reads what the tracking ids of the catalog write to.
func (g *Ingest) tracked(ctx context.Context) (map[string]tracked, error) {
	found := map[string]tracked{}
	err := g.opt.DB.View(ctx, func(tx *store.Tx) error {
		add := func(id, groupARN string, kind dataset.Type) error {
			group, err := catalog.Get[catalog.DatasetGroup](tx, groupARN)
			if err == nil {
				found[id] = tracked{group.ID, kind}
			}
			return err
		}
		trackers, _, err := catalog.List[catalog.EventTracker](tx, catalog.Query{})
		if err != nil {
			return err
		}
		for _, e := range trackers {
			if e.Status != catalog.Active {
				continue
			}
			if err := add(e.TrackingID, e.Group, dataset.Interactions); err != nil {
				return err
			}
		}
		sets, _, err := catalog.List[catalog.Dataset](tx, catalog.Query{})
		if err != nil {
			return err
		}
		for _, d := range sets {
			if d.TrackingID == "" || d.Status != catalog.Active {
				continue
			}
			if err := add(d.TrackingID, d.Group, dataset.Type(d.Type)); err != nil {
				return err
			}
		}
		return nil
	})
	return found, err
}
