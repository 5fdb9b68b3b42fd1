package control

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"usher/catalog"
	"usher/dataset"
	"usher/recipe"
	"usher/serving"
	"usher/store"
	"usher/train"
	wire "usher/wire/personalize"
)

// CreateRecommender trains and deploys a use case of the group's domain.
func (a *API) CreateRecommender(ctx context.Context, in *wire.CreateRecommenderInput) (*wire.CreateRecommenderOutput, error) {
	tags, err := newTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	return write(ctx, a, func(tx *store.Tx) (*wire.CreateRecommenderOutput, error) {
		spec, err := a.recipeOf(*in.RecipeArn)
		if err != nil {
			return nil, err
		}
		g, err := getReady[catalog.DatasetGroup](tx, a, *in.DatasetGroupArn)
		if err != nil {
			return nil, err
		}
		if err := a.checkUseCase(tx, spec, g); err != nil {
			return nil, err
		}
		if err := checkRecommenderConfig(tx, spec, g.ARN, in.RecommenderConfig); err != nil {
			return nil, err
		}
		r := &catalog.Recommender{
			Meta: catalog.Meta{
				ARN: a.opt.ARNs.Of(catalog.KindRecommender, *in.Name), Name: *in.Name, Group: g.ARN, Status: catalog.Pending, Tags: tags,
			},
			Recipe: spec.Name,
		}
		if in.RecommenderConfig != nil {
			r.Config = in.RecommenderConfig.AppendJSON(nil)
		}
		if err := train.Retrain(tx, r); err != nil {
			return nil, err
		}
		if err := a.create(tx, r, quotaRecommenders); err != nil {
			return nil, err
		}
		return &wire.CreateRecommenderOutput{RecommenderArn: &r.ARN}, nil
	})
}

// checkUseCase gives an error unless the group is of the use case's domain and
// has the datasets that the use case needs.
func (a *API) checkUseCase(tx *store.Tx, spec recipe.Spec, g *catalog.DatasetGroup) error {
	switch {
	case g.Domain == "":
		return invalid("The dataset group %s is of no domain (custom), and recommenders are for domain dataset groups. Make a solution and a campaign instead.", g.ARN)
	case spec.Domain != g.Domain:
		return invalid("recipeArn: %s is of %s, but the dataset group is of %s. ListRecipes with that domain shows the use cases for it.", spec.Name, domainText(spec.Domain), domainText(g.Domain))
	case !slices.Contains(a.useCases, spec.Name):
		return invalid("recipeArn: this usher was built without the use case %s.", spec.Name)
	}
	columns, err := schemas(tx, g.ARN)
	if err != nil {
		return err
	}
	needs := []dataset.Type{dataset.Interactions}
	if spec.Name == "aws-vod-more-like-x" {
		needs = append(needs, dataset.Items)
	}
	for _, t := range needs {
		if columns[t] == nil {
			return invalid("%s needs a dataset of type %s, and the dataset group has none. Create it and import data first.", spec.Name, t)
		}
	}
	return nil
}

// checkRecommenderConfig judges a configuration by the use case and the columns
// of its group.
func checkRecommenderConfig(tx *store.Tx, spec recipe.Spec, groupARN string, c *wire.RecommenderConfig) error {
	if c == nil {
		return nil
	}
	if len(c.ItemExplorationConfig) > 0 && spec.Type != recipe.UserPersonalization {
		return invalid("recommenderConfig.itemExplorationConfig is for Top picks for you and Recommended for you only, not for %s. Leave it out.", spec.Name)
	}
	if _, err := recipe.Check(exploration, c.ItemExplorationConfig); err != nil {
		return invalid("recommenderConfig.itemExplorationConfig: %v.", err)
	}
	columns, err := schemas(tx, groupARN)
	if err != nil {
		return err
	}
	p := plan{spec: spec, schemas: columns, path: "recommenderConfig"}
	if err := p.checkColumns(c.TrainingDataConfig); err != nil {
		return err
	}
	if s := columns[dataset.Items]; truth(c.EnableMetadataWithRecommendations) && (s == nil || len(s.Fields) < 2) {
		return invalid("recommenderConfig.enableMetadataWithRecommendations needs an Items dataset with a metadata column, and the dataset group has none. Create it first, or leave this out.")
	}
	return nil
}

