package ingest

import (
	"context"

	"usher/catalog"
	"usher/dataset"
	"usher/store"
)

// Entity is one item or user record as the customer sent it.
type Entity struct {
	ID         string
	Properties string // JSON object; may be ""
}

// NotReady says that a resource exists but cannot be written to now.
type NotReady struct{ Msg string }

func (e *NotReady) Error() string { return e.Msg }

// Put checks item or user records against their dataset's schema and makes them
// durable; each replaces the whole earlier record of its id. An absent dataset
// gives catalog.ErrNotFound.
func (g *Ingest) Put(ctx context.Context, datasetARN string, want dataset.Type, list []Entity) error {
	var d *catalog.Dataset
	var group *catalog.DatasetGroup
	err := g.opt.DB.View(ctx, func(tx *store.Tx) (err error) {
		if d, err = catalog.Get[catalog.Dataset](tx, datasetARN); err != nil {
			return err
		}
		group, err = catalog.Get[catalog.DatasetGroup](tx, d.Group)
		return err
	})
	if err != nil {
		return err
	}
	if dataset.Type(d.Type) != want {
		return invalid("%s is a dataset of type %s; this call writes to one of type %s.", datasetARN, d.Type, want)
	}
	if d.Status != catalog.Active {
		return &NotReady{"The dataset " + datasetARN + " is " + string(d.Status) + ". Wait until it is ACTIVE."}
	}
	state, err := g.opt.History.Group(ctx, group.ID)
	if err != nil {
		return err
	}
	schema := state.Schema(want)
	if schema == nil { // the log is this process's own, so it has what the catalog has
		return &NotReady{"The dataset " + datasetARN + " is being created. Try again in a moment."}
	}
	changes := make([]dataset.Change, len(list))
	for i, e := range list {
		if changes[i], err = entity(schema, want, e); err != nil {
			return invalid("%ss.%d.member: %v", noun(want), i+1, err)
		}
	}
	return g.write(ctx, group.ID, state, changes)
}

func noun(t dataset.Type) string {
	if t == dataset.Users {
		return "user"
	}
	return "item"
}

// entity checks one record.
func entity(s *dataset.Schema, t dataset.Type, e Entity) (dataset.Change, error) {
	column := "ITEM_ID"
	if t == dataset.Users {
		column = "USER_ID"
	}
	row, err := properties(s, e.Properties, []string{column}, nil)
	if err != nil {
		return dataset.Change{}, err
	}
	row[s.Column(column)] = dataset.Value{Kind: dataset.String, Str: e.ID}
	x := &dataset.Entity{ID: e.ID, Row: row}
	if t == dataset.Users {
		return dataset.Change{User: x}, nil
	}
	return dataset.Change{Item: x}, nil
}
