package control

import (
	"context"

	"usher/catalog"
	"usher/filter"
	"usher/store"
	wire "usher/wire/personalize"
)

// This file holds the operations of capabilities that this version does not
// have (docs/compatibility.md). Their inputs are judged like all others: an ARN
// of the wrong kind is invalid and a parent that is not there is not found, so
// that a program meets the same errors now and later. Then Create says what is
// missing, the others that there is no such resource, and lists are empty.

// missing says that a capability is not in this version, after the resources
// that the input names have been found.
func missing(ctx context.Context, a *API, call, advice string, check func(tx *store.Tx) error) error {
	if err := a.opt.DB.View(ctx, check); err != nil {
		return err
	}
	return invalid("%s: this version of usher does not have that yet, and nothing was changed. %s", call, advice)
}

// none gives the error for an ARN of a kind of which there is no resource.
func (a *API) none(arn string, kind catalog.Kind) error {
	if _, err := a.parse(arn, kind); err != nil {
		return err
	}
	return absent(arn)
}

// noList judges the input of a List call of which every answer is empty. No
// token was ever given for it.
func (a *API) noList(filter *string, kind catalog.Kind, next *string) error {
	if _, err := a.parseOptional(filter, kind); err != nil {
		return err
	}
	if next != nil {
		return badToken()
	}
	return nil
}

// Batch jobs.

// CreateBatchSegmentJob is not in this version: no version has a recipe for it.
func (a *API) CreateBatchSegmentJob(ctx context.Context, in *wire.CreateBatchSegmentJobInput) (*wire.CreateBatchSegmentJobOutput, error) {
	return nil, missing(ctx, a, "CreateBatchSegmentJob", "Recipes that make user segments cannot be trained yet either.", func(tx *store.Tx) error {
		request := &batchRequest{
			version: *in.SolutionVersionArn, filter: in.FilterArn, input: in.JobInput.S3DataSource, output: in.JobOutput.S3DataDestination,
			results: in.NumResults, resultsMost: 5_000_000, target: filter.Users, tags: in.Tags,
		}
		if _, err := request.check(); err != nil {
			return err
		}
		v, err := a.batchVersion(tx, request)
		if err != nil {
			return err
		}
		return invalid("solutionVersionArn: the recipe %s of %s does not make user segments. Segment jobs are for versions of aws-item-affinity and aws-item-attribute-affinity, which this version of usher cannot train yet.", v.Recipe, v.ARN)
	})
}

// DescribeBatchSegmentJob finds none.
func (a *API) DescribeBatchSegmentJob(_ context.Context, in *wire.DescribeBatchSegmentJobInput) (*wire.DescribeBatchSegmentJobOutput, error) {
	return nil, a.none(*in.BatchSegmentJobArn, catalog.KindBatchSegmentJob)
}

// ListBatchSegmentJobs lists none.
func (a *API) ListBatchSegmentJobs(_ context.Context, in *wire.ListBatchSegmentJobsInput) (*wire.ListBatchSegmentJobsOutput, error) {
	if err := a.noList(in.SolutionVersionArn, catalog.KindSolutionVersion, in.NextToken); err != nil {
		return nil, err
	}
	return &wire.ListBatchSegmentJobsOutput{BatchSegmentJobs: []wire.BatchSegmentJobSummary{}}, nil
}