// DescribeRecommender shows a recommender with what was measured of the model
// that answers and, once it was updated, its last update.
func (a *API) DescribeRecommender(ctx context.Context, in *wire.DescribeRecommenderInput) (*wire.DescribeRecommenderOutput, error) {
	return read(ctx, a, func(tx *store.Tx) (*wire.DescribeRecommenderOutput, error) {
		r, err := get[catalog.Recommender](tx, a, *in.RecommenderArn)
		if err != nil {
			return nil, err
		}
		out := &wire.Recommender{
			Name: &r.Name, RecommenderArn: &r.ARN, DatasetGroupArn: &r.Group, RecipeArn: new(a.recipeARN(r.Recipe)),
			Status: new(string(r.Status)), FailureReason: optional(r.FailureReason), CreationDateTime: &r.Created, LastUpdatedDateTime: &r.Updated,
		}
		if out.RecommenderConfig, err = recommenderConfig(r.Config); err != nil {
			return nil, err
		}
		if u := r.LatestUpdate; u != nil {
			out.LatestRecommenderUpdate = &wire.RecommenderUpdateSummary{
				Status: new(string(u.Status)), FailureReason: optional(u.FailureReason), CreationDateTime: &u.Created, LastUpdatedDateTime: &u.Updated,
			}
			if out.LatestRecommenderUpdate.RecommenderConfig, err = recommenderConfig(u.Config); err != nil {
				return nil, err
			}
		}
		if r.Parent != "" {
			v, err := catalog.Get[catalog.RecommenderVersion](tx, r.Parent)
			if err != nil {
				return nil, err
			}
			out.ModelMetrics = v.Metrics
		}
		return &wire.DescribeRecommenderOutput{Recommender: out}, nil
	})
}

// recommenderConfig reads a stored configuration. One that was not given is shown
// with the default that AWS fills in.
func recommenderConfig(raw json.RawMessage) (*wire.RecommenderConfig, error) {
	out := &wire.RecommenderConfig{}
	if err := fromJSON(raw, out); err != nil {
		return nil, err
	}
	if out.MinRecommendationRequestsPerSecond == nil {
		out.MinRecommendationRequestsPerSecond = new(int32(1))
	}
	return out, nil
}

// ListRecommenders lists the recommenders, those of one group if that is given.
func (a *API) ListRecommenders(ctx context.Context, in *wire.ListRecommendersInput) (*wire.ListRecommendersOutput, error) {
	group, err := a.parseOptional(in.DatasetGroupArn, catalog.KindDatasetGroup)
	if err != nil {
		return nil, err
	}
	var damaged error
	p := newPage("ListRecommenders", in.NextToken, in.MaxResults, group)
	recommenders, next, err := list(ctx, a, p, catalog.Query{Group: group}, func(r *catalog.Recommender) wire.RecommenderSummary {
		config, err := recommenderConfig(r.Config)
		damaged = errors.Join(damaged, err)
		return wire.RecommenderSummary{
			Name: &r.Name, RecommenderArn: &r.ARN, DatasetGroupArn: &r.Group, RecipeArn: new(a.recipeARN(r.Recipe)), RecommenderConfig: config,
			Status: new(string(r.Status)), CreationDateTime: &r.Created, LastUpdatedDateTime: &r.Updated,
		}
	})
	if err := errors.Join(err, damaged); err != nil {
		return nil, err
	}
	return &wire.ListRecommendersOutput{Recommenders: recommenders, NextToken: next}, nil
}

// UpdateRecommender changes the configuration. With other columns to train with
// it is trained anew, and answers as before until that is done; without, the
// update is ACTIVE at once.
func (a *API) UpdateRecommender(ctx context.Context, in *wire.UpdateRecommenderInput) (*wire.UpdateRecommenderOutput, error) {
	return write(ctx, a, func(tx *store.Tx) (*wire.UpdateRecommenderOutput, error) {
		r, err := a.idle(tx, *in.RecommenderArn, catalog.Active, "updated")
		if err != nil {
			return nil, err
		}
		spec, ok := recipe.SpecOf(r.Recipe)
		if !ok {
			return nil, errors.New("update recommender " + r.ARN + ": no recipe " + r.Recipe + " in the table")
		}
		if err := checkRecommenderConfig(tx, spec, r.Group, in.RecommenderConfig); err != nil {
			return nil, err
		}
		before, err := recommenderConfig(r.Config)
		if err != nil {
			return nil, err
		}
		now := tx.Now().UTC()
		u := &catalog.RecommenderUpdate{Config: in.RecommenderConfig.AppendJSON(nil), Status: catalog.Active, Created: now, Updated: now}
		if sameColumns(before.TrainingDataConfig, in.RecommenderConfig.TrainingDataConfig) {
			r.Config = u.Config
		} else {
			u.Status = catalog.Pending
			if err := a.abandonTraining(tx, r); err != nil {
				return nil, err
			}
			if err := train.Retrain(tx, r); err != nil {
				return nil, err
			}
		}
		r.LatestUpdate = u
		if err := catalog.Update(tx, r); err != nil {
			return nil, err
		}
		return &wire.UpdateRecommenderOutput{RecommenderArn: &r.ARN}, nil
	})
}

