package control

import (
	"context"
	"fmt"
	"slices"

	"usher/catalog"
	"usher/filter"
	"usher/store"
	wire "usher/wire/personalize"
)

// AWS's quotas of filters: in a group, and of distinct columns in one of them and
// in all of a group.
var quotaFilters = quota{most: 30, inGroup: true}

const (
	maxFilterFields = 10
	maxGroupFields  = 20
)

// CreateFilter makes a filter of an expression that fits the group's schemas. It
// is ACTIVE at once: its columns are prepared when they are first needed.
func (a *API) CreateFilter(ctx context.Context, in *wire.CreateFilterInput) (*wire.CreateFilterOutput, error) {
	tags, err := newTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	return write(ctx, a, func(tx *store.Tx) (*wire.CreateFilterOutput, error) {
		g, err := getReady[catalog.DatasetGroup](tx, a, *in.DatasetGroupArn)
		if err != nil {
			return nil, err
		}
		columns, err := schemas(tx, g.ARN)
		if err != nil {
			return nil, err
		}
		p, err := filter.Compile(*in.FilterExpression, filter.Schemas(columns))
		if err != nil {
			return nil, invalid("%v", err)
		}
		f := &catalog.Filter{
			Meta: catalog.Meta{
				ARN: a.opt.ARNs.Of(catalog.KindFilter, *in.Name), Name: *in.Name,
				Group: g.ARN, Parent: g.ARN, Status: catalog.Active, Tags: tags,
			},
			Expression: *in.FilterExpression, Fields: p.Fields(),
		}
		if err := a.create(tx, f, quotaFilters); err != nil {
			return nil, err
		}
		if err := a.withinFields(tx, f); err != nil {
			return nil, err
		}
		return &wire.CreateFilterOutput{FilterArn: &f.ARN}, nil
	})
}

// withinFields gives an error when the filter just created looks at too many
// columns, alone or with the others of its group.
func (a *API) withinFields(tx *store.Tx, f *catalog.Filter) error {
	alone, together := a.most(quotaFilterFields, maxFilterFields), a.most(quotaGroupFields, maxGroupFields)
	if n := len(f.Fields); alone > 0 && n > alone {
		return invalid("Could not create filter. Invalid Expression: it looks at %d columns, and a filter can look at %d: %s.", n, alone, some(f.Fields))
	}
	if together == 0 {
		return nil
	}
	all, _, err := catalog.List[catalog.Filter](tx, catalog.Query{Group: f.Group})
	if err != nil {
		return err
	}
	var fields []string
	for _, o := range all {
		fields = append(fields, o.Fields...)
	}
	slices.Sort(fields)
	if n := len(slices.Compact(fields)); n > together {
		return &wire.LimitExceededException{Message: new(fmt.Sprintf("Cannot create a filter. The filters of the dataset group would look at %d different columns, more than %d. Please delete some and try again.", n, together))}
	}
	return nil
}

// DescribeFilter shows a filter with its expression.
func (a *API) DescribeFilter(ctx context.Context, in *wire.DescribeFilterInput) (*wire.DescribeFilterOutput, error) {
	return read(ctx, a, func(tx *store.Tx) (*wire.DescribeFilterOutput, error) {
		f, err := get[catalog.Filter](tx, a, *in.FilterArn)
		if err != nil {
			return nil, err
		}
		return &wire.DescribeFilterOutput{Filter: &wire.Filter{
			Name: &f.Name, FilterArn: &f.ARN, DatasetGroupArn: &f.Group, FilterExpression: &f.Expression,
			Status: new(string(f.Status)), FailureReason: optional(f.FailureReason),
			CreationDateTime: &f.Created, LastUpdatedDateTime: &f.Updated,
		}}, nil
	})
}

// ListFilters lists the filters, those of one group if that is given.
func (a *API) ListFilters(ctx context.Context, in *wire.ListFiltersInput) (*wire.ListFiltersOutput, error) {
	group, err := a.parseOptional(in.DatasetGroupArn, catalog.KindDatasetGroup)
	if err != nil {
		return nil, err
	}
	p := newPage("ListFilters", in.NextToken, in.MaxResults, group)
	filters, next, err := list(ctx, a, p, catalog.Query{Group: group}, func(f *catalog.Filter) wire.FilterSummary {
		return wire.FilterSummary{
			Name: &f.Name, FilterArn: &f.ARN, DatasetGroupArn: &f.Group, Status: new(string(f.Status)),
			FailureReason: optional(f.FailureReason), CreationDateTime: &f.Created, LastUpdatedDateTime: &f.Updated,
		}
	})
	if err != nil {
		return nil, err
	}
	return &wire.ListFiltersOutput{Filters: filters, NextToken: next}, nil
}

// DeleteFilter deletes a filter; requests that name it are refused from now on.
func (a *API) DeleteFilter(ctx context.Context, in *wire.DeleteFilterInput) (*wire.DeleteFilterOutput, error) {
	if err := remove[catalog.Filter](ctx, a, *in.FilterArn); err != nil {
		return nil, err
	}
	return &wire.DeleteFilterOutput{}, nil
}
