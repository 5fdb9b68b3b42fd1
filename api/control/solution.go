package control

import (
	"context"
	"encoding/json"
	"fmt"

	"usher/catalog"
	"usher/recipe"
	"usher/store"
	wire "usher/wire/personalize"
)

// CreateSolution says what to train. The solution is ACTIVE at once; it is
// trained by CreateSolutionVersion.
func (a *API) CreateSolution(ctx context.Context, in *wire.CreateSolutionInput) (*wire.CreateSolutionOutput, error) {
	spec, err := a.solutionRecipe(in)
	if err != nil {
		return nil, err
	}
	config := in.SolutionConfig
	if config == nil {
		config = &wire.SolutionConfig{}
	}
	params, err := checkParams(spec, config)
	if err != nil {
		return nil, err
	}
	tags, err := newTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	return write(ctx, a, func(tx *store.Tx) (*wire.CreateSolutionOutput, error) {
		g, err := getReady[catalog.DatasetGroup](tx, a, *in.DatasetGroupArn)
		if err != nil {
			return nil, err
		}
		plan, err := newPlan(tx, spec, g.ARN, in)
		if err != nil {
			return nil, err
		}
		threshold, err := plan.check(config)
		if err != nil {
			return nil, err
		}
		s := &catalog.Solution{
			Meta: catalog.Meta{
				ARN: a.opt.ARNs.Of(catalog.KindSolution, *in.Name), Name: *in.Name,
				Group: g.ARN, Parent: g.ARN, Status: catalog.Active, Tags: tags,
			},
			Recipe: spec.Name, EventType: text(in.EventType), PerformHPO: truth(in.PerformHPO),
			PerformAutoTraining: plan.autoTraining, PerformIncrementalUpdate: truth(in.PerformIncrementalUpdate),
			Params: params, EventValueThreshold: threshold,
		}
		if in.SolutionConfig != nil {
			s.Config = in.SolutionConfig.AppendJSON(nil)
		}
		if err := a.create(tx, s, quotaSolutions); err != nil {
			return nil, err
		}
		return &wire.CreateSolutionOutput{SolutionArn: &s.ARN}, nil
	})
}

// solutionRecipe gives the recipe that a solution is to have, and refuses what
// would choose one, and what cannot be tuned.
func (a *API) solutionRecipe(in *wire.CreateSolutionInput) (recipe.Spec, error) {
	switch {
	case truth(in.PerformAutoML):
		return recipe.Spec{}, invalid("performAutoML: this version of usher does not choose recipes by itself. Leave it out and give recipeArn, for example %s, which chooses its settings in every training.", a.recipeARN("aws-user-personalization-v2"))
	case in.RecipeArn == nil:
		return recipe.Spec{}, invalid("recipeArn is missing. Say what to train, for example %s.", a.recipeARN("aws-user-personalization-v2"))
	}
	spec, err := a.recipeOf(*in.RecipeArn)
	if err != nil {
		return recipe.Spec{}, err
	}
	if err := a.trained(spec); err != nil {
		return recipe.Spec{}, err
	}
	if truth(in.PerformHPO) {
		if err := checkSearch(spec, in.SolutionConfig); err != nil {
			return recipe.Spec{}, err
		}
	}
	if truth(in.PerformIncrementalUpdate) {
		if err := checkIncremental(spec); err != nil {
			return recipe.Spec{}, err
		}
	}
	return spec, nil
}

// checkIncremental gives an error unless solutions of the recipe are updated incrementally.
func checkIncremental(spec recipe.Spec) error {
	if spec.Name != "aws-semantic-similarity" {
		return invalid("performIncrementalUpdate is for the recipe aws-semantic-similarity only, not for %s. Leave it out.", spec.Name)
	}
	return nil
}

// DescribeSolution shows a solution with its newest version and last update.
func (a *API) DescribeSolution(ctx context.Context, in *wire.DescribeSolutionInput) (*wire.DescribeSolutionOutput, error) {
	return read(ctx, a, func(tx *store.Tx) (*wire.DescribeSolutionOutput, error) {
		s, err := get[catalog.Solution](tx, a, *in.SolutionArn)
		if err != nil {
			return nil, err
		}
		out := &wire.Solution{
			Name: &s.Name, SolutionArn: &s.ARN, PerformHPO: &s.PerformHPO, PerformAutoML: &s.PerformAutoML,
			PerformAutoTraining: &s.PerformAutoTraining, PerformIncrementalUpdate: &s.PerformIncrementalUpdate,
			RecipeArn: new(a.recipeARN(s.Recipe)), DatasetGroupArn: &s.Group, EventType: optional(s.EventType),
			Status: new(string(s.Status)), CreationDateTime: &s.Created, LastUpdatedDateTime: &s.Updated,
		}
		if out.SolutionConfig, err = solutionConfig(s.Config); err != nil {
			return nil, err
		}
		if out.LatestSolutionUpdate, err = latestSolutionUpdate(s.LatestUpdate); err != nil {
			return nil, err
		}
		versions, _, err := catalog.List[catalog.SolutionVersion](tx, catalog.Query{Parent: s.ARN, Limit: 1})
		if err != nil {
			return nil, err
		}
		if len(versions) > 0 {
			out.LatestSolutionVersion = new(versionSummary(versions[0]))
		}
		return &wire.DescribeSolutionOutput{Solution: out}, nil
	})
}

// solutionConfig reads a stored configuration. One that was not given is shown
// empty, as AWS does.
func solutionConfig(raw json.RawMessage) (*wire.SolutionConfig, error) {
	out := &wire.SolutionConfig{}
	return out, fromJSON(raw, out)
}

