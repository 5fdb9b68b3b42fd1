package control

import (
	"fmt"
	"strings"
	"testing"

	"usher/batch"
	"usher/catalog"
)

// TestDescribeAnsweringJob: batch jobs while they are under way, and when they are over.
func TestDescribeAnsweringJob(t *testing.T) {
	r := newRig(t, allRecipes)
	r.group("shop", interactionsText)
	v := r.version(r.solution("s", "aws-sims"), catalog.Active)
	affinity := r.version(r.solution("a", "aws-item-affinity"), catalog.Active)
	create := `{"jobName": "j", "solutionVersionArn": %q, "jobInput": {"s3DataSource": {"path": "s3://a/in.json"}}, "jobOutput": {"s3DataDestination": {"path": "s3://a/out"}}` + role + `}`
	api := New(r.opt)

	r.ok("CreateBatchInferenceJob", fmt.Sprintf(create, v))
	r.begun(batch.InferenceJob)
	got, err := api.DescribeBatchInference(t.Context(), "j")
	if err != nil || !strings.HasSuffix(got.ARN, ":batch-inference-job/j") || got.Progress == nil || got.Progress.SecondsLeft != -1 || got.Report != nil {
		t.Errorf("under way: %+v, %v", got, err)
	}
	r.finish(batch.InferenceJob, "~batch-inference-job/j", func(x catalog.Record) {
		x.Common().Status = catalog.Active
		x.(*catalog.BatchInferenceJob).Answered(12, 3)
	})
	got, err = api.DescribeBatchInference(t.Context(), "j")
	if err != nil || got.Progress != nil || got.Report == nil || *got.Report != (AnsweredLines{12, 3}) {
		t.Errorf("once it is over: %+v, %v", got, err)
	}

	r.ok("CreateBatchSegmentJob", fmt.Sprintf(create, affinity))
	if got, err = api.DescribeBatchSegment(t.Context(), "j"); err != nil || !strings.HasSuffix(got.ARN, ":batch-segment-job/j") || got.Report != nil {
		t.Errorf("a segment job: %+v, %v", got, err)
	}
	for _, absent := range []func() (*AnsweringJob, error){
		func() (*AnsweringJob, error) { return api.DescribeBatchInference(t.Context(), "none") },
		func() (*AnsweringJob, error) { return api.DescribeBatchSegment(t.Context(), "none") },
	} {
		if _, err := absent(); err == nil || !strings.Contains(err.Error(), "does not exist") {
			t.Errorf("an absent job: %v", err)
		}
	}
}
