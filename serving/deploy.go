package serving

import (
	"context"
	"encoding/json"
	"errors"

	"usher/catalog"
	"usher/job"
	"usher/store"
)

// Deployer gives the worker for jobs of kind DeployJob: it loads the model that
// a new or changed campaign is to serve, and then makes the campaign serve it.
func (s *Serving) Deployer() job.Worker { return deployer{s} }

type deployer struct{ *Serving }

// Run implements job.Worker.
func (s deployer) Run(ctx context.Context, t *job.Task) error {
	var version string
	err := t.Update(ctx, func(tx *store.Tx) error {
		c, err := catalog.Get[catalog.Campaign](tx, t.Key)
		if err != nil {
			return err
		}
		if u := c.LatestUpdate; c.Status == catalog.Active && u != nil {
			version = u.Version
			u.Status, u.Updated = catalog.InProgress, tx.Now()
		} else {
			version = c.Parent
			c.Status = catalog.InProgress
		}
		return catalog.Update(tx, c)
	})
	if notFound(err) { // deleted meanwhile
		return t.Finish(ctx, func(*store.Tx) error { return nil })
	}
	if err != nil {
		return err
	}
	if _, err = s.deploy(ctx, version); err != nil {
		var inv *Invalid
		if errors.As(err, &inv) || notFound(err) {
			return t.Finish(ctx, func(tx *store.Tx) error { return settle(tx, t.Key, err.Error()) })
		}
		return err
	}
	defer s.hold(version)()
	if err := t.Finish(ctx, func(tx *store.Tx) error { return settle(tx, t.Key, "") }); err != nil {
		return err
	}
	if _, err := s.deployed(context.WithoutCancel(ctx), t.Key); err != nil { // so that the first request does not wait
		s.opt.Log.Warn("deployment is not warm", "campaign", t.Key, "error", err)
	}
	return nil
}

// Abandon implements job.Worker.
func (s deployer) Abandon(tx *store.Tx, key string, _ json.RawMessage, cause error) error {
	return settle(tx, key, "The campaign could not be deployed: "+cause.Error())
}

// settle ends a deployment: with a reason it failed, without it the campaign is
// (or its update becomes) ACTIVE.
func settle(tx *store.Tx, arn, reason string) error {
	c, err := catalog.Get[catalog.Campaign](tx, arn)
	if notFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	status := catalog.Active
	if reason != "" {
		status = catalog.Failed
	}
	u := c.LatestUpdate
	if c.Status != catalog.Active || u == nil {
		c.Status, c.FailureReason = status, reason
		return catalog.Update(tx, c)
	}
	u.Status, u.FailureReason, u.Updated = status, reason, tx.Now()
	if reason == "" {
		c.Parent, c.Requested, c.MinTPS, c.Config = u.Version, u.Requested, u.MinTPS, u.Config
	}
	return catalog.Update(tx, c)
}
