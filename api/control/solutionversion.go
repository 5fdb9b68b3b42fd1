package control

import (
	"context"

	"usher/catalog"
	"usher/job"
	"usher/store"
	"usher/train"
	wire "usher/wire/personalize"
)

// CreateSolutionVersion starts a training.
func (a *API) CreateSolutionVersion(ctx context.Context, in *wire.CreateSolutionVersionInput) (*wire.CreateSolutionVersionOutput, error) {
	tags, err := newTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	return write(ctx, a, func(tx *store.Tx) (*wire.CreateSolutionVersionOutput, error) {
		s, err := getReady[catalog.Solution](tx, a, *in.SolutionArn)
		if err != nil {
			return nil, err
		}
		if err := checkMode(s, in.TrainingMode); err != nil {
			return nil, err
		}
		if err := freeName(tx, s, in.Name); err != nil {
			return nil, err
		}
		arn, err := a.freshARN(tx, catalog.KindSolutionVersion, s.Name)
		if err != nil {
			return nil, err
		}
		v := train.NewVersion(s)
		v.ARN, v.Name, v.Tags = arn, text(in.Name), tags
		updated := in.TrainingMode == wire.TrainingModeUpdate
		if updated {
			if err := renewed(tx, v, s); err != nil {
				return nil, err
			}
		}
		if err := a.create(tx, v, quotaVersions); err != nil {
			return nil, err
		}
		if updated {
			return &wire.CreateSolutionVersionOutput{SolutionVersionArn: &v.ARN}, nil
		}
		if err := train.Enqueue(tx, v.ARN); err != nil {
			return nil, err
		}
		return &wire.CreateSolutionVersionOutput{SolutionVersionArn: &v.ARN}, nil
	})
}

// checkMode gives an error unless the solution can be trained in the mode.
func checkMode(s *catalog.Solution, mode wire.TrainingMode) error {
	switch mode {
	case "", wire.TrainingModeFull:
		return nil
	case wire.TrainingModeAutotrain:
		return invalid("trainingMode AUTOTRAIN marks the versions of automatic training; a version of yours cannot have it. Use FULL, or leave it out.")
	case wire.TrainingModeUpdate:
		if s.Recipe == "aws-user-personalization" {
			return nil
		}
	}
	return invalid("trainingMode %s is for the recipe aws-user-personalization only, not for %s. Use FULL, or leave it out.", mode, s.Recipe)
}

// renewed makes an UPDATE version of the newest one that is ACTIVE. What AWS does
// for it – new items and events are taken in, nothing is trained – happens here in
// each request, so it is the same model, at once.
func renewed(tx *store.Tx, v *catalog.SolutionVersion, s *catalog.Solution) error {
	old, err := latestActive(tx, s.ARN)
	if err != nil {
		return err
	}
	if old == nil {
		return invalid("trainingMode UPDATE renews a version of the solution that is ACTIVE, and there is none. Use FULL, and wait until that version is ACTIVE.")
	}
	m := v.Meta
	*v = *old
	v.Meta, v.Status = m, catalog.Active
	v.TrainingMode, v.TrainingType, v.TrainingHours = string(wire.TrainingModeUpdate), string(wire.TrainingTypeManual), 0
	return nil
}

// freeName gives an error when another version of the solution has the name.
func freeName(tx *store.Tx, s *catalog.Solution, name *string) error {
	if name == nil {
		return nil
	}
	versions, _, err := catalog.List[catalog.SolutionVersion](tx, catalog.Query{Parent: s.ARN})
	if err != nil {
		return err
	}
	for _, v := range versions {
		if v.Name == *name {
			return exists(v.ARN, " It has the name "+*name+".")
		}
	}
	return nil
}

// DescribeSolutionVersion shows a version and what it was trained with.
func (a *API) DescribeSolutionVersion(ctx context.Context, in *wire.DescribeSolutionVersionInput) (*wire.DescribeSolutionVersionOutput, error) {
	return read(ctx, a, func(tx *store.Tx) (*wire.DescribeSolutionVersionOutput, error) {
		v, err := get[catalog.SolutionVersion](tx, a, *in.SolutionVersionArn)
		if err != nil {
			return nil, err
		}
		out := &wire.SolutionVersion{
			Name: optional(v.Name), SolutionVersionArn: &v.ARN, SolutionArn: &v.Parent, PerformHPO: &v.PerformHPO,
			PerformAutoML: &v.PerformAutoML, PerformIncrementalUpdate: &v.PerformIncrementalUpdate,
			RecipeArn: new(a.recipeARN(v.Recipe)), EventType: optional(v.EventType), DatasetGroupArn: &v.Group,
			TrainingMode: wire.TrainingMode(v.TrainingMode), Status: new(string(v.Status)),
			FailureReason: optional(v.FailureReason), CreationDateTime: &v.Created, LastUpdatedDateTime: &v.Updated,
			TrainingType: wire.TrainingType(v.TrainingType),
		}
		if v.Status == catalog.Active {
			out.TrainingHours = &v.TrainingHours
		}
		if len(v.Tuned) > 0 {
			out.TunedHPOParams = &wire.TunedHPOParams{AlgorithmHyperParameters: v.Tuned}
		}
		if out.SolutionConfig, err = solutionConfig(v.Config); err != nil {
			return nil, err
		}
		return &wire.DescribeSolutionVersionOutput{SolutionVersion: out}, nil
	})
}

