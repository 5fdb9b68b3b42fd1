package control

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"

	"usher/catalog"
	"usher/serving"
	"usher/store"
)

// Syncer updates the campaigns that ask for it (syncWithLatestSolutionVersion)
// when a newer version of their solution is ACTIVE. It looks at them all when it
// is opened, so that nothing is missed while the server is down, and again when
// a version or a campaign changes.
type Syncer struct {
	api    *API
	log    *slog.Logger
	stop   context.CancelFunc
	cancel func() // of the subscription
	nudge  chan struct{}
	wg     sync.WaitGroup
}

// OpenSyncer starts a Syncer of the API's campaigns. Close it before the database.
func (a *API) OpenSyncer(log *slog.Logger) *Syncer {
	ctx, stop := context.WithCancel(context.Background())
	s := &Syncer{api: a, log: log, stop: stop, nudge: make(chan struct{}, 1)}
	s.cancel = a.opt.DB.Subscribe(catalog.Topic, func(arn string) {
		if strings.Contains(arn, ":solution/") || strings.Contains(arn, ":campaign/") {
			s.wake()
		}
	})
	s.wake()
	s.wg.Go(func() { s.follow(ctx) })
	return s
}

// Close stops it and waits for it.
func (s *Syncer) Close() error {
	s.stop()
	s.cancel()
	s.wg.Wait()
	return nil
}

func (s *Syncer) wake() {
	select {
	case s.nudge <- struct{}{}:
	default: // it will look anyway
	}
}

func (s *Syncer) follow(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.nudge:
		}
		if err := s.api.syncCampaigns(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("bring campaigns to the latest solution version", "error", err)
		}
	}
}

// syncCampaigns updates every campaign that is behind. Most changes leave none
// behind, so it reads first and writes only then.
func (a *API) syncCampaigns(ctx context.Context) error {
	var behind []string
	err := a.opt.DB.View(ctx, func(tx *store.Tx) error {
		campaigns, _, err := catalog.List[catalog.Campaign](tx, catalog.Query{})
		if err != nil {
			return err
		}
		for _, c := range campaigns {
			u, err := syncUpdate(tx, c)
			if err != nil {
				return err
			}
			if u != nil {
				behind = append(behind, c.ARN)
			}
		}
		return nil
	})
	if err != nil || len(behind) == 0 {
		return err
	}
	return a.opt.DB.Update(ctx, func(tx *store.Tx) error {
		for _, arn := range behind {
			if err := syncCampaign(tx, arn); err != nil {
				return err
			}
		}
		return nil
	})
}

// syncCampaign updates a campaign if it is still there and behind.
func syncCampaign(tx *store.Tx, arn string) error {
	c, err := catalog.Get[catalog.Campaign](tx, arn)
	if errors.Is(err, catalog.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	u, err := syncUpdate(tx, c)
	if err != nil || u == nil {
		return err
	}
	c.LatestUpdate = u
	if err := catalog.Update(tx, c); err != nil {
		return err
	}
	return serving.Enqueue(tx, arn)
}

// syncUpdate gives the update that brings a campaign to the newest version of
// its solution; nil when it has that, is being updated, or does not ask for it.
// A version that could not be deployed is not tried again.
func syncUpdate(tx *store.Tx, c *catalog.Campaign) (*catalog.CampaignUpdate, error) {
	solution, ok := latest(c.Requested)
	if !ok || c.Status != catalog.Active || busy(c) {
		return nil, nil
	}
	config, err := campaignConfig(c.Config)
	if err != nil || config == nil || !truth(config.SyncWithLatestSolutionVersion) {
		return nil, err
	}
	v, err := latestActive(tx, solution)
	if err != nil || v == nil || v.ARN == c.Parent {
		return nil, err
	}
	if u := c.LatestUpdate; u != nil && u.Version == v.ARN && u.Status == catalog.Failed {
		return nil, nil
	}
	return newUpdate(tx, c, v.ARN), nil
}
