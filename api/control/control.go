// Package control is the meaning of the 71 operations of the personalize API:
// what it takes to create, describe, list, change and delete a resource.
//
// A file holds one kind of resource. Every operation is one transaction: what it
// reads is one state, and a record, its log entries and its job come to be
// together or not at all. Checks stand in this order: what the input says by
// itself; the resources it names, one after the other (is it an ARN of that kind,
// is it there, is it ACTIVE); how it fits to them; its name; quotas. What is
// ready at once is ACTIVE at once; where work is needed the record is CREATE
// PENDING, and a job in the same transaction does the work and settles the status
// (I5). Campaigns that follow their solution are updated by a Syncer beside the
// API.
//
// Inputs have passed the constraints of the API model before they arrive (see
// usher/wire). Records are kept by catalog, work is done by ingest, train and
// serving.
package control

import (
	"context"
	"slices"

	"usher/catalog"
	"usher/eventlog"
	"usher/ingest"
	"usher/job"
	"usher/recipe"
	"usher/store"
	wire "usher/wire/personalize"
)

// Options configure the API.
type Options struct {
	DB      *store.DB
	Jobs    *job.Queue
	Ingest  *ingest.Ingest
	Logs    *eventlog.Logs
	ARNs    catalog.ARNs
	Recipes []recipe.Recipe // trainable here; the others of recipe.Table are shown, but refused
	Quotas  Quotas          // which quotas are enforced
	Fast    bool            // for people's own tests: no quotas, whatever Quotas says
}

// API implements the service. All methods may be called concurrently.
type API struct {
	opt       Options
	trainable []string // names of recipes for solutions, sorted
	useCases  []string // names of recipes for recommenders
}

var _ wire.API = (*API)(nil)

// New gives the API.
func New(opt Options) *API {
	a := &API{opt: opt}
	for _, r := range opt.Recipes {
		if s := r.Spec(); s.Domain != "" {
			a.useCases = append(a.useCases, s.Name)
		} else {
			a.trainable = append(a.trainable, s.Name)
		}
	}
	slices.Sort(a.trainable)
	return a
}

// read runs fn on a snapshot of the catalog.
func read[O any](ctx context.Context, a *API, fn func(tx *store.Tx) (*O, error)) (out *O, err error) {
	err = a.opt.DB.View(ctx, func(tx *store.Tx) (err error) {
		out, err = fn(tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// write runs fn in a transaction; after an error nothing of it remains.
func write[O any](ctx context.Context, a *API, fn func(tx *store.Tx) (*O, error)) (out *O, err error) {
	err = a.opt.DB.Update(ctx, func(tx *store.Tx) (err error) {
		out, err = fn(tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// optional gives nil for an empty text: the member is absent in the answer.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// text gives "" for an absent member.
func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// truth gives false for an absent member.
func truth(b *bool) bool { return b != nil && *b }
