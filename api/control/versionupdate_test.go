package control

import (
	"testing"

	"usher/catalog"
)

// TestUpdateVersion: an UPDATE version is the newest one again, at once.
func TestUpdateVersion(t *testing.T) {
	r := newRig(t, allRecipes)
	r.group("shop", interactionsText)
	s := r.solution("u", "aws-user-personalization")
	create := `{"solutionArn": "~solution/u", "trainingMode": "UPDATE"}`
	r.refused("CreateSolutionVersion", create, "InvalidInput", "UPDATE", "FULL")
	v := r.version(s, catalog.Active)
	r.set(v, func(x catalog.Record) {
		x.(*catalog.SolutionVersion).Model, x.(*catalog.SolutionVersion).Metrics = "models/1", map[string]float64{"coverage": .5}
	})
	arn, _ := r.ok("CreateSolutionVersion", create)["solutionVersionArn"].(string)
	if arn == "" || arn == v {
		t.Fatalf("the new version is %q", arn)
	}
	d := r.ok("DescribeSolutionVersion", `{"solutionVersionArn": "`+arn+`"}`)["solutionVersion"]
	r.same(d, "ACTIVE", "status")
	r.same(d, "UPDATE", "trainingMode")
	r.same(r.ok("GetSolutionMetrics", `{"solutionVersionArn": "`+arn+`"}`), .5, "metrics", "coverage")
	r.same(r.ok("CreateCampaign", `{"name": "c", "solutionVersionArn": "~solution/u/$LATEST"}`), "~campaign/c", "campaignArn")
	r.same(r.ok("DescribeCampaign", `{"campaignArn": "~campaign/c"}`), arn, "campaign", "solutionVersionArn")
}
