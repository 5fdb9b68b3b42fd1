package control

import (
	"context"

	"usher/catalog"
	"usher/store"
	"usher/wire"
)

// cascadeHeader is the extension header that lets DeleteDatasetGroup delete what
// is in the group too.
const cascadeHeader = "cascade"

// cascading says whether the request asks for a cascade.
func cascading(ctx context.Context) (bool, error) { return switched(ctx, cascadeHeader) }

// switched says whether a header of ours is true.
func switched(ctx context.Context, name string) (bool, error) {
	switch given := wire.ExtensionHeader(ctx, name); given {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	default:
		return false, invalid("The header x-usher-%s is %q. Send true or false, or leave it out.", name, given)
	}
}

// Deletion is what a cascading delete of a dataset group would do.
type Deletion struct {
	DatasetGroupARN string   `json:"datasetGroupArn"`
	Deletes         []string `json:"deletes"`   // ARNs, in the order in which they go
	BlockedBy       []string `json:"blockedBy"` // ARNs on which work is under way: while there are some, nothing is deleted
}

// Extend registers the extensions of this room.
func (a *API) Extend(x *wire.Extensions) {
	x.Handle("GET", "dataset-groups/{name}/deletion", "PreviewDeletion", func(ctx context.Context, r *wire.ExtensionRequest) (any, error) {
		return a.PreviewDeletion(ctx, r.Path("name"))
	})
	x.Handle("GET", "dataset-import-jobs/{name}", "DescribeImport", func(ctx context.Context, r *wire.ExtensionRequest) (any, error) {
		return a.DescribeImport(ctx, r.Path("name"))
	})
	x.Handle("GET", "batch-inference-jobs/{name}", "DescribeBatchInference", func(ctx context.Context, r *wire.ExtensionRequest) (any, error) {
		return a.DescribeBatchInference(ctx, r.Path("name"))
	})
	x.Handle("GET", "batch-segment-jobs/{name}", "DescribeBatchSegment", func(ctx context.Context, r *wire.ExtensionRequest) (any, error) {
		return a.DescribeBatchSegment(ctx, r.Path("name"))
	})
	x.Handle("GET", "solutions/{solution}/versions/{version}/training", "DescribeTraining", func(ctx context.Context, r *wire.ExtensionRequest) (any, error) {
		return a.DescribeTraining(ctx, r.Path("solution"), r.Path("version"))
	})
	x.Handle("GET", "recommenders/{name}/training", "DescribeRecommenderTraining", func(ctx context.Context, r *wire.ExtensionRequest) (any, error) {
		return a.DescribeRecommenderTraining(ctx, r.Path("name"))
	})
	a.extendDeletions(x)
}

// PreviewDeletion says what a cascading delete of the group of that name would do now.
func (a *API) PreviewDeletion(ctx context.Context, name string) (*Deletion, error) {
	return read(ctx, a, func(tx *store.Tx) (*Deletion, error) {
		g, err := get[catalog.DatasetGroup](tx, a, a.opt.ARNs.Of(catalog.KindDatasetGroup, name))
		if err != nil {
			return nil, err
		}
		members, err := catalog.Members(tx, g)
		if err != nil {
			return nil, err
		}
		out := &Deletion{DatasetGroupARN: g.ARN, Deletes: []string{}, BlockedBy: []string{}}
		for _, m := range members {
			out.Deletes = append(out.Deletes, m.Common().ARN)
			if busy(m) {
				out.BlockedBy = append(out.BlockedBy, m.Common().ARN)
			}
		}
		out.Deletes = append(out.Deletes, g.ARN)
		return out, nil
	})
}

// deleteCascade deletes everything that is in a group, and the group, in one
// transaction: all of it or, while work is under way, nothing.
func (a *API) deleteCascade(ctx context.Context, arn string) error {
	return a.opt.DB.Update(ctx, func(tx *store.Tx) error {
		g, err := get[catalog.DatasetGroup](tx, a, arn)
		if err != nil {
			return err
		}
		members, err := catalog.Members(tx, g)
		if err != nil {
			return err
		}
		var working []string
		for _, m := range members {
			if busy(m) {
				working = append(working, m.Common().ARN)
			}
		}
		if len(working) > 0 {
			return inUse("Resource Arn %s cannot be deleted with what is in it. Work is under way on %s: wait for its end, or stop it.", arn, some(working))
		}
		for _, m := range members {
			if catalog.Owned(m.Kind()) { // it goes with its owner
				continue
			}
			if err := a.discard(tx, m); err != nil {
				return err
			}
		}
		return a.discard(tx, g)
	})
}