// fromJSON reads what AppendJSON of a wire shape wrote; nothing stays nothing.
func fromJSON(raw json.RawMessage, shape any) error {
	if len(raw) == 0 {
		return nil
	}
	if err := json.Unmarshal(raw, shape); err != nil { // members are found whatever their case
		return fmt.Errorf("read stored %T: %w", shape, err)
	}
	return nil
}

// latestSolutionUpdate shows a solution's last update; nil when it was never updated.
func latestSolutionUpdate(u *catalog.SolutionUpdate) (*wire.SolutionUpdateSummary, error) {
	if u == nil {
		return nil, nil
	}
	out := &wire.SolutionUpdateSummary{
		Status: new(string(u.Status)), PerformAutoTraining: u.PerformAutoTraining, PerformIncrementalUpdate: u.PerformIncrementalUpdate,
		CreationDateTime: &u.Created, LastUpdatedDateTime: &u.Updated,
	}
	if len(u.Config) > 0 {
		out.SolutionUpdateConfig = &wire.SolutionUpdateConfig{}
	}
	return out, fromJSON(u.Config, out.SolutionUpdateConfig)
}

// ListSolutions lists the solutions, those of one group if that is given.
func (a *API) ListSolutions(ctx context.Context, in *wire.ListSolutionsInput) (*wire.ListSolutionsOutput, error) {
	group, err := a.parseOptional(in.DatasetGroupArn, catalog.KindDatasetGroup)
	if err != nil {
		return nil, err
	}
	p := newPage("ListSolutions", in.NextToken, in.MaxResults, group)
	solutions, next, err := list(ctx, a, p, catalog.Query{Group: group}, func(s *catalog.Solution) wire.SolutionSummary {
		return wire.SolutionSummary{
			Name: &s.Name, SolutionArn: &s.ARN, Status: new(string(s.Status)), CreationDateTime: &s.Created,
			LastUpdatedDateTime: &s.Updated, RecipeArn: new(a.recipeARN(s.Recipe)),
		}
	})
	if err != nil {
		return nil, err
	}
	return &wire.ListSolutionsOutput{Solutions: solutions, NextToken: next}, nil
}

// UpdateSolution changes how a solution is trained from now on. The change is
// ACTIVE at once; versions that exist keep what they were trained with.
func (a *API) UpdateSolution(ctx context.Context, in *wire.UpdateSolutionInput) (*wire.UpdateSolutionOutput, error) {
	if in.PerformAutoTraining == nil && in.PerformIncrementalUpdate == nil && in.SolutionUpdateConfig == nil {
		return nil, invalid("Nothing is given to change. Give performAutoTraining, performIncrementalUpdate or solutionUpdateConfig.")
	}
	return write(ctx, a, func(tx *store.Tx) (*wire.UpdateSolutionOutput, error) {
		s, err := getReady[catalog.Solution](tx, a, *in.SolutionArn)
		if err != nil {
			return nil, err
		}
		spec, ok := recipe.SpecOf(s.Recipe)
		if !ok {
			return nil, fmt.Errorf("update solution %s: no recipe %q in the table", s.ARN, s.Recipe)
		}
		if truth(in.PerformIncrementalUpdate) {
			if err := checkIncremental(spec); err != nil {
				return nil, err
			}
		}
		if err := reconfigure(tx, spec, s, in); err != nil {
			return nil, err
		}
		s.LatestUpdate = &catalog.SolutionUpdate{
			PerformAutoTraining: in.PerformAutoTraining, PerformIncrementalUpdate: in.PerformIncrementalUpdate,
			Status: catalog.Active, Created: tx.Now().UTC(), Updated: tx.Now().UTC(),
		}
		if in.SolutionUpdateConfig != nil {
			s.LatestUpdate.Config = in.SolutionUpdateConfig.AppendJSON(nil)
		}
		if err := catalog.Update(tx, s); err != nil {
			return nil, err
		}
		return &wire.UpdateSolutionOutput{SolutionArn: &s.ARN}, nil
	})
}

// reconfigure puts what an update says into a solution, if it fits.
func reconfigure(tx *store.Tx, spec recipe.Spec, s *catalog.Solution, in *wire.UpdateSolutionInput) error {
	if in.PerformAutoTraining != nil {
		s.PerformAutoTraining = *in.PerformAutoTraining
	}
	if in.PerformIncrementalUpdate != nil {
		s.PerformIncrementalUpdate = *in.PerformIncrementalUpdate
	}
	u := in.SolutionUpdateConfig
	if u == nil {
		return nil
	}
	config, err := solutionConfig(s.Config)
	if err != nil {
		return err
	}
	columns, err := schemas(tx, s.Group)
	if err != nil {
		return err
	}
	plan := plan{spec: spec, eventType: s.EventType, autoTraining: s.PerformAutoTraining, schemas: columns, path: "solutionUpdateConfig"}
	if u.AutoTrainingConfig != nil {
		if err := plan.checkSchedule(u.AutoTrainingConfig); err != nil {
			return err
		}
		config.AutoTrainingConfig = u.AutoTrainingConfig
	}
	if u.EventsConfig != nil {
		if err := plan.checkEvents(u.EventsConfig); err != nil {
			return err
		}
		config.EventsConfig = u.EventsConfig
	}
	s.Config = config.AppendJSON(nil)
	return nil
}

// DeleteSolution deletes a solution with its versions and their models.
func (a *API) DeleteSolution(ctx context.Context, in *wire.DeleteSolutionInput) (*wire.DeleteSolutionOutput, error) {
	if err := remove[catalog.Solution](ctx, a, *in.SolutionArn); err != nil {
		return nil, err
	}
	return &wire.DeleteSolutionOutput{}, nil
}
