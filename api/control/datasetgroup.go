package control

import (
	"context"

	"usher/catalog"
	"usher/store"
	wire "usher/wire/personalize"
)

// CreateDatasetGroup makes a dataset group, which is ACTIVE at once.
func (a *API) CreateDatasetGroup(ctx context.Context, in *wire.CreateDatasetGroupInput) (*wire.CreateDatasetGroupOutput, error) {
	switch {
	case in.KmsKeyArn != nil && in.RoleArn == nil:
		return nil, invalid("kmsKeyArn is given without roleArn. Give the role that may use the key, or neither.")
	case in.RoleArn != nil && in.KmsKeyArn == nil:
		return nil, invalid("roleArn is given without kmsKeyArn. A dataset group needs a role only to use a key: give both, or neither.")
	}
	tags, err := newTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	g := &catalog.DatasetGroup{
		Meta:   catalog.Meta{ARN: a.opt.ARNs.Of(catalog.KindDatasetGroup, *in.Name), Name: *in.Name, Status: catalog.Active, Tags: tags},
		Domain: string(in.Domain), RoleARN: text(in.RoleArn), KMSKeyARN: text(in.KmsKeyArn),
	}
	return write(ctx, a, func(tx *store.Tx) (*wire.CreateDatasetGroupOutput, error) {
		if err := a.create(tx, g, quotaDatasetGroups); err != nil {
			return nil, err
		}
		return &wire.CreateDatasetGroupOutput{DatasetGroupArn: &g.ARN, Domain: in.Domain}, nil
	})
}

// DescribeDatasetGroup shows a dataset group.
func (a *API) DescribeDatasetGroup(ctx context.Context, in *wire.DescribeDatasetGroupInput) (*wire.DescribeDatasetGroupOutput, error) {
	return read(ctx, a, func(tx *store.Tx) (*wire.DescribeDatasetGroupOutput, error) {
		g, err := get[catalog.DatasetGroup](tx, a, *in.DatasetGroupArn)
		if err != nil {
			return nil, err
		}
		return &wire.DescribeDatasetGroupOutput{DatasetGroup: &wire.DatasetGroup{
			Name: &g.Name, DatasetGroupArn: &g.ARN, Status: new(string(g.Status)), RoleArn: optional(g.RoleARN),
			KmsKeyArn: optional(g.KMSKeyARN), CreationDateTime: &g.Created, LastUpdatedDateTime: &g.Updated,
			FailureReason: optional(g.FailureReason), Domain: wire.Domain(g.Domain),
		}}, nil
	})
}

// ListDatasetGroups lists all dataset groups.
func (a *API) ListDatasetGroups(ctx context.Context, in *wire.ListDatasetGroupsInput) (*wire.ListDatasetGroupsOutput, error) {
	p := newPage("ListDatasetGroups", in.NextToken, in.MaxResults)
	groups, next, err := list(ctx, a, p, catalog.Query{}, func(g *catalog.DatasetGroup) wire.DatasetGroupSummary {
		return wire.DatasetGroupSummary{
			Name: &g.Name, DatasetGroupArn: &g.ARN, Status: new(string(g.Status)), CreationDateTime: &g.Created,
			LastUpdatedDateTime: &g.Updated, FailureReason: optional(g.FailureReason), Domain: wire.Domain(g.Domain),
		}
	})
	if err != nil {
		return nil, err
	}
	return &wire.ListDatasetGroupsOutput{DatasetGroups: groups, NextToken: next}, nil
}

// DeleteDatasetGroup deletes an empty dataset group with its log and blobs; with
// the header x-usher-cascade first everything that is in it.
func (a *API) DeleteDatasetGroup(ctx context.Context, in *wire.DeleteDatasetGroupInput) (*wire.DeleteDatasetGroupOutput, error) {
	cascades, err := cascading(ctx)
	if err != nil {
		return nil, err
	}
	if cascades {
		err = a.deleteCascade(ctx, *in.DatasetGroupArn)
	} else {
		err = remove[catalog.DatasetGroup](ctx, a, *in.DatasetGroupArn)
	}
	if err != nil {
		return nil, err
	}
	return &wire.DeleteDatasetGroupOutput{}, nil
}
