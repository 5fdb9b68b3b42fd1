package control

import (
	"strings"
	"testing"

	"usher/catalog"
	"usher/train"
)

// TestDescribeTraining: the training of a solution's version while it is under way, and
// when it is over.
func TestDescribeTraining(t *testing.T) {
	r := newRig(t, allRecipes)
	r.group("shop", interactionsText)
	arn := r.version(r.solution("u", "aws-user-personalization-v2"), catalog.Pending)
	r.begun(train.Job)
	api, id := New(r.opt), arn[strings.LastIndex(arn, "/")+1:]
	got, err := api.DescribeTraining(t.Context(), "u", id)
	if err != nil || !strings.HasSuffix(got.ARN, arn[1:]) || got.Status != catalog.Pending || got.Progress == nil || got.Progress.Note != "starting" || got.Progress.SecondsLeft != -1 {
		t.Errorf("under way: %+v, %v", got, err)
	}
	r.finish(train.Job, arn, func(x catalog.Record) {
		v := x.(*catalog.SolutionVersion)
		v.Status, v.Chosen = catalog.Active, []string{"epoch 3 of 6 was best"}
	})
	got, err = api.DescribeTraining(t.Context(), "u", id)
	if err != nil || got.Status != catalog.Active || got.Progress != nil || len(got.Chosen) != 1 {
		t.Errorf("once it is over: %+v, %v", got, err)
	}
	if _, err := api.DescribeTraining(t.Context(), "u", "00"); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("an absent version: %v", err)
	}
}

// TestDescribeRecommenderTraining: the training under way is told, else that of the
// model that answers.
func TestDescribeRecommenderTraining(t *testing.T) {
	r := cinema(t)
	arn := r.ready("one")
	api := New(r.opt)
	got, err := api.DescribeRecommenderTraining(t.Context(), "one")
	if err != nil || !strings.HasSuffix(got.ARN, arn[1:]) || got.Status != catalog.Active || got.Progress != nil {
		t.Errorf("of the model that answers: %+v, %v", got, err)
	}
	r.ok("UpdateRecommender", `{"recommenderArn": "`+arn+`", "recommenderConfig": {"trainingDataConfig": {"excludedDatasetColumns": {"INTERACTIONS": ["DEVICE"]}}}}`)
	r.begun(train.Job)
	if got, err = api.DescribeRecommenderTraining(t.Context(), "one"); err != nil || got.Status == catalog.Active || got.Progress == nil {
		t.Errorf("of the one under way: %+v, %v", got, err)
	}
	if _, err := api.DescribeRecommenderTraining(t.Context(), "none"); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("an absent recommender: %v", err)
	}
}
