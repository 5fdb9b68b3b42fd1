package control

import (
	"context"
	"regexp"

	"usher/catalog"
	"usher/eventlog"
	"usher/retention"
	"usher/store"
	extensions "usher/wire"
	wire "usher/wire/personalize"
)

// quotaDeletionJobs is how many deletions may be under way in a group at once.
var quotaDeletionJobs = quota{most: 5, inGroup: true, pending: true}

// CreateDataDeletionJob starts the deletion of the users that CSV files name.
func (a *API) CreateDataDeletionJob(ctx context.Context, in *wire.CreateDataDeletionJobInput) (*wire.CreateDataDeletionJobOutput, error) {
	tags, err := newTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	location, err := s3Location(in.DataSource)
	if err != nil {
		return nil, err
	}
	return write(ctx, a, func(tx *store.Tx) (*wire.CreateDataDeletionJobOutput, error) {
		g, err := getReady[catalog.DatasetGroup](tx, a, *in.DatasetGroupArn)
		if err != nil {
			return nil, err
		}
		j := a.newDeletion(g, *in.JobName)
		j.Tags, j.Location, j.RoleARN = tags, location, text(in.RoleArn)
		if err := a.startDeletion(tx, g, j); err != nil {
			return nil, err
		}
		return &wire.CreateDataDeletionJobOutput{DataDeletionJobArn: &j.ARN}, nil
	})
}

func (a *API) newDeletion(g *catalog.DatasetGroup, name string) *catalog.DeletionJob {
	return &catalog.DeletionJob{Meta: catalog.Meta{
		ARN: a.opt.ARNs.Of(catalog.KindDataDeletionJob, name), Name: name, Group: g.ARN, Parent: g.ARN, Status: catalog.DeletionPending,
	}}
}

func (a *API) startDeletion(tx *store.Tx, g *catalog.DatasetGroup, j *catalog.DeletionJob) error {
	if err := a.create(tx, j, quotaDeletionJobs); err != nil {
		return err
	}
	return retention.Enqueue(tx, g.ID)
}

// DescribeDataDeletionJob shows a deletion.
func (a *API) DescribeDataDeletionJob(ctx context.Context, in *wire.DescribeDataDeletionJobInput) (*wire.DescribeDataDeletionJobOutput, error) {
	return read(ctx, a, func(tx *store.Tx) (*wire.DescribeDataDeletionJobOutput, error) {
		j, err := get[catalog.DeletionJob](tx, a, *in.DataDeletionJobArn)
		if err != nil {
			return nil, err
		}
		out := &wire.DataDeletionJob{
			JobName: &j.Name, DataDeletionJobArn: &j.ARN, DatasetGroupArn: &j.Parent,
			DataSource: &wire.DataSource{DataLocation: &j.Location}, RoleArn: optional(j.RoleARN), Status: new(string(j.Status)),
			CreationDateTime: &j.Created, LastUpdatedDateTime: &j.Updated, FailureReason: optional(j.FailureReason),
		}
		if j.Status == catalog.DeletionCompleted {
			out.NumDeleted = new(int32(min(j.Deleted, 1<<31-1)))
		}
		return &wire.DescribeDataDeletionJobOutput{DataDeletionJob: out}, nil
	})
}

// ListDataDeletionJobs lists the deletions, those of one group if that is given.
func (a *API) ListDataDeletionJobs(ctx context.Context, in *wire.ListDataDeletionJobsInput) (*wire.ListDataDeletionJobsOutput, error) {
	group, err := a.parseOptional(in.DatasetGroupArn, catalog.KindDatasetGroup)
	if err != nil {
		return nil, err
	}
	p := newPage("ListDataDeletionJobs", in.NextToken, in.MaxResults, group)
	jobs, next, err := list(ctx, a, p, catalog.Query{Group: group}, func(j *catalog.DeletionJob) wire.DataDeletionJobSummary {
		return wire.DataDeletionJobSummary{
			DataDeletionJobArn: &j.ARN, DatasetGroupArn: &j.Parent, JobName: &j.Name, Status: new(string(j.Status)),
			CreationDateTime: &j.Created, LastUpdatedDateTime: &j.Updated, FailureReason: optional(j.FailureReason),
		}
	})
	if err != nil {
		return nil, err
	}
	return &wire.ListDataDeletionJobsOutput{DataDeletionJobs: jobs, NextToken: next}, nil
}

// DeletionReport is a deletion with what AWS does not tell: where the users or items
// were.
type DeletionReport struct {
	DataDeletionJobARN string                 `json:"dataDeletionJobArn"`
	Status             catalog.Status         `json:"status"`
	FailureReason      string                 `json:"failureReason,omitempty"`
	Deleted            int64                  `json:"numDeleted"`
	Report             *catalog.DeletionProof `json:"report,omitempty"` // once the files were looked through
}

