package control

import (
	"context"

	"usher/catalog"
	"usher/dataset"
	"usher/store"
	wire "usher/wire/personalize"
)

// CreateSchema stores a schema after it was checked by the rules of its type and domain.
func (a *API) CreateSchema(ctx context.Context, in *wire.CreateSchemaInput) (*wire.CreateSchemaOutput, error) {
	if _, err := dataset.ParseSchema(*in.Schema, string(in.Domain)); err != nil {
		return nil, invalid("%v", err)
	}
	s := &catalog.Schema{
		Meta:   catalog.Meta{ARN: a.opt.ARNs.Of(catalog.KindSchema, *in.Name), Name: *in.Name},
		Domain: string(in.Domain), Text: *in.Schema,
	}
	return write(ctx, a, func(tx *store.Tx) (*wire.CreateSchemaOutput, error) {
		if err := a.create(tx, s, quotaSchemas); err != nil {
			return nil, err
		}
		return &wire.CreateSchemaOutput{SchemaArn: &s.ARN}, nil
	})
}

// DescribeSchema shows a schema with its text.
func (a *API) DescribeSchema(ctx context.Context, in *wire.DescribeSchemaInput) (*wire.DescribeSchemaOutput, error) {
	return read(ctx, a, func(tx *store.Tx) (*wire.DescribeSchemaOutput, error) {
		s, err := get[catalog.Schema](tx, a, *in.SchemaArn)
		if err != nil {
			return nil, err
		}
		return &wire.DescribeSchemaOutput{Schema: &wire.DatasetSchema{
			Name: &s.Name, SchemaArn: &s.ARN, Schema: &s.Text, CreationDateTime: &s.Created,
			LastUpdatedDateTime: &s.Updated, Domain: wire.Domain(s.Domain),
		}}, nil
	})
}

// ListSchemas lists all schemas.
func (a *API) ListSchemas(ctx context.Context, in *wire.ListSchemasInput) (*wire.ListSchemasOutput, error) {
	p := newPage("ListSchemas", in.NextToken, in.MaxResults)
	schemas, next, err := list(ctx, a, p, catalog.Query{}, func(s *catalog.Schema) wire.DatasetSchemaSummary {
		return wire.DatasetSchemaSummary{
			Name: &s.Name, SchemaArn: &s.ARN, CreationDateTime: &s.Created,
			LastUpdatedDateTime: &s.Updated, Domain: wire.Domain(s.Domain),
		}
	})
	if err != nil {
		return nil, err
	}
	return &wire.ListSchemasOutput{Schemas: schemas, NextToken: next}, nil
}

// DeleteSchema deletes a schema that no dataset has.
func (a *API) DeleteSchema(ctx context.Context, in *wire.DeleteSchemaInput) (*wire.DeleteSchemaOutput, error) {
	if err := remove[catalog.Schema](ctx, a, *in.SchemaArn); err != nil {
		return nil, err
	}
	return &wire.DeleteSchemaOutput{}, nil
}

// parsed reads a stored schema's text.
func parsed(s *catalog.Schema) (*dataset.Schema, error) { return dataset.ParseSchema(s.Text, s.Domain) }

// schemas gives the schemas of a group's datasets.
func schemas(tx *store.Tx, groupARN string) (map[dataset.Type]*dataset.Schema, error) {
	sets, _, err := catalog.List[catalog.Dataset](tx, catalog.Query{Group: groupARN})
	if err != nil {
		return nil, err
	}
	out := map[dataset.Type]*dataset.Schema{}
	for _, d := range sets {
		s, err := catalog.Get[catalog.Schema](tx, d.Parent)
		if err != nil {
			return nil, err
		}
		if out[dataset.Type(d.Type)], err = parsed(s); err != nil {
			return nil, err
		}
	}
	return out, nil
}
