// Package extension is the meaning of those of usher's own calls that belong to no
// call of AWS's: what data look like, for people and for the console, down to single
// users and items. docs/extensions.md describes them.
//
// It turns names in paths into records and errors into those of the other APIs; the
// work is measure's and history's.
package extension

import (
	"context"
	"errors"
	"slices"
	"strings"

	"usher/catalog"
	"usher/dataset"
	"usher/history"
	"usher/measure"
	"usher/store"
	"usher/wire"
)

// Options configure the API.
type Options struct {
	DB      *store.DB
	ARNs    catalog.ARNs
	Measure *measure.Measure
	History *history.History
}

// API does the calls. All methods may be called concurrently.
type API struct{ opt Options }

// New gives the API.
func New(opt Options) *API { return &API{opt} }

// Register registers the calls.
func (a *API) Register(x *wire.Extensions) {
	x.Handle("GET", "dataset-groups/{name}/statistics", "GetStatistics", func(ctx context.Context, r *wire.ExtensionRequest) (any, error) {
		return a.Statistics(ctx, r.Path("name"), r.Query.Get("datasetType"))
	})
	x.Handle("GET", "dataset-groups/{name}/insights", "GetInsights", func(ctx context.Context, r *wire.ExtensionRequest) (any, error) {
		return a.Insights(ctx, r.Path("name"), r.Query.Get("datasetType"), r.Query.Get("search"))
	})
	a.registerBrowsing(x)
}

// Statistics describe the data of the dataset group of that name, or of one of its
// datasets.
func (a *API) Statistics(ctx context.Context, name, datasetType string) (*measure.Statistics, error) {
	g, t, err := a.group(ctx, name, datasetType)
	if err != nil {
		return nil, err
	}
	s, err := a.opt.Measure.Statistics(ctx, g)
	if err != nil || t == "" {
		return s, err
	}
	one := *s
	one.Datasets = slices.DeleteFunc(slices.Clone(s.Datasets), func(d measure.DatasetStatistics) bool { return d.Type != t })
	return &one, nil
}

// InsightList is the answer of Insights.
type InsightList struct {
	DatasetGroupARN string            `json:"datasetGroupArn"`
	Insights        []measure.Insight `json:"insights"`
}

// Insights gives what the checks of a dataset group's data found, of one of its
// datasets if that is named, and only what has the words searched for in its text.
func (a *API) Insights(ctx context.Context, name, datasetType, search string) (*InsightList, error) {
	g, t, err := a.group(ctx, name, datasetType)
	if err != nil {
		return nil, err
	}
	list, err := a.opt.Measure.Insights(ctx, g)
	if err != nil {
		return nil, err
	}
	search = strings.ToLower(search)
	list = slices.DeleteFunc(list, func(i measure.Insight) bool {
		return t != "" && i.Dataset != t || !strings.Contains(strings.ToLower(i.Text+" "+i.Action), search)
	})
	return &InsightList{g.ARN, list}, nil
}

// notFound is HTTP's status; this room does not know HTTP.
const notFound = 404

// group gives the dataset group of a name and reads the type of a dataset, which may
// be left out.
func (a *API) group(ctx context.Context, name, datasetType string) (g *catalog.DatasetGroup, t dataset.Type, err error) {
	switch t = dataset.Type(strings.ToUpper(datasetType)); t {
	case "", dataset.Interactions, dataset.Items, dataset.Users, dataset.Actions, dataset.ActionInteractions:
	default:
		return nil, "", wire.Invalid("datasetType is unknown. Give INTERACTIONS, ITEMS, USERS, ACTIONS or ACTION_INTERACTIONS, or leave it out.")
	}
	arn := a.opt.ARNs.Of(catalog.KindDatasetGroup, name)
	err = a.opt.DB.View(ctx, func(tx *store.Tx) (err error) {
		g, err = catalog.Get[catalog.DatasetGroup](tx, arn)
		return err
	})
	if errors.Is(err, catalog.ErrNotFound) {
		err = &wire.Fault{Code: "ResourceNotFoundException", Message: "Resource Arn " + arn + " does not exist.", Status: notFound}
	}
	return g, t, err
}
