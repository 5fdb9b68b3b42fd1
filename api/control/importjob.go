package control

import (
	"context"
	"strings"

	"usher/catalog"
	"usher/ingest"
	"usher/store"
	wire "usher/wire/personalize"
)

// CreateDatasetImportJob starts the import of CSV files into a dataset.
func (a *API) CreateDatasetImportJob(ctx context.Context, in *wire.CreateDatasetImportJobInput) (*wire.CreateDatasetImportJobOutput, error) {
	location, err := s3Location(in.DataSource)
	if err != nil {
		return nil, err
	}
	mode := in.ImportMode
	if mode == "" {
		mode = wire.ImportModeFull
	}
	tags, err := newTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	switches, err := readImportSwitches(ctx)
	if err != nil {
		return nil, err
	}
	return write(ctx, a, func(tx *store.Tx) (*wire.CreateDatasetImportJobOutput, error) {
		d, err := getReady[catalog.Dataset](tx, a, *in.DatasetArn)
		if err != nil {
			return nil, err
		}
		if mode == wire.ImportModeIncremental {
			if err := imported(tx, d); err != nil {
				return nil, err
			}
		}
		if truth(in.PublishAttributionMetricsToS3) {
			if err := publishes(tx, d); err != nil {
				return nil, err
			}
		}
		j := &catalog.ImportJob{
			Meta: catalog.Meta{
				ARN: a.opt.ARNs.Of(catalog.KindImportJob, *in.JobName), Name: *in.JobName,
				Group: d.Group, Parent: d.ARN, Status: catalog.Pending, Tags: tags,
			},
			Location: location, RoleARN: text(in.RoleArn), Mode: string(mode), MaxBadRows: switches.maxBadRows, DryRun: switches.dryRun,
			PublishMetrics: truth(in.PublishAttributionMetricsToS3),
		}
		if err := a.create(tx, j, quotaImportJobs); err != nil {
			return nil, err
		}
		if err := ingest.Enqueue(tx, j.ARN); err != nil {
			return nil, err
		}
		return &wire.CreateDatasetImportJobOutput{DatasetImportJobArn: &j.ARN}, nil
	})
}

// s3Location checks the form of a location; whether there is something is
// found out by the job.
func s3Location(s *wire.DataSource) (string, error) {
	location := text(s.DataLocation)
	if location == "" {
		return "", invalid("dataSource.dataLocation is missing. Give s3://bucket/key of a CSV file, or s3://bucket/folder/.")
	}
	path, ok := strings.CutPrefix(location, "s3://")
	bucket, _, _ := strings.Cut(path, "/")
	if !ok || bucket == "" {
		return "", invalid("dataSource.dataLocation: Invalid Data location. %q is not of the form s3://bucket/key or s3://bucket/folder/. Data is imported from buckets only: upload the file first, for example with aws s3 cp.", location)
	}
	return location, nil
}

// imported gives an error unless a dataset has had a FULL import.
func imported(tx *store.Tx, d *catalog.Dataset) error {
	jobs, _, err := catalog.List[catalog.ImportJob](tx, catalog.Query{Parent: d.ARN})
	if err != nil {
		return err
	}
	for _, j := range jobs {
		if j.Status == catalog.Active && j.Mode == string(wire.ImportModeFull) {
			return nil
		}
	}
	return invalid("importMode INCREMENTAL adds to bulk data, and the dataset %s has none yet. Import with FULL first, and wait until that import is ACTIVE.", d.ARN)
}

// DescribeDatasetImportJob shows an import.
func (a *API) DescribeDatasetImportJob(ctx context.Context, in *wire.DescribeDatasetImportJobInput) (*wire.DescribeDatasetImportJobOutput, error) {
	return read(ctx, a, func(tx *store.Tx) (*wire.DescribeDatasetImportJobOutput, error) {
		j, err := get[catalog.ImportJob](tx, a, *in.DatasetImportJobArn)
		if err != nil {
			return nil, err
		}
		return &wire.DescribeDatasetImportJobOutput{DatasetImportJob: &wire.DatasetImportJob{
			JobName: &j.Name, DatasetImportJobArn: &j.ARN, DatasetArn: &j.Parent,
			DataSource: &wire.DataSource{DataLocation: &j.Location}, RoleArn: optional(j.RoleARN),
			Status: new(string(j.Status)), CreationDateTime: &j.Created, LastUpdatedDateTime: &j.Updated,
			FailureReason: optional(j.FailureReason), ImportMode: wire.ImportMode(j.Mode),
			PublishAttributionMetricsToS3: &j.PublishMetrics,
		}}, nil
	})
}

// ListDatasetImportJobs lists the imports, those of one dataset if that is given.
func (a *API) ListDatasetImportJobs(ctx context.Context, in *wire.ListDatasetImportJobsInput) (*wire.ListDatasetImportJobsOutput, error) {
	parent, err := a.parseOptional(in.DatasetArn, catalog.KindDataset)
	if err != nil {
		return nil, err
	}
	p := newPage("ListDatasetImportJobs", in.NextToken, in.MaxResults, parent)
	jobs, next, err := list(ctx, a, p, catalog.Query{Parent: parent}, func(j *catalog.ImportJob) wire.DatasetImportJobSummary {
		return wire.DatasetImportJobSummary{
			DatasetImportJobArn: &j.ARN, JobName: &j.Name, Status: new(string(j.Status)), CreationDateTime: &j.Created,
			LastUpdatedDateTime: &j.Updated, FailureReason: optional(j.FailureReason), ImportMode: wire.ImportMode(j.Mode),
		}
	})
	if err != nil {
		return nil, err
	}
	return &wire.ListDatasetImportJobsOutput{DatasetImportJobs: jobs, NextToken: next}, nil
}
