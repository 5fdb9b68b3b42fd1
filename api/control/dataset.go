package control

import (
	"context"
	"strings"

	"usher/catalog"
	"usher/dataset"
	"usher/store"
	wire "usher/wire/personalize"
)

// parseType reads a dataset's type, whatever its case.
func parseType(name string) (dataset.Type, error) {
	t := dataset.Type(strings.ToUpper(name))
	switch t {
	case dataset.Interactions, dataset.Items, dataset.Users, dataset.Actions, dataset.ActionInteractions:
		return t, nil
	}
	return "", invalid("datasetType %q is unknown. Use Interactions, Items, Users, Actions or Action_Interactions.", name)
}

// CreateDataset makes a group's dataset of a type, which is ACTIVE at once.
func (a *API) CreateDataset(ctx context.Context, in *wire.CreateDatasetInput) (*wire.CreateDatasetOutput, error) {
	t, err := parseType(*in.DatasetType)
	if err != nil {
		return nil, err
	}
	tags, err := newTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	return write(ctx, a, func(tx *store.Tx) (*wire.CreateDatasetOutput, error) {
		g, err := getReady[catalog.DatasetGroup](tx, a, *in.DatasetGroupArn)
		if err != nil {
			return nil, err
		}
		s, err := get[catalog.Schema](tx, a, *in.SchemaArn)
		if err != nil {
			return nil, err
		}
		if err := suits(s, t, g.Domain); err != nil {
			return nil, err
		}
		d := &catalog.Dataset{
			Meta: catalog.Meta{
				ARN: a.opt.ARNs.Of(catalog.KindDataset, g.Name, string(t)), Name: *in.Name,
				Group: g.ARN, Parent: s.ARN, Status: catalog.Active, Tags: tags,
			},
			Type: string(t),
		}
		if t == dataset.ActionInteractions { // PutActionInteractions names the dataset by it
			d.TrackingID = newTrackingID()
		}
		if err := a.create(tx, d, unlimited); err != nil {
			return nil, err
		}
		err = a.opt.Ingest.SetSchema(tx, g.ID, dataset.SchemaSet{Type: t, Text: s.Text, Domain: s.Domain})
		if err != nil {
			return nil, err
		}
		return &wire.CreateDatasetOutput{DatasetArn: &d.ARN}, nil
	})
}

// suits gives an error unless a schema is for datasets of that type in groups of that domain.
func suits(s *catalog.Schema, t dataset.Type, domain string) error {
	p, err := parsed(s)
	if err != nil {
		return err
	}
	if p.Type != t {
		return invalid("The schema %s is for datasets of type %s, not %s: the \"name\" in its text says so. Give a schema of that type.", s.ARN, p.Type, t)
	}
	if s.Domain != domain {
		return invalid("The schema %s is of %s, but the dataset group is of %s. Create the schema with the domain of the group.", s.ARN, domainText(s.Domain), domainText(domain))
	}
	return nil
}

func domainText(domain string) string {
	if domain == "" {
		return "no domain (custom)"
	}
	return "the domain " + domain
}

// DescribeDataset shows a dataset.
func (a *API) DescribeDataset(ctx context.Context, in *wire.DescribeDatasetInput) (*wire.DescribeDatasetOutput, error) {
	return read(ctx, a, func(tx *store.Tx) (*wire.DescribeDatasetOutput, error) {
		d, err := get[catalog.Dataset](tx, a, *in.DatasetArn)
		if err != nil {
			return nil, err
		}
		out := &wire.Dataset{
			Name: &d.Name, DatasetArn: &d.ARN, DatasetGroupArn: &d.Group, DatasetType: &d.Type, SchemaArn: &d.Parent,
			Status: new(string(d.Status)), CreationDateTime: &d.Created, LastUpdatedDateTime: &d.Updated,
			TrackingId: optional(d.TrackingID),
		}
		if u := d.LatestUpdate; u != nil {
			out.LatestDatasetUpdate = &wire.DatasetUpdateSummary{
				SchemaArn: &u.Schema, Status: new(string(u.Status)), CreationDateTime: &u.Created, LastUpdatedDateTime: &u.Updated,
			}
		}
		return &wire.DescribeDatasetOutput{Dataset: out}, nil
	})
}

// ListDatasets lists the datasets, those of one group if that is given.
func (a *API) ListDatasets(ctx context.Context, in *wire.ListDatasetsInput) (*wire.ListDatasetsOutput, error) {
	group, err := a.parseOptional(in.DatasetGroupArn, catalog.KindDatasetGroup)
	if err != nil {
		return nil, err
	}
	p := newPage("ListDatasets", in.NextToken, in.MaxResults, group)
	sets, next, err := list(ctx, a, p, catalog.Query{Group: group}, func(d *catalog.Dataset) wire.DatasetSummary {
		return wire.DatasetSummary{
			Name: &d.Name, DatasetArn: &d.ARN, DatasetType: &d.Type, Status: new(string(d.Status)),
			CreationDateTime: &d.Created, LastUpdatedDateTime: &d.Updated,
		}
	})
	if err != nil {
		return nil, err
	}
	return &wire.ListDatasetsOutput{Datasets: sets, NextToken: next}, nil
}

