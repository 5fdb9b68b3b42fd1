package serving

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"

	"usher/catalog"
	"usher/job"
	"usher/store"
)

// RecommenderJob is the kind of the job that makes a recommender answer with its
// next version, or answer again.
const RecommenderJob job.Kind = "deploy-recommender"

// EnqueueRecommender starts the deployment of a recommender whose record (START
// PENDING, or with a Next that is trained) is in the same transaction.
func EnqueueRecommender(tx *store.Tx, arn string) error {
	return job.Enqueue(tx, RecommenderJob, arn, nil)
}

// FollowTraining moves a recommender on when the training of its next version
// does, in the transaction of that: train tells of every version here.
func FollowTraining(tx *store.Tx, version catalog.Record) error {
	v, ok := version.(*catalog.RecommenderVersion)
	if !ok {
		return nil
	}
	r, err := catalog.Get[catalog.Recommender](tx, v.Parent)
	if notFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if r.Next != v.ARN { // it was abandoned; train sweeps the blobs of what has no record
		if v.Status.Transitional() {
			return nil
		}
		return catalog.Delete(tx, v)
	}
	switch {
	case v.Status == catalog.Active:
		return EnqueueRecommender(tx, r.ARN) // the rest of IN_PROGRESS
	case v.Status.Transitional():
		moveRecommender(tx, r, catalog.InProgress, "")
	default:
		moveRecommender(tx, r, catalog.Failed, cmp.Or(v.FailureReason, "The training was stopped."))
		r.Next = ""
		if err := catalog.Delete(tx, v); err != nil { // train sweeps its blobs
			return err
		}
	}
	return catalog.Update(tx, r)
}

// moveRecommender gives a status to what is under way: the creation of a
// recommender, or else its update. A training by schedule shows nowhere.
func moveRecommender(tx *store.Tx, r *catalog.Recommender, s catalog.Status, reason string) {
	u := r.LatestUpdate
	switch {
	case r.Status == catalog.Pending || r.Status == catalog.InProgress:
		r.Status, r.FailureReason = s, reason
	case u != nil && u.Status.Transitional():
		u.Status, u.FailureReason, u.Updated = s, reason, tx.Now()
		if s == catalog.Active {
			r.Config = u.Config
		}
	}
}

// target gives the version that a campaign or recommender answers with.
func target(tx *store.Tx, arn string) (version string, err error) {
	r, err := catalog.Find(tx, arn)
	if err != nil {
		return "", err
	}
	status, parent := r.Common().Status, r.Common().Parent
	switch r.(type) {
	case *catalog.Campaign:
		if status != catalog.Active {
			return "", invalid("The campaign %s is %s. Wait until DescribeCampaign says ACTIVE.", arn, status)
		}
	case *catalog.Recommender:
		switch {
		case status == catalog.Inactive:
			return "", invalid("The recommender %s is INACTIVE. StartRecommender makes it answer again.", arn)
		case status == catalog.Failed:
			return "", invalid("The recommender %s is %s and will not answer: %s", arn, status, r.Common().FailureReason)
		case status != catalog.Active:
			return "", invalid("The recommender %s is %s. Wait until DescribeRecommender says ACTIVE.", arn, status)
		}
	case *catalog.BatchInferenceJob, *catalog.BatchSegmentJob: // its worker asks as others ask a campaign
	default:
		return "", invalid("%s is no campaign and no recommender: it answers nothing.", arn)
	}
	return parent, nil
}

// trainedVersion reads a version of a solution or recommender.
func trainedVersion(tx *store.Tx, arn string) (*catalog.SolutionVersion, error) {
	r, err := catalog.Find(tx, arn)
	if err != nil {
		return nil, err
	}
	v, ok := r.(interface {
		Training() *catalog.SolutionVersion
	})
	if !ok {
		return nil, invalid("%s is no version of a solution.", arn)
	}
	return v.Training(), nil
}

// RecommenderDeployer gives the worker for jobs of kind RecommenderJob: it loads
// the model of a recommender's next version, or of the one it has, and then makes
// the recommender answer with it. The version before goes.
func (s *Serving) RecommenderDeployer() job.Worker { return recommenderDeployer{s} }

type recommenderDeployer struct{ *Serving }

// Run implements job.Worker.
func (s recommenderDeployer) Run(ctx context.Context, t *job.Task) error {
	var version string
	err := t.Update(ctx, func(tx *store.Tx) error {
		r, err := catalog.Get[catalog.Recommender](tx, t.Key)
		if err != nil {
			return err
		}
		version = cmp.Or(r.Next, r.Parent)
		if r.Status == catalog.StartPending {
			r.Status = catalog.StartInProgress
			return catalog.Update(tx, r)
		}
		return nil
	})
	if notFound(err) { // deleted meanwhile
		return t.Finish(ctx, func(*store.Tx) error { return nil })
	}
	if err != nil {
		return err
	}
	reason := ""
	if _, err := s.deploy(ctx, version); err != nil {
		var inv *Invalid
		if !errors.As(err, &inv) && !notFound(err) {
			return err
		}
		reason = err.Error()
	}
	defer s.hold(version)()
	var old string
	err = t.Finish(ctx, func(tx *store.Tx) (err error) {
		old, err = settleRecommender(tx, t.Key, version, reason)
		return err
	})
	if err != nil {
		return err
	}
	if old != "" { // one that stays behind is deleted with the recommender
		if err := s.opt.Blobs.Delete(context.WithoutCancel(ctx), old); err != nil {
			s.opt.Log.Warn("delete the model before", "recommender", t.Key, "error", err)
		}
	}
	if _, err := s.deployed(context.WithoutCancel(ctx), t.Key); err != nil && reason == "" { // so that the first request does not wait
		s.opt.Log.Warn("deployment is not warm", "recommender", t.Key, "error", err)
	}
	return nil
}

// Abandon implements job.Worker.
func (s recommenderDeployer) Abandon(tx *store.Tx, key string, _ json.RawMessage, cause error) error {
	r, err := catalog.Get[catalog.Recommender](tx, key)
	if notFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = settleRecommender(tx, key, cmp.Or(r.Next, r.Parent), "The recommender could not be deployed: "+cause.Error())
	return err
}

// settleRecommender ends the deployment of a version: with a reason it failed,
// without it the recommender answers with the version. It gives the model that
// is of no more use.
func settleRecommender(tx *store.Tx, arn, version, reason string) (unused string, err error) {
	r, err := catalog.Get[catalog.Recommender](tx, arn)
	if notFound(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	switch {
	case r.Next == version:
		drop := r.Parent
		if reason != "" {
			drop = version
			moveRecommender(tx, r, catalog.Failed, reason)
		} else {
			r.Parent = version
			moveRecommender(tx, r, catalog.Active, "")
		}
		r.Next = ""
		if unused, err = dropVersion(tx, drop); err != nil {
			return "", err
		}
	case r.Next != "" || r.Parent != version: // changed meanwhile: another job comes
		return "", nil
	}
	if r.Status == catalog.StartPending || r.Status == catalog.StartInProgress {
		r.Status, r.FailureReason = catalog.Active, ""
		if reason != "" {
			r.Status, r.FailureReason = catalog.Inactive, reason
		}
	}
	return unused, catalog.Update(tx, r)
}

// dropVersion deletes the record of a recommender's version and gives its model.
func dropVersion(tx *store.Tx, arn string) (model string, err error) {
	v, err := catalog.Get[catalog.RecommenderVersion](tx, arn)
	if notFound(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return v.Model, catalog.Delete(tx, v)
}
