package ingest

import (
	"context"
	"errors"

	"usher/catalog"
	"usher/dataset"
	"usher/eventlog"
	"usher/store"
)

// Entity is one item, user or action record as the customer sent it.
type Entity struct {
	ID         string
	Properties string // JSON object; may be ""
}

// NotReady says that a resource exists but cannot be written to now.
type NotReady struct{ Msg string }

func (e *NotReady) Error() string { return e.Msg }

// Put checks item, user or action records against their dataset's schema and makes them
// durable; each replaces the whole earlier record of its id. An absent dataset
// gives catalog.ErrNotFound.
func (g *Ingest) Put(ctx context.Context, datasetARN string, want dataset.Type, list []Entity) error {
	for {
		t, err := g.target(ctx, datasetARN, want)
		if err != nil {
			return err
		}
		recs := make([]eventlog.Record, len(list))
		for i, e := range list {
			c, err := entity(t.schema, want, e)
			if err != nil {
				return invalid("%ss.%d.member: %v", noun(want), i+1, err)
			}
			if recs[i].Data, err = c.Append(nil); err != nil {
				return err
			}
		}
		off, err := g.appendTo(ctx, t, recs)
		if errors.Is(err, errSchemaChanged) {
			continue
		}
		if err != nil {
			return err
		}
		return g.Await(ctx, t.group.ID, off)
	}
}

// Await returns when this process's history has what a group's log says up to an
// offset.
func (g *Ingest) Await(ctx context.Context, groupID string, off eventlog.Offset) error {
	state, err := g.opt.History.Group(ctx, groupID)
	if err != nil {
		return err
	}
	return state.Wait(ctx, off)
}

// target is a dataset that can be written to.
type target struct {
	dataset *catalog.Dataset
	group   *catalog.DatasetGroup
	schema  *dataset.Schema
}

func (g *Ingest) target(ctx context.Context, arn string, want dataset.Type) (t target, err error) {
	err = g.opt.DB.View(ctx, func(tx *store.Tx) error {
		var err error
		if t.dataset, err = catalog.Get[catalog.Dataset](tx, arn); err != nil {
			return err
		}
		if dataset.Type(t.dataset.Type) != want {
			return invalid("%s is a dataset of type %s; this call writes to one of type %s.", arn, t.dataset.Type, want)
		}
		if t.dataset.Status != catalog.Active {
			return &NotReady{"The dataset " + arn + " is " + string(t.dataset.Status) + ". Wait until it is ACTIVE."}
		}
		if t.group, err = catalog.Get[catalog.DatasetGroup](tx, t.dataset.Group); err != nil {
			return err
		}
		s, err := catalog.Get[catalog.Schema](tx, t.dataset.Parent)
		if err != nil {
			return err
		}
		t.schema, err = dataset.ParseSchema(s.Text, s.Domain)
		return err
	})
	return t, err
}

var errSchemaChanged = errors.New("ingest: the dataset has another schema by now")

// appendTo writes records that were checked against t's schema, if the dataset
// still has it: history reads a row by the schema that stands before it in the log.
func (g *Ingest) appendTo(ctx context.Context, t target, recs []eventlog.Record) (off eventlog.Offset, err error) {
	err = g.opt.DB.Update(ctx, func(tx *store.Tx) error {
		d, err := catalog.Get[catalog.Dataset](tx, t.dataset.ARN)
		if err != nil {
			return err
		}
		if d.ID != t.dataset.ID || d.Parent != t.dataset.Parent {
			return errSchemaChanged
		}
		off, err = g.opt.Logs.Log(t.group.ID).AppendTx(tx, recs...)
		return err
	})
	return off, err
}

func noun(t dataset.Type) string {
	switch t {
	case dataset.Users:
		return "user"
	case dataset.Actions:
		return "action"
	}
	return "item"
}

// entity checks one record.
func entity(s *dataset.Schema, t dataset.Type, e Entity) (dataset.Change, error) {
	id := s.ID()
	row, err := properties(s, e.Properties, []string{s.Fields[id].Name}, nil)
	if err != nil {
		return dataset.Change{}, err
	}
	row[id] = dataset.Value{Kind: dataset.String, Str: e.ID}
	x := &dataset.Entity{ID: e.ID, Row: row}
	switch t {
	case dataset.Users:
		return dataset.Change{User: x}, nil
	case dataset.Actions:
		return dataset.Change{Action: x}, nil
	}
	return dataset.Change{Item: x}, nil
}
