package control

import (
	"context"
	"strings"

	"usher/batch"
	"usher/catalog"
	"usher/store"
	wire "usher/wire/personalize"
)

// CreateDatasetExportJob starts the export of a dataset into CSV files.
func (a *API) CreateDatasetExportJob(ctx context.Context, in *wire.CreateDatasetExportJobInput) (*wire.CreateDatasetExportJobOutput, error) {
	tags, err := newTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	to := in.JobOutput.S3DataDestination
	if err := s3Path("jobOutput", "output", to); err != nil {
		return nil, err
	}
	if bucket, _, _ := strings.Cut(strings.TrimPrefix(*to.Path, "s3://"), "/"); bucket == "" {
		return nil, invalid("jobOutput: Invalid S3 output path. %q is not of the form s3://bucket/folder/.", *to.Path)
	}
	mode := in.IngestionMode
	if mode == "" {
		mode = wire.IngestionModePut
	}
	return write(ctx, a, func(tx *store.Tx) (*wire.CreateDatasetExportJobOutput, error) {
		d, err := getReady[catalog.Dataset](tx, a, *in.DatasetArn)
		if err != nil {
			return nil, err
		}
		j := &catalog.ExportJob{
			Meta: catalog.Meta{
				ARN: a.opt.ARNs.Of(catalog.KindExportJob, *in.JobName), Name: *in.JobName,
				Group: d.Group, Parent: d.ARN, Status: catalog.Pending, Tags: tags,
			},
			Mode: string(mode), Output: *to.Path, KMSKey: text(to.KmsKeyArn), RoleARN: text(in.RoleArn),
		}
		if err := a.create(tx, j, quotaExportJobs); err != nil {
			return nil, err
		}
		if err := batch.EnqueueExport(tx, j.ARN); err != nil {
			return nil, err
		}
		return &wire.CreateDatasetExportJobOutput{DatasetExportJobArn: &j.ARN}, nil
	})
}

// quotaExportJobs is how many exports may be under way at once.
var quotaExportJobs = quota{most: 5, pending: true}

// DescribeDatasetExportJob shows an export.
func (a *API) DescribeDatasetExportJob(ctx context.Context, in *wire.DescribeDatasetExportJobInput) (*wire.DescribeDatasetExportJobOutput, error) {
	return read(ctx, a, func(tx *store.Tx) (*wire.DescribeDatasetExportJobOutput, error) {
		j, err := get[catalog.ExportJob](tx, a, *in.DatasetExportJobArn)
		if err != nil {
			return nil, err
		}
		return &wire.DescribeDatasetExportJobOutput{DatasetExportJob: &wire.DatasetExportJob{
			JobName: &j.Name, DatasetExportJobArn: &j.ARN, DatasetArn: &j.Parent,
			IngestionMode: wire.IngestionMode(j.Mode), RoleArn: optional(j.RoleARN), Status: new(string(j.Status)),
			JobOutput:        &wire.DatasetExportJobOutput{S3DataDestination: &wire.S3DataConfig{Path: &j.Output, KmsKeyArn: optional(j.KMSKey)}},
			CreationDateTime: &j.Created, LastUpdatedDateTime: &j.Updated, FailureReason: optional(j.FailureReason),
		}}, nil
	})
}

// ListDatasetExportJobs lists the exports, those of one dataset if that is given.
func (a *API) ListDatasetExportJobs(ctx context.Context, in *wire.ListDatasetExportJobsInput) (*wire.ListDatasetExportJobsOutput, error) {
	parent, err := a.parseOptional(in.DatasetArn, catalog.KindDataset)
	if err != nil {
		return nil, err
	}
	p := newPage("ListDatasetExportJobs", in.NextToken, in.MaxResults, parent)
	jobs, next, err := list(ctx, a, p, catalog.Query{Parent: parent}, func(j *catalog.ExportJob) wire.DatasetExportJobSummary {
		return wire.DatasetExportJobSummary{
			DatasetExportJobArn: &j.ARN, JobName: &j.Name, Status: new(string(j.Status)), CreationDateTime: &j.Created,
			LastUpdatedDateTime: &j.Updated, FailureReason: optional(j.FailureReason),
		}
	})
	if err != nil {
		return nil, err
	}
	return &wire.ListDatasetExportJobsOutput{DatasetExportJobs: jobs, NextToken: next}, nil
}