func versionSummary(v *catalog.SolutionVersion) wire.SolutionVersionSummary {
	return wire.SolutionVersionSummary{
		SolutionVersionArn: &v.ARN, Status: new(string(v.Status)), TrainingMode: wire.TrainingMode(v.TrainingMode),
		TrainingType: wire.TrainingType(v.TrainingType), CreationDateTime: &v.Created, LastUpdatedDateTime: &v.Updated,
		FailureReason: optional(v.FailureReason),
	}
}

// ListSolutionVersions lists the versions, those of one solution if that is
// given; then it must be there.
func (a *API) ListSolutionVersions(ctx context.Context, in *wire.ListSolutionVersionsInput) (*wire.ListSolutionVersionsOutput, error) {
	if in.SolutionArn != nil {
		_, err := read(ctx, a, func(tx *store.Tx) (*catalog.Solution, error) {
			return get[catalog.Solution](tx, a, *in.SolutionArn)
		})
		if err != nil {
			return nil, err
		}
	}
	p := newPage("ListSolutionVersions", in.NextToken, in.MaxResults, text(in.SolutionArn))
	versions, next, err := list(ctx, a, p, catalog.Query{Parent: text(in.SolutionArn)}, versionSummary)
	if err != nil {
		return nil, err
	}
	return &wire.ListSolutionVersionsOutput{SolutionVersions: versions, NextToken: next}, nil
}

// GetSolutionMetrics gives what was measured of a version that is ACTIVE.
func (a *API) GetSolutionMetrics(ctx context.Context, in *wire.GetSolutionMetricsInput) (*wire.GetSolutionMetricsOutput, error) {
	return read(ctx, a, func(tx *store.Tx) (*wire.GetSolutionMetricsOutput, error) {
		v, err := getReady[catalog.SolutionVersion](tx, a, *in.SolutionVersionArn)
		if err != nil {
			return nil, err
		}
		return &wire.GetSolutionMetricsOutput{SolutionVersionArn: &v.ARN, Metrics: v.Metrics}, nil
	})
}

// StopSolutionVersionCreation ends a training. One that has not begun is CREATE
// STOPPED at once; one that runs is CREATE STOPPING until its job has returned.
func (a *API) StopSolutionVersionCreation(ctx context.Context, in *wire.StopSolutionVersionCreationInput) (*wire.StopSolutionVersionCreationOutput, error) {
	return write(ctx, a, func(tx *store.Tx) (*wire.StopSolutionVersionCreationOutput, error) {
		v, err := get[catalog.SolutionVersion](tx, a, *in.SolutionVersionArn)
		if err != nil {
			return nil, err
		}
		switch v.Status {
		case catalog.Pending, catalog.InProgress:
		case catalog.Stopping:
			return nil, inUse("Resource Arn %s is being stopped already. Wait until DescribeSolutionVersion says CREATE STOPPED.", v.ARN)
		default:
			return nil, invalid("Resource Arn %s is %s. Only a training that is CREATE PENDING or CREATE IN_PROGRESS can be stopped.", v.ARN, v.Status)
		}
		if err := a.stop(tx, v.ARN); err != nil {
			return nil, err
		}
		return &wire.StopSolutionVersionCreationOutput{}, nil
	})
}

// stop cancels the training of a version and says so in its record. A job that
// is queued is abandoned inside the call, and its worker may have changed the
// record: so it is read afterwards.
func (a *API) stop(tx *store.Tx, versionARN string) error {
	if _, err := a.opt.Jobs.Cancel(tx, train.Job, versionARN); err != nil {
		return err
	}
	state, _, err := job.Find(tx, train.Job, versionARN)
	if err != nil {
		return err
	}
	v, err := catalog.Get[catalog.SolutionVersion](tx, versionARN)
	if err != nil {
		return err
	}
	v.Status, v.FailureReason = catalog.Stopped, ""
	if state.State == "running" {
		v.Status = catalog.Stopping
	}
	return catalog.Update(tx, v)
}
