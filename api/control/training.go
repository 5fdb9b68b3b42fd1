package control

import (
	"context"
	"time"

	"usher/catalog"
	"usher/store"
	"usher/train"
)

// Training is the training of a version with what AWS does not tell: how far it is,
// and what it chose by itself.
type Training struct {
	ARN           string          `json:"arn"` // of the solution version or the recommender
	Status        catalog.Status  `json:"status"`
	FailureReason string          `json:"failureReason,omitempty"`
	Created       time.Time       `json:"creationDateTime"`
	Updated       time.Time       `json:"lastUpdatedDateTime"`
	Progress      *train.Progress `json:"progress,omitempty"` // while it is under way
	Chosen        []string        `json:"chosen,omitempty"`   // once it has ended: what it chose on its validation part
}

// DescribeTraining shows how the training of a solution's version is going.
func (a *API) DescribeTraining(ctx context.Context, solution, version string) (*Training, error) {
	return read(ctx, a, func(tx *store.Tx) (*Training, error) {
		v, err := get[catalog.SolutionVersion](tx, a, a.opt.ARNs.Of(catalog.KindSolution, solution)+"/"+version)
		if err != nil {
			return nil, err
		}
		return training(tx, v.ARN, v)
	})
}

// DescribeRecommenderTraining shows how a recommender's training is going: the one
// under way, or else that of the model that answers.
func (a *API) DescribeRecommenderTraining(ctx context.Context, name string) (*Training, error) {
	return read(ctx, a, func(tx *store.Tx) (*Training, error) {
		r, err := get[catalog.Recommender](tx, a, a.opt.ARNs.Of(catalog.KindRecommender, name))
		if err != nil {
			return nil, err
		}
		newest := r.Next
		if newest == "" {
			newest = r.Parent
		}
		if newest == "" { // its training failed
			return &Training{ARN: r.ARN, Status: r.Status, FailureReason: r.FailureReason, Created: r.Created, Updated: r.Updated}, nil
		}
		v, err := catalog.Get[catalog.RecommenderVersion](tx, newest)
		if err != nil {
			return nil, err
		}
		return training(tx, r.ARN, &v.SolutionVersion)
	})
}

func training(tx *store.Tx, arn string, v *catalog.SolutionVersion) (out *Training, err error) {
	out = &Training{ARN: arn, Status: v.Status, FailureReason: v.FailureReason, Created: v.Created, Updated: v.Updated, Chosen: v.Chosen}
	if v.Status.Transitional() {
		out.Progress, err = train.ProgressOf(tx, v.ARN)
	}
	return out, err
}
