package control

import (
	"context"
	"slices"

	"usher/batch"
	"usher/catalog"
	"usher/dataset"
	"usher/filter"
	"usher/recipe"
	"usher/store"
	wire "usher/wire/personalize"
)

// CreateBatchInferenceJob starts the answering of files of questions.
func (a *API) CreateBatchInferenceJob(ctx context.Context, in *wire.CreateBatchInferenceJobInput) (*wire.CreateBatchInferenceJobOutput, error) {
	request := &batchRequest{
		version: *in.SolutionVersionArn, filter: in.FilterArn, input: in.JobInput.S3DataSource, output: in.JobOutput.S3DataDestination,
		role: in.RoleArn, results: in.NumResults, resultsMost: 500, target: filter.Items, tags: in.Tags,
	}
	tags, err := request.check()
	if err != nil {
		return nil, err
	}
	themes := in.BatchInferenceJobMode == wire.BatchInferenceJobModeThemeGeneration
	if themes != (in.ThemeGenerationConfig != nil) {
		return nil, invalid("batchInferenceJobMode THEME_GENERATION and themeGenerationConfig, which names the column with the names of items, go together. Give both, or neither.")
	}
	return write(ctx, a, func(tx *store.Tx) (*wire.CreateBatchInferenceJobOutput, error) {
		v, err := a.batchVersion(tx, request)
		if err != nil {
			return nil, err
		}
		if err := checkInference(tx, v, in); err != nil {
			return nil, err
		}
		j := &catalog.BatchInferenceJob{
			Meta: catalog.Meta{
				ARN: a.opt.ARNs.Of(catalog.KindBatchInferenceJob, *in.JobName), Name: *in.JobName,
				Group: v.Group, Parent: v.ARN, Status: catalog.Pending, Tags: tags,
			},
			BatchFiles: request.files(), Mode: string(wire.BatchInferenceJobModeBatchInference),
		}
		if themes {
			j.Mode, j.ItemName = string(in.BatchInferenceJobMode), *in.ThemeGenerationConfig.FieldsForThemeGeneration.ItemName
		}
		if in.BatchInferenceJobConfig != nil {
			j.Config = in.BatchInferenceJobConfig.AppendJSON(nil)
		}
		if err := a.create(tx, j, quotaBatchJobs); err != nil {
			return nil, err
		}
		if err := batch.EnqueueInference(tx, j.ARN); err != nil {
			return nil, err
		}
		return &wire.CreateBatchInferenceJobOutput{BatchInferenceJobArn: &j.ARN}, nil
	})
}

// checkInference judges a request by the version that is to answer.
func checkInference(tx *store.Tx, v *catalog.SolutionVersion, in *wire.CreateBatchInferenceJobInput) error {
	spec, _ := recipe.SpecOf(v.Recipe)
	switch {
	case spec.Type == recipe.UserSegmentation:
		return invalid("The solution version %s has the recipe %s, which makes user segments. Call CreateBatchSegmentJob.", v.ARN, v.Recipe)
	case spec.Type == recipe.PersonalizedActions, v.Recipe == "aws-trending-now":
		return invalid("The recipe %s of %s has no batch inference. Deploy the version with CreateCampaign.", v.Recipe, v.ARN)
	}
	if c := in.BatchInferenceJobConfig; c != nil {
		if len(c.ItemExplorationConfig) > 0 && v.Recipe != "aws-user-personalization" {
			return invalid("batchInferenceJobConfig.itemExplorationConfig is for the recipe aws-user-personalization only, not for %s. Leave it out.", v.Recipe)
		}
		if _, err := recipe.Check(exploration, c.ItemExplorationConfig); err != nil {
			return invalid("batchInferenceJobConfig.itemExplorationConfig: %v.", err)
		}
		if len(c.RankingInfluence) > 0 && v.Recipe != "aws-semantic-similarity" {
			return invalid("batchInferenceJobConfig.rankingInfluence is for the recipe aws-semantic-similarity only, not for %s. Leave it out.", v.Recipe)
		}
	}
	if in.ThemeGenerationConfig == nil {
		return nil
	}
	if v.Recipe != "aws-similar-items" {
		return invalid("batchInferenceJobMode THEME_GENERATION is for the recipe aws-similar-items only, not for %s.", v.Recipe)
	}
	return checkThemes(tx, v.Group, *in.ThemeGenerationConfig.FieldsForThemeGeneration.ItemName)
}

