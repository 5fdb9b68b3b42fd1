package control

import (
	"context"
	"fmt"

	"usher/catalog"
	"usher/dataset"
	"usher/store"
	"usher/train"
)

// remove deletes the resource of an ARN.
func remove[T any, P record[T]](ctx context.Context, a *API, arn string) error {
	return a.opt.DB.Update(ctx, func(tx *store.Tx) error {
		r, err := get[T, P](tx, a, arn)
		if err != nil {
			return err
		}
		return a.discard(tx, r)
	})
}

// discard deletes a record, what has no life without it, and what it has outside
// of the catalog, unless something needs it or is at work on it.
func (a *API) discard(tx *store.Tx, r catalog.Record) error {
	if err := unused(tx, r); err != nil {
		return err
	}
	if err := catalog.DeleteAll(tx, r); err != nil {
		return err
	}
	return a.erase(tx, r)
}

// erase deletes what a resource has outside of the catalog: a group its log and
// blobs, a dataset its data, what is trained its models.
func (a *API) erase(tx *store.Tx, r catalog.Record) error {
	if g, ok := r.(*catalog.DatasetGroup); ok {
		return a.opt.Ingest.EraseGroup(tx, g.ID)
	}
	switch r.(type) {
	case *catalog.Dataset, *catalog.Solution, *catalog.Recommender:
	default:
		return nil
	}
	g, err := catalog.Get[catalog.DatasetGroup](tx, r.Common().Group)
	if err != nil {
		return err
	}
	if d, ok := r.(*catalog.Dataset); ok {
		return a.opt.Ingest.Clear(tx, g.ID, dataset.Type(d.Type))
	}
	if r, ok := r.(*catalog.Recommender); ok { // its training by schedule blocks no delete
		if _, err := a.opt.Jobs.Cancel(tx, train.Job, r.Next); err != nil {
			return err
		}
	}
	return a.opt.Ingest.EraseBlobs(tx, "models/"+g.ID+"/"+r.Common().ID+"/")
}

// unused gives an error that names what stands in the way of a delete, and what to do.
func unused(tx *store.Tx, r catalog.Record) error {
	arns, err := catalog.Blockers(tx, r)
	if err != nil || len(arns) == 0 {
		return err
	}
	var working, using []string
	wait := "" // the operation that shows when the first of them is done
	for _, arn := range arns {
		b, err := catalog.Find(tx, arn)
		if err != nil {
			return err
		}
		if !busy(b) {
			using = append(using, arn)
			continue
		}
		if wait == "" {
			wait = "Describe" + nouns[b.Kind()]
		}
		working = append(working, arn)
	}
	msg := fmt.Sprintf("Resource Arn %s cannot be deleted.", r.Common().ARN)
	if len(working) > 0 {
		msg += fmt.Sprintf(" Work is under way on %s: wait for its end, which %s shows.", some(working), wait)
	}
	if len(using) > 0 {
		msg += fmt.Sprintf(" It is in use by %s: delete that first.", some(using))
	}
	return inUse("%s", msg)
}
