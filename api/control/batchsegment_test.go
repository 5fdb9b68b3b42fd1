package control

import (
	"fmt"
	"testing"

	"usher/batch"
	"usher/catalog"
)

// TestBatchSegment: what a job is given is shown again, and what it refuses.
func TestBatchSegment(t *testing.T) {
	r := newRig(t, allRecipes)
	r.group("shop", interactionsText)
	v := r.version(r.solution("s", "aws-item-affinity"), catalog.Active)
	sims := r.version(r.solution("sims", "aws-sims"), catalog.Active)
	create := func(name, version, more string) string {
		return fmt.Sprintf(`{"jobName": %q, "solutionVersionArn": %q, "jobInput": {"s3DataSource": {"path": "s3://a/in.json"}}, "jobOutput": {"s3DataDestination": {"path": "s3://a/out/"}}%s%s}`, name, version, role, more)
	}
	r.ok("CreateFilter", `{"name": "items", "datasetGroupArn": "~dataset-group/shop", "filterExpression": "EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN (\"a\")"}`)
	r.group("other", interactionsText)
	r.ok("CreateFilter", `{"name": "others", "datasetGroupArn": "~dataset-group/other", "filterExpression": "INCLUDE UserID WHERE Interactions.EVENT_TYPE IN (\"a\")"}`)
	r.refuse([]refusal{
		{"CreateBatchSegmentJob", create("j", v, `, "filterArn": "~filter/others"`), "InvalidInput", []string{"another dataset group"}},
		{"CreateBatchSegmentJob", create("j", sims, ""), "InvalidInput", []string{"aws-sims", "CreateBatchInferenceJob"}},
		{"CreateBatchSegmentJob", create("j", v, `, "numResults": 5000001`), "InvalidInput", []string{"numResults is 5000001"}},
		{"CreateBatchSegmentJob", create("j", v, `, "filterArn": "~filter/items"`), "InvalidInput", []string{"is about ItemID", "UserID"}},
		{"CreateBatchInferenceJob", create("j", v, ""), "InvalidInput", []string{"aws-item-affinity", "CreateBatchSegmentJob"}},
		{"CreateCampaign", fmt.Sprintf(`{"name": "c", "solutionVersionArn": %q}`, v), "InvalidInput", []string{"CreateBatchSegmentJob"}},
	})
	r.ok("CreateFilter", `{"name": "users", "datasetGroupArn": "~dataset-group/shop", "filterExpression": "INCLUDE UserID WHERE Interactions.EVENT_TYPE IN (\"a\")"}`)
	r.ok("CreateBatchSegmentJob", create("j", v, `, "numResults": 5000000, "filterArn": "~filter/users", "tags": [{"tagKey": "a", "tagValue": "b"}]`))
	if got := r.begun(batch.SegmentJob); got != "~batch-segment-job/j" {
		t.Errorf("begun: %s", got)
	}
	d := r.ok("DescribeBatchSegmentJob", `{"batchSegmentJobArn": "~batch-segment-job/j"}`)["batchSegmentJob"]
	r.same(d, 5e6, "numResults")
	r.same(d, "~filter/users", "filterArn")
	r.same(d, "s3://a/in.json", "jobInput", "s3DataSource", "path")
	r.refused("DeleteFilter", `{"filterArn": "~filter/users"}`, "ResourceInUse", "~batch-segment-job/j")
	r.ok("ListTagsForResource", `{"resourceArn": "~batch-segment-job/j"}`)
	r.finish(batch.SegmentJob, "~batch-segment-job/j", func(c catalog.Record) { settle(c, "CREATE FAILED: no bucket") })
	list := r.ok("ListBatchSegmentJobs", fmt.Sprintf(`{"solutionVersionArn": %q}`, v))["batchSegmentJobs"].([]any)
	if len(list) != 1 {
		t.Fatalf("%d jobs are listed", len(list))
	}
	r.same(list[0], "no bucket", "failureReason")
	r.ok("DeleteSolution", `{"solutionArn": "~solution/s"}`)
	r.refused("DescribeBatchSegmentJob", `{"batchSegmentJobArn": "~batch-segment-job/j"}`, "ResourceNotFound")
}
