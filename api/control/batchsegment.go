package control

import (
	"context"

	"usher/batch"
	"usher/catalog"
	"usher/filter"
	"usher/recipe"
	"usher/store"
	wire "usher/wire/personalize"
)

// CreateBatchSegmentJob starts the finding of users for items or attributes.
func (a *API) CreateBatchSegmentJob(ctx context.Context, in *wire.CreateBatchSegmentJobInput) (*wire.CreateBatchSegmentJobOutput, error) {
	request := &batchRequest{
		version: *in.SolutionVersionArn, filter: in.FilterArn, input: in.JobInput.S3DataSource, output: in.JobOutput.S3DataDestination,
		role: in.RoleArn, results: in.NumResults, resultsMost: 5_000_000, target: filter.Users, tags: in.Tags,
	}
	tags, err := request.check()
	if err != nil {
		return nil, err
	}
	return write(ctx, a, func(tx *store.Tx) (*wire.CreateBatchSegmentJobOutput, error) {
		v, err := a.batchVersion(tx, request)
		if err != nil {
			return nil, err
		}
		if spec, _ := recipe.SpecOf(v.Recipe); spec.Type != recipe.UserSegmentation {
			return nil, invalid("solutionVersionArn: the recipe %s of %s does not make user segments. Segment jobs are for versions of aws-item-affinity and aws-item-attribute-affinity; for others call CreateBatchInferenceJob.", v.Recipe, v.ARN)
		}
		j := &catalog.BatchSegmentJob{
			Meta: catalog.Meta{
				ARN: a.opt.ARNs.Of(catalog.KindBatchSegmentJob, *in.JobName), Name: *in.JobName,
				Group: v.Group, Parent: v.ARN, Status: catalog.Pending, Tags: tags,
			},
			BatchFiles: request.files(),
		}
		if err := a.create(tx, j, quotaBatchJobs); err != nil {
			return nil, err
		}
		if err := batch.EnqueueSegment(tx, j.ARN); err != nil {
			return nil, err
		}
		return &wire.CreateBatchSegmentJobOutput{BatchSegmentJobArn: &j.ARN}, nil
	})
}

// DescribeBatchSegmentJob shows a batch segment job.
func (a *API) DescribeBatchSegmentJob(ctx context.Context, in *wire.DescribeBatchSegmentJobInput) (*wire.DescribeBatchSegmentJobOutput, error) {
	return read(ctx, a, func(tx *store.Tx) (*wire.DescribeBatchSegmentJobOutput, error) {
		j, err := get[catalog.BatchSegmentJob](tx, a, *in.BatchSegmentJobArn)
		if err != nil {
			return nil, err
		}
		return &wire.DescribeBatchSegmentJobOutput{BatchSegmentJob: &wire.BatchSegmentJob{
			JobName: &j.Name, BatchSegmentJobArn: &j.ARN, SolutionVersionArn: &j.Parent, FilterArn: optional(j.Filter),
			NumResults: results(&j.BatchFiles), RoleArn: optional(j.RoleARN), Status: new(string(j.Status)),
			JobInput:         &wire.BatchSegmentJobInput{S3DataSource: inputOf(&j.BatchFiles)},
			JobOutput:        &wire.BatchSegmentJobOutput{S3DataDestination: outputOf(&j.BatchFiles)},
			CreationDateTime: &j.Created, LastUpdatedDateTime: &j.Updated, FailureReason: optional(j.FailureReason),
		}}, nil
	})
}

// ListBatchSegmentJobs lists the batch segment jobs, those of one version if that is
// given.
func (a *API) ListBatchSegmentJobs(ctx context.Context, in *wire.ListBatchSegmentJobsInput) (*wire.ListBatchSegmentJobsOutput, error) {
	version, err := a.parseOptional(in.SolutionVersionArn, catalog.KindSolutionVersion)
	if err != nil {
		return nil, err
	}
	p := newPage("ListBatchSegmentJobs", in.NextToken, in.MaxResults, version)
	jobs, next, err := list(ctx, a, p, catalog.Query{Parent: version}, func(j *catalog.BatchSegmentJob) wire.BatchSegmentJobSummary {
		return wire.BatchSegmentJobSummary{
			BatchSegmentJobArn: &j.ARN, JobName: &j.Name, Status: new(string(j.Status)), SolutionVersionArn: &j.Parent,
			CreationDateTime: &j.Created, LastUpdatedDateTime: &j.Updated, FailureReason: optional(j.FailureReason),
		}
	})
	if err != nil {
		return nil, err
	}
	return &wire.ListBatchSegmentJobsOutput{BatchSegmentJobs: jobs, NextToken: next}, nil
}