// idle gives a recommender that is in the state, and on which no work is under way.
func (a *API) idle(tx *store.Tx, arn string, want catalog.Status, done string) (*catalog.Recommender, error) {
	r, err := get[catalog.Recommender](tx, a, arn)
	switch {
	case err != nil:
		return nil, err
	case r.Busy():
		return nil, inUse("Resource Arn %s is being created, started or updated. Wait until DescribeRecommender says %s, in latestRecommenderUpdate too.", r.ARN, catalog.Active)
	case r.Status == catalog.Failed:
		return nil, invalid("Resource Arn %s is %s and cannot be %s: %s", r.ARN, r.Status, done, r.FailureReason)
	case r.Status != want:
		return nil, invalid("Resource Arn %s is %s. Only a recommender that is %s can be %s.", r.ARN, r.Status, want, done)
	}
	return r, nil
}

// sameColumns says whether two configurations train with the same columns,
// whatever the order they are written in.
func sameColumns(a, b *wire.TrainingDataConfig) bool {
	if a == nil {
		a = &wire.TrainingDataConfig{}
	}
	if b == nil {
		b = &wire.TrainingDataConfig{}
	}
	same := func(a, b []string) bool {
		return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
	}
	return maps.EqualFunc(a.ExcludedDatasetColumns, b.ExcludedDatasetColumns, same) &&
		maps.EqualFunc(a.IncludedDatasetColumns, b.IncludedDatasetColumns, same)
}

// abandonTraining ends a training that was begun by schedule, or the deployment
// after it. It stores the recommender.
func (a *API) abandonTraining(tx *store.Tx, r *catalog.Recommender) error {
	if r.Next == "" {
		return nil
	}
	next := r.Next
	r.Next = ""
	if err := catalog.Update(tx, r); err != nil { // first: what the training tells now is not about r any more
		return err
	}
	if _, err := a.opt.Jobs.Cancel(tx, train.Job, next); err != nil {
		return err
	}
	v, err := catalog.Get[catalog.RecommenderVersion](tx, next)
	if errors.Is(err, catalog.ErrNotFound) { // it had not begun and is gone
		return nil
	}
	if err != nil || v.Status != catalog.Active { // the trainer deletes it when it has ended
		return err
	}
	g, err := catalog.Get[catalog.DatasetGroup](tx, r.Group)
	if err != nil {
		return err
	}
	if err := a.opt.Ingest.EraseBlobs(tx, "models/"+g.ID+"/"+r.ID+"/"+v.ID+"-"); err != nil {
		return err
	}
	return catalog.Delete(tx, v)
}

// StartRecommender makes a stopped recommender answer again, with the model that
// it had.
func (a *API) StartRecommender(ctx context.Context, in *wire.StartRecommenderInput) (*wire.StartRecommenderOutput, error) {
	return write(ctx, a, func(tx *store.Tx) (*wire.StartRecommenderOutput, error) {
		r, err := a.idle(tx, *in.RecommenderArn, catalog.Inactive, "started")
		if err != nil {
			return nil, err
		}
		r.Status, r.FailureReason = catalog.StartPending, ""
		if err := catalog.Update(tx, r); err != nil {
			return nil, err
		}
		if err := serving.EnqueueRecommender(tx, r.ARN); err != nil {
			return nil, err
		}
		return &wire.StartRecommenderOutput{RecommenderArn: &r.ARN}, nil
	})
}

// StopRecommender makes a recommender INACTIVE, at once: it answers no more and
// is not trained until it is started.
func (a *API) StopRecommender(ctx context.Context, in *wire.StopRecommenderInput) (*wire.StopRecommenderOutput, error) {
	return write(ctx, a, func(tx *store.Tx) (*wire.StopRecommenderOutput, error) {
		r, err := a.idle(tx, *in.RecommenderArn, catalog.Active, "stopped")
		if err != nil {
			return nil, err
		}
		if err := a.abandonTraining(tx, r); err != nil {
			return nil, err
		}
		r.Status = catalog.Inactive
		if err := catalog.Update(tx, r); err != nil {
			return nil, err
		}
		return &wire.StopRecommenderOutput{RecommenderArn: &r.ARN}, nil
	})
}

// DeleteRecommender deletes a recommender with its model.
func (a *API) DeleteRecommender(ctx context.Context, in *wire.DeleteRecommenderInput) (*wire.DeleteRecommenderOutput, error) {
	if err := remove[catalog.Recommender](ctx, a, *in.RecommenderArn); err != nil {
		return nil, err
	}
	return &wire.DeleteRecommenderOutput{}, nil
}