// deletedMost is how many users or items a call may name.
const deletedMost = 1000

// jobName is a name as the model of the API has it.
var jobName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_-]{0,62}$`)

// DeleteUsers starts the deletion of users that the call names. They are forgotten
// when it returns.
func (a *API) DeleteUsers(ctx context.Context, group, name string, users []string) (*DeletionReport, error) {
	if len(users) == 0 || len(users) > deletedMost {
		return nil, invalid("users has %d members. Name 1 to %d users; for more put them into a CSV file and call CreateDataDeletionJob.", len(users), deletedMost)
	}
	return a.deleteNamed(ctx, group, name, named{"users", users, retention.Forget, catalog.DeletionProof{Users: len(users)}})
}

// DeleteItems starts the deletion of items that the call names. They are forgotten
// when it returns.
func (a *API) DeleteItems(ctx context.Context, group, name string, items []string) (*DeletionReport, error) {
	if len(items) == 0 || len(items) > deletedMost {
		return nil, invalid("itemIds has %d members. Name 1 to %d items a call.", len(items), deletedMost)
	}
	return a.deleteNamed(ctx, group, name, named{"itemIds", items, retention.ForgetItems, catalog.DeletionProof{Items: len(items)}})
}

// named is what a call names to be deleted.
type named struct {
	member string
	ids    []string
	forget func(tx *store.Tx, logs *eventlog.Logs, groupID string, ids []string) (eventlog.Offset, error)
	proof  catalog.DeletionProof
}

// deleteNamed has ids forgotten and starts the job that erases them.
func (a *API) deleteNamed(ctx context.Context, group, name string, what named) (*DeletionReport, error) {
	for i, id := range what.ids {
		if id == "" || len(id) > 256 {
			return nil, invalid("%s.%d.member has %d bytes. An id has 1 to 256.", what.member, i+1, len(id))
		}
	}
	if !jobName.MatchString(name) {
		return nil, invalid("jobName %q: give 1 to 63 letters, digits, - and _, with a letter or digit first.", name)
	}
	var groupID string
	var at eventlog.Offset
	out, err := write(ctx, a, func(tx *store.Tx) (*DeletionReport, error) {
		g, err := getReady[catalog.DatasetGroup](tx, a, a.opt.ARNs.Of(catalog.KindDatasetGroup, group))
		if err != nil {
			return nil, err
		}
		off, err := what.forget(tx, a.opt.Logs, g.ID, what.ids)
		if err != nil {
			return nil, err
		}
		j := a.newDeletion(g, name)
		groupID, at = g.ID, off
		j.Offset, j.Report = uint64(off), &what.proof
		if err := a.startDeletion(tx, g, j); err != nil {
			return nil, err
		}
		return &DeletionReport{DataDeletionJobARN: j.ARN, Status: j.Status}, nil
	})
	if err != nil {
		return nil, err
	}
	return out, a.opt.Ingest.Await(ctx, groupID, at) // no answer of this process has them any more
}

// DescribeDeletion shows the deletion of that name with its report.
func (a *API) DescribeDeletion(ctx context.Context, name string) (*DeletionReport, error) {
	return read(ctx, a, func(tx *store.Tx) (*DeletionReport, error) {
		j, err := get[catalog.DeletionJob](tx, a, a.opt.ARNs.Of(catalog.KindDataDeletionJob, name))
		if err != nil {
			return nil, err
		}
		return &DeletionReport{DataDeletionJobARN: j.ARN, Status: j.Status, FailureReason: j.FailureReason, Deleted: j.Deleted, Report: j.Report}, nil
	})
}

// extendDeletions registers the extensions of this file.
func (a *API) extendDeletions(x *extensions.Extensions) {
	x.Handle("POST", "dataset-groups/{name}/user-deletions", "DeleteUsers", func(ctx context.Context, r *extensions.ExtensionRequest) (any, error) {
		var in struct {
			JobName string   `json:"jobName"`
			Users   []string `json:"users"`
		}
		if err := r.JSON(&in); err != nil {
			return nil, err
		}
		return a.DeleteUsers(ctx, r.Path("name"), in.JobName, in.Users)
	})
	x.Handle("POST", "dataset-groups/{name}/item-deletions", "DeleteItems", func(ctx context.Context, r *extensions.ExtensionRequest) (any, error) {
		var in struct {
			JobName string   `json:"jobName"`
			ItemIDs []string `json:"itemIds"`
		}
		if err := r.JSON(&in); err != nil {
			return nil, err
		}
		return a.DeleteItems(ctx, r.Path("name"), in.JobName, in.ItemIDs)
	})
	x.Handle("GET", "data-deletion-jobs/{name}", "DescribeDeletion", func(ctx context.Context, r *extensions.ExtensionRequest) (any, error) {
		return a.DescribeDeletion(ctx, r.Path("name"))
	})
}
