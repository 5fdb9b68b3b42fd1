package control

import (
	"context"
	"log/slog"
	"testing"

	"usher/catalog"
	"usher/serving"
)

// TestSyncer follows a solution over several versions.
func TestSyncer(t *testing.T) {
	r := newRig(t)
	r.group("shop", interactionsText)
	s := r.solution("s", "aws-sims")
	first := r.version(s, catalog.Active)
	r.ok("CreateCampaign", `{"name": "follows", "solutionVersionArn": "~solution/s/$LATEST", "minProvisionedTPS": 4, "campaignConfig": {"syncWithLatestSolutionVersion": true}}`)
	r.begun(serving.DeployJob)
	r.finish(serving.DeployJob, "~campaign/follows", func(c catalog.Record) { settle(c, "ACTIVE") })
	r.campaign("stays", s+"/$LATEST", catalog.Pending)
	r.begun(serving.DeployJob)
	r.finish(serving.DeployJob, "~campaign/stays", func(c catalog.Record) { settle(c, "ACTIVE") })

	// A version that came while nobody followed is found at the start.
	second := r.version(s, catalog.Active)
	syncer := New(r.opt).OpenSyncer(slog.New(slog.DiscardHandler))
	defer syncer.Close()
	follow := func(version, end string) map[string]any {
		t.Helper()
		if got := r.begun(serving.DeployJob); got != "~campaign/follows" {
			t.Fatalf("deployed: %s", got)
		}
		d := r.ok("DescribeCampaign", `{"campaignArn": "~campaign/follows"}`)
		r.same(d, version, "campaign", "latestCampaignUpdate", "solutionVersionArn")
		r.same(d, 4, "campaign", "latestCampaignUpdate", "minProvisionedTPS")
		r.finish(serving.DeployJob, "~campaign/follows", func(c catalog.Record) { settle(c, end) })
		return r.ok("DescribeCampaign", `{"campaignArn": "~campaign/follows"}`)
	}
	r.same(follow(second, "ACTIVE"), second, "campaign", "solutionVersionArn")

	// Others are followed when they become ACTIVE, and one that cannot be deployed is passed over.
	third := r.version(s, catalog.Active)
	d := follow(third, "CREATE FAILED: no memory")
	r.same(d, second, "campaign", "solutionVersionArn")
	if err := New(r.opt).syncCampaigns(context.Background()); err != nil {
		t.Fatal(err)
	}
	r.same(r.ok("DescribeCampaign", `{"campaignArn": "~campaign/follows"}`), "CREATE FAILED", "campaign", "latestCampaignUpdate", "status")
	r.version(s, catalog.Failed)
	fourth := r.version(s, catalog.Active)
	r.same(follow(fourth, "ACTIVE"), fourth, "campaign", "solutionVersionArn")

	if err := New(r.opt).syncCampaigns(context.Background()); err != nil {
		t.Fatal(err)
	}
	r.same(r.ok("DescribeCampaign", `{"campaignArn": "~campaign/follows"}`), "ACTIVE", "campaign", "latestCampaignUpdate", "status")

	d = r.ok("DescribeCampaign", `{"campaignArn": "~campaign/stays"}`)
	r.same(d, first, "campaign", "solutionVersionArn")
	r.same(d, nil, "campaign", "latestCampaignUpdate")
}
