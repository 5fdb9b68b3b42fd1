package control

import (
	"fmt"
	"testing"

	"usher/batch"
	"usher/catalog"
)

// TestBatchInference: what a job is given is shown again, and what it refuses.
func TestBatchInference(t *testing.T) {
	r := newRig(t, allRecipes)
	r.group("shop", interactionsText)
	v := r.version(r.solution("s", "aws-sims"), catalog.Active)
	first := r.version(r.solution("u", "aws-user-personalization"), catalog.Active)
	similar := r.version(r.solution("similar", "aws-similar-items"), catalog.Active)
	trend := r.version(r.solution("trend", "aws-trending-now"), catalog.Active)
	create := func(name, version, more string) string {
		return fmt.Sprintf(`{"jobName": %q, "solutionVersionArn": %q, "jobInput": {"s3DataSource": {"path": "s3://a/in.json", "kmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1"}}, "jobOutput": {"s3DataDestination": {"path": "s3://a/out"}}%s%s}`, name, version, role, more)
	}
	const themes = `, "batchInferenceJobMode": "THEME_GENERATION", "themeGenerationConfig": {"fieldsForThemeGeneration": {"itemName": "TITLE"}}`
	r.refuse([]refusal{
		{"CreateBatchInferenceJob", create("j", v, `, "numResults": 501`), "InvalidInput", []string{"numResults is 501"}},
		{"CreateBatchInferenceJob", create("j", v, `, "numResults": -1`), "InvalidInput", []string{"numResults"}},
		{"CreateBatchInferenceJob", create("j", trend, ""), "InvalidInput", []string{"aws-trending-now", "no batch inference"}},
		{"CreateBatchInferenceJob", create("j", v, `, "batchInferenceJobConfig": {"itemExplorationConfig": {"explorationWeight": "0.5"}}`), "InvalidInput", []string{"aws-user-personalization only"}},
		{"CreateBatchInferenceJob", create("j", first, `, "batchInferenceJobConfig": {"itemExplorationConfig": {"explorationWeight": "2"}}`), "InvalidInput", []string{"batchInferenceJobConfig.itemExplorationConfig", "explorationWeight"}},
		{"CreateBatchInferenceJob", create("j", v, `, "batchInferenceJobConfig": {"rankingInfluence": {"FRESHNESS": 1}}`), "InvalidInput", []string{"rankingInfluence"}},
		{"CreateBatchInferenceJob", create("j", v, themes), "InvalidInput", []string{"aws-similar-items only"}},
		{"CreateBatchInferenceJob", create("j", similar, themes), "InvalidInput", []string{"textual column"}},
		{"CreateBatchInferenceJob", create("j", similar, `, "batchInferenceJobMode": "THEME_GENERATION"`), "InvalidInput", []string{"go together"}},
	})
	r.ok("CreateBatchInferenceJob", create("j", first, `, "numResults": 7, "batchInferenceJobConfig": {"itemExplorationConfig": {"explorationWeight": "0.5"}}, "tags": [{"tagKey": "a", "tagValue": "b"}]`))
	if got := r.begun(batch.InferenceJob); got != "~batch-inference-job/j" {
		t.Errorf("begun: %s", got)
	}
	d := r.ok("DescribeBatchInferenceJob", `{"batchInferenceJobArn": "~batch-inference-job/j"}`)["batchInferenceJob"]
	r.same(d, "BATCH_INFERENCE", "batchInferenceJobMode")
	r.same(d, 7., "numResults")
	r.same(d, "0.5", "batchInferenceJobConfig", "itemExplorationConfig", "explorationWeight")
	r.same(d, "arn:aws:kms:us-east-1:123456789012:key/1", "jobInput", "s3DataSource", "kmsKeyArn")
	r.same(d, "s3://a/out", "jobOutput", "s3DataDestination", "path")
	r.same(d, "CREATE PENDING", "status")
	r.refused("CreateBatchInferenceJob", create("j", v, ""), "ResourceAlreadyExists", "~batch-inference-job/j")
	r.refused("DeleteSolution", `{"solutionArn": "~solution/u"}`, "ResourceInUse", "~batch-inference-job/j")
	r.ok("ListTagsForResource", `{"resourceArn": "~batch-inference-job/j"}`)
	r.finish(batch.InferenceJob, "~batch-inference-job/j", func(c catalog.Record) { settle(c, "ACTIVE") })
	r.ok("CreateBatchInferenceJob", create("k", v, ""))
	list := r.ok("ListBatchInferenceJobs", `{}`)["batchInferenceJobs"].([]any)
	if len(list) != 2 {
		t.Fatalf("%d jobs are listed", len(list))
	}
	r.same(list[0], "k", "jobName")
	if list := r.ok("ListBatchInferenceJobs", fmt.Sprintf(`{"solutionVersionArn": %q}`, v))["batchInferenceJobs"].([]any); len(list) != 1 {
		t.Errorf("%d jobs of a version are listed", len(list))
	}
	r.ok("DeleteSolution", `{"solutionArn": "~solution/u"}`)
	r.refused("DescribeBatchInferenceJob", `{"batchInferenceJobArn": "~batch-inference-job/j"}`, "ResourceNotFound")
}