// UpdateDataset replaces the schema of an Items or Users dataset by one that has
// the same fields and new ones behind them, which may be null.
func (a *API) UpdateDataset(ctx context.Context, in *wire.UpdateDatasetInput) (*wire.UpdateDatasetOutput, error) {
	return write(ctx, a, func(tx *store.Tx) (*wire.UpdateDatasetOutput, error) {
		d, err := getReady[catalog.Dataset](tx, a, *in.DatasetArn)
		if err != nil {
			return nil, err
		}
		next, err := get[catalog.Schema](tx, a, *in.SchemaArn)
		if err != nil {
			return nil, err
		}
		g, err := catalog.Get[catalog.DatasetGroup](tx, d.Group)
		if err != nil {
			return nil, err
		}
		if err := replaceable(tx, d, next, g.Domain); err != nil {
			return nil, err
		}
		d.Parent = next.ARN
		d.LatestUpdate = &catalog.DatasetUpdate{Schema: next.ARN, Status: catalog.Active, Created: tx.Now().UTC(), Updated: tx.Now().UTC()}
		if err := catalog.Update(tx, d); err != nil {
			return nil, err
		}
		err = a.opt.Ingest.SetSchema(tx, g.ID, dataset.SchemaSet{Type: dataset.Type(d.Type), Text: next.Text, Domain: next.Domain})
		if err != nil {
			return nil, err
		}
		return &wire.UpdateDatasetOutput{DatasetArn: &d.ARN}, nil
	})
}

// replaceable says whether a dataset may get another schema now.
func replaceable(tx *store.Tx, d *catalog.Dataset, next *catalog.Schema, domain string) error {
	if d.Type != string(dataset.Items) && d.Type != string(dataset.Users) {
		return invalid("The schema of a dataset of type %s cannot be replaced, only that of Items or Users. Delete the dataset and create it anew.", d.Type)
	}
	if err := suits(next, dataset.Type(d.Type), domain); err != nil {
		return err
	}
	old, err := catalog.Get[catalog.Schema](tx, d.Parent)
	if err != nil {
		return err
	}
	if err := extends(old, next); err != nil {
		return err
	}
	// A part is read by the schema that the log has before it.
	imports, _, err := catalog.List[catalog.ImportJob](tx, catalog.Query{Parent: d.ARN})
	if err != nil {
		return err
	}
	for _, j := range imports {
		if j.Status.Transitional() {
			return inUse("The dataset %s cannot be changed while %s is %s. Wait for its end, which DescribeDatasetImportJob shows.", d.ARN, j.ARN, j.Status)
		}
	}
	return nil
}

// extends gives an error unless next has the fields of old, unchanged and
// first, and allows null in all others. Records hold their cells by position,
// so the order of the old fields must stay.
func extends(old, next *catalog.Schema) error {
	was, err := parsed(old)
	if err != nil {
		return err
	}
	now, err := parsed(next)
	if err != nil {
		return err
	}
	for i, f := range was.Fields {
		at := now.Column(f.Name)
		switch {
		case at < 0:
			return invalid("The schema %s lacks the field %s of the dataset's schema %s. A new schema must have all fields of the old one.", next.ARN, f.Name, old.ARN)
		case now.Fields[at] != f:
			return invalid("The field %s of the schema %s differs from the one of the dataset's schema %s. A new schema must have the old fields with the same name, type and attributes.", f.Name, next.ARN, old.ARN)
		case at != i:
			return invalid("The field %s is at place %d of the schema %s, but at place %d of the dataset's schema %s. List the old fields first, in their order, and the new ones behind them.", f.Name, at+1, next.ARN, i+1, old.ARN)
		}
	}
	for _, f := range now.Fields[len(was.Fields):] {
		if !f.Nullable {
			return invalid("The new field %s must allow null, because the dataset's records do not have it: {\"name\": %q, \"type\": [\"null\", %q]}.", f.Name, f.Name, f.Kind)
		}
	}
	return nil
}

// DeleteDataset deletes a dataset with its data and import jobs.
func (a *API) DeleteDataset(ctx context.Context, in *wire.DeleteDatasetInput) (*wire.DeleteDatasetOutput, error) {
	if err := remove[catalog.Dataset](ctx, a, *in.DatasetArn); err != nil {
		return nil, err
	}
	return &wire.DeleteDatasetOutput{}, nil
}