// checkThemes says whether the items of a group have what themes are made of.
func checkThemes(tx *store.Tx, group, itemName string) error {
	columns, err := schemas(tx, group)
	if err != nil {
		return err
	}
	items := columns[dataset.Items]
	if items == nil || !slices.ContainsFunc(items.Fields, func(f dataset.Field) bool { return f.Textual }) {
		return invalid("batchInferenceJobMode THEME_GENERATION needs an Items dataset with a textual column, and the dataset group has none.")
	}
	if i := items.Column(itemName); i < 0 || items.Fields[i].Kind != dataset.String {
		return invalid("themeGenerationConfig.fieldsForThemeGeneration.itemName: the Items schema has no column %q of type string.", itemName)
	}
	return nil
}

// DescribeBatchInferenceJob shows a batch inference.
func (a *API) DescribeBatchInferenceJob(ctx context.Context, in *wire.DescribeBatchInferenceJobInput) (*wire.DescribeBatchInferenceJobOutput, error) {
	return read(ctx, a, func(tx *store.Tx) (*wire.DescribeBatchInferenceJobOutput, error) {
		j, err := get[catalog.BatchInferenceJob](tx, a, *in.BatchInferenceJobArn)
		if err != nil {
			return nil, err
		}
		out := &wire.BatchInferenceJob{
			JobName: &j.Name, BatchInferenceJobArn: &j.ARN, SolutionVersionArn: &j.Parent, FilterArn: optional(j.Filter),
			NumResults: results(&j.BatchFiles), RoleArn: optional(j.RoleARN), Status: new(string(j.Status)),
			JobInput:              &wire.BatchInferenceJobInput{S3DataSource: inputOf(&j.BatchFiles)},
			JobOutput:             &wire.BatchInferenceJobOutput{S3DataDestination: outputOf(&j.BatchFiles)},
			BatchInferenceJobMode: wire.BatchInferenceJobMode(j.Mode),
			CreationDateTime:      &j.Created, LastUpdatedDateTime: &j.Updated, FailureReason: optional(j.FailureReason),
		}
		if j.ItemName != "" {
			out.ThemeGenerationConfig = &wire.ThemeGenerationConfig{FieldsForThemeGeneration: &wire.FieldsForThemeGeneration{ItemName: &j.ItemName}}
		}
		if len(j.Config) > 0 {
			out.BatchInferenceJobConfig = &wire.BatchInferenceJobConfig{}
		}
		return &wire.DescribeBatchInferenceJobOutput{BatchInferenceJob: out}, fromJSON(j.Config, out.BatchInferenceJobConfig)
	})
}

// ListBatchInferenceJobs lists the batch inferences, those of one version if that
// is given.
func (a *API) ListBatchInferenceJobs(ctx context.Context, in *wire.ListBatchInferenceJobsInput) (*wire.ListBatchInferenceJobsOutput, error) {
	version, err := a.parseOptional(in.SolutionVersionArn, catalog.KindSolutionVersion)
	if err != nil {
		return nil, err
	}
	p := newPage("ListBatchInferenceJobs", in.NextToken, in.MaxResults, version)
	jobs, next, err := list(ctx, a, p, catalog.Query{Parent: version}, func(j *catalog.BatchInferenceJob) wire.BatchInferenceJobSummary {
		return wire.BatchInferenceJobSummary{
			BatchInferenceJobArn: &j.ARN, JobName: &j.Name, Status: new(string(j.Status)), SolutionVersionArn: &j.Parent,
			BatchInferenceJobMode: wire.BatchInferenceJobMode(j.Mode), CreationDateTime: &j.Created, LastUpdatedDateTime: &j.Updated,
			FailureReason: optional(j.FailureReason),
		}
	})
	if err != nil {
		return nil, err
	}
	return &wire.ListBatchInferenceJobsOutput{BatchInferenceJobs: jobs, NextToken: next}, nil
}
