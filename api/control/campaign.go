package control

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"usher/catalog"
	"usher/dataset"
	"usher/recipe"
	"usher/serving"
	"usher/store"
	wire "usher/wire/personalize"
)

// CreateCampaign deploys a solution version.
func (a *API) CreateCampaign(ctx context.Context, in *wire.CreateCampaignInput) (*wire.CreateCampaignOutput, error) {
	tags, err := newTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	return write(ctx, a, func(tx *store.Tx) (*wire.CreateCampaignOutput, error) {
		v, err := a.deployable(tx, *in.SolutionVersionArn)
		if err != nil {
			return nil, err
		}
		if err := checkCampaignConfig(tx, v, *in.SolutionVersionArn, in.CampaignConfig); err != nil {
			return nil, err
		}
		c := &catalog.Campaign{
			Meta: catalog.Meta{
				ARN: a.opt.ARNs.Of(catalog.KindCampaign, *in.Name), Name: *in.Name,
				Group: v.Group, Parent: v.ARN, Status: catalog.Pending, Tags: tags,
			},
			Requested: *in.SolutionVersionArn, MinTPS: 1,
		}
		if in.MinProvisionedTPS != nil {
			c.MinTPS = *in.MinProvisionedTPS
		}
		if in.CampaignConfig != nil {
			c.Config = in.CampaignConfig.AppendJSON(nil)
		}
		if err := a.create(tx, c, quotaCampaigns); err != nil {
			return nil, err
		}
		if err := serving.Enqueue(tx, c.ARN); err != nil {
			return nil, err
		}
		return &wire.CreateCampaignOutput{CampaignArn: &c.ARN}, nil
	})
}

// latest says whether an ARN names the newest version of a solution, and which solution.
func latest(arn string) (solution string, ok bool) {
	return strings.CutSuffix(arn, "/"+catalog.Latest)
}

// deployable gives the ACTIVE version that an ARN, which may end in $LATEST, names.
func (a *API) deployable(tx *store.Tx, arn string) (*catalog.SolutionVersion, error) {
	if _, err := a.parse(arn, catalog.KindSolutionVersion); err != nil {
		return nil, err
	}
	v, err := a.version(tx, arn)
	if err != nil {
		return nil, err
	}
	if spec, ok := recipe.SpecOf(v.Recipe); ok && spec.Type == recipe.UserSegmentation {
		return nil, invalid("The solution version %s has the recipe %s, which makes user segments. It cannot be deployed: it is for CreateBatchSegmentJob.", v.ARN, v.Recipe)
	}
	return v, nil
}

func (a *API) version(tx *store.Tx, arn string) (*catalog.SolutionVersion, error) {
	solution, ok := latest(arn)
	if !ok {
		return getReady[catalog.SolutionVersion](tx, a, arn)
	}
	if _, err := get[catalog.Solution](tx, a, solution); err != nil {
		return nil, err
	}
	v, err := latestActive(tx, solution)
	if err != nil || v != nil {
		return v, err
	}
	versions, _, err := catalog.List[catalog.SolutionVersion](tx, catalog.Query{Parent: solution})
	if err != nil {
		return nil, err
	}
	for _, v := range versions {
		if v.Status.Transitional() {
			return nil, ready(v)
		}
	}
	return nil, invalid("The solution %s has no solution version that is ACTIVE. Train one with CreateSolutionVersion first.", solution)
}

// latestActive gives the newest version of a solution that is ACTIVE, nil when none is.
func latestActive(tx *store.Tx, solution string) (*catalog.SolutionVersion, error) {
	versions, _, err := catalog.List[catalog.SolutionVersion](tx, catalog.Query{Parent: solution})
	if err != nil {
		return nil, err
	}
	for _, v := range versions {
		if v.Status == catalog.Active {
			return v, nil
		}
	}
	return nil, nil
}

// explores are the recipes whose campaigns can be told how much to explore.
var explores = map[string]bool{"aws-user-personalization": true, "aws-next-best-action": true}

// checkCampaignConfig judges a campaign's configuration by the version it is to
// serve and the ARN that was asked for.
func checkCampaignConfig(tx *store.Tx, v *catalog.SolutionVersion, requested string, c *wire.CampaignConfig) error {
	if c == nil {
		return nil
	}
	if _, ok := latest(requested); !ok && truth(c.SyncWithLatestSolutionVersion) {
		return invalid("campaignConfig.syncWithLatestSolutionVersion is true, but the campaign is of the fixed version %s. Give solutionVersionArn as %s/%s, or send false.", requested, v.Parent, catalog.Latest)
	}
	if len(c.ItemExplorationConfig) > 0 && !explores[v.Recipe] {
		return invalid("campaignConfig.itemExplorationConfig is for the recipes aws-user-personalization and aws-next-best-action only, not for %s. Leave it out.", v.Recipe)
	}
	if err := checkExploration(c.ItemExplorationConfig); err != nil {
		return err
	}
	if len(c.RankingInfluence) > 0 && v.Recipe != "aws-semantic-similarity" {
		return invalid("campaignConfig.rankingInfluence is for the recipe aws-semantic-similarity only, not for %s. Leave it out.", v.Recipe)
	}
	if truth(c.EnableMetadataWithRecommendations) {
		columns, err := schemas(tx, v.Group)
		if err != nil {
			return err
		}
		if s := columns[dataset.Items]; s == nil || len(s.Fields) < 2 {
			return invalid("campaignConfig.enableMetadataWithRecommendations needs an Items dataset with a metadata column, and the dataset group has none. Create it first, or leave this out.")
		}
	}
	return nil
}

// exploration is what itemExplorationConfig can hold.
var exploration = []recipe.Param{
	{Name: "explorationWeight", Kind: recipe.Float, Default: "0.3", Min: 0, Max: 1},
	{Name: "explorationItemAgeCutOff", Kind: recipe.Float, Default: "30", Min: 1, Max: 36500},
}

func checkExploration(given map[string]string) error {
	if _, err := recipe.Check(exploration, given); err != nil {
		return invalid("campaignConfig.itemExplorationConfig: %v.", err)
	}
	return nil
}

// DescribeCampaign shows a campaign and, once it was updated, its last update.
func (a *API) DescribeCampaign(ctx context.Context, in *wire.DescribeCampaignInput) (*wire.DescribeCampaignOutput, error) {
	return read(ctx, a, func(tx *store.Tx) (*wire.DescribeCampaignOutput, error) {
		c, err := get[catalog.Campaign](tx, a, *in.CampaignArn)
		if err != nil {
			return nil, err
		}
		out := &wire.Campaign{
			Name: &c.Name, CampaignArn: &c.ARN, SolutionVersionArn: &c.Parent, MinProvisionedTPS: &c.MinTPS,
			Status: new(string(c.Status)), FailureReason: optional(c.FailureReason),
			CreationDateTime: &c.Created, LastUpdatedDateTime: &c.Updated,
		}
		if out.CampaignConfig, err = campaignConfig(c.Config); err != nil {
			return nil, err
		}
		if u := c.LatestUpdate; u != nil {
			summary := &wire.CampaignUpdateSummary{
				SolutionVersionArn: &u.Version, MinProvisionedTPS: &u.MinTPS, Status: new(string(u.Status)),
				FailureReason: optional(u.FailureReason), CreationDateTime: &u.Created, LastUpdatedDateTime: &u.Updated,
			}
			if summary.CampaignConfig, err = campaignConfig(u.Config); err != nil {
				return nil, err
			}
			out.LatestCampaignUpdate = summary
		}
		return &wire.DescribeCampaignOutput{Campaign: out}, nil
	})
}

// campaignConfig reads a stored configuration; nil when none was given.
func campaignConfig(raw json.RawMessage) (*wire.CampaignConfig, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	out := &wire.CampaignConfig{}
	return out, fromJSON(raw, out)
}

// ListCampaigns lists the campaigns, those that serve a version of one solution
// if that is given.
func (a *API) ListCampaigns(ctx context.Context, in *wire.ListCampaignsInput) (*wire.ListCampaignsOutput, error) {
	solution, err := a.parseOptional(in.SolutionArn, catalog.KindSolution)
	if err != nil {
		return nil, err
	}
	p := newPage("ListCampaigns", in.NextToken, in.MaxResults, solution)
	campaigns, next, err := list(ctx, a, p, catalog.Query{Under: solution}, func(c *catalog.Campaign) wire.CampaignSummary {
		return wire.CampaignSummary{
			Name: &c.Name, CampaignArn: &c.ARN, Status: new(string(c.Status)), CreationDateTime: &c.Created,
			LastUpdatedDateTime: &c.Updated, FailureReason: optional(c.FailureReason),
		}
	})
	if err != nil {
		return nil, err
	}
	return &wire.ListCampaignsOutput{Campaigns: campaigns, NextToken: next}, nil
}

// UpdateCampaign makes a campaign serve another version, or in another way. What
// it served before answers until the update is ACTIVE.
func (a *API) UpdateCampaign(ctx context.Context, in *wire.UpdateCampaignInput) (*wire.UpdateCampaignOutput, error) {
	if in.SolutionVersionArn == nil && in.MinProvisionedTPS == nil && in.CampaignConfig == nil {
		return nil, invalid("Nothing is given to change. Give solutionVersionArn, minProvisionedTPS or campaignConfig.")
	}
	return write(ctx, a, func(tx *store.Tx) (*wire.UpdateCampaignOutput, error) {
		c, err := get[catalog.Campaign](tx, a, *in.CampaignArn)
		if err != nil {
			return nil, err
		}
		if busy(c) {
			return nil, inUse("Resource Arn %s is being created or updated. Wait until DescribeCampaign says ACTIVE, in latestCampaignUpdate too.", c.ARN)
		}
		u, err := a.campaignUpdate(tx, c, in)
		if err != nil {
			return nil, err
		}
		apply(c, u)
		if err := catalog.Update(tx, c); err != nil {
			return nil, err
		}
		if err := serving.Enqueue(tx, c.ARN); err != nil {
			return nil, err
		}
		return &wire.UpdateCampaignOutput{CampaignArn: &c.ARN}, nil
	})
}

// campaignUpdate gives what a campaign is to become: what is given, and what it
// has for the rest.
func (a *API) campaignUpdate(tx *store.Tx, c *catalog.Campaign, in *wire.UpdateCampaignInput) (*catalog.CampaignUpdate, error) {
	u := newUpdate(tx, c, c.Parent)
	if in.MinProvisionedTPS != nil {
		u.MinTPS = *in.MinProvisionedTPS
	}
	if in.SolutionVersionArn != nil {
		u.Requested = *in.SolutionVersionArn
		v, err := a.deployable(tx, u.Requested)
		if err != nil {
			return nil, err
		}
		if v.Group != c.Group {
			return nil, invalid("The solution version %s is of another dataset group than the campaign. A campaign stays in its group: create another campaign for it.", v.ARN)
		}
		u.Version = v.ARN
	}
	config := in.CampaignConfig
	if config != nil {
		u.Config = config.AppendJSON(nil)
	} else {
		var err error
		if config, err = campaignConfig(c.Config); err != nil {
			return nil, err
		}
	}
	v, err := catalog.Get[catalog.SolutionVersion](tx, u.Version)
	if err != nil {
		return nil, fmt.Errorf("update campaign %s: %w", c.ARN, err)
	}
	return u, checkCampaignConfig(tx, v, u.Requested, config)
}

// newUpdate gives an update of a campaign to a version that changes nothing else.
func newUpdate(tx *store.Tx, c *catalog.Campaign, versionARN string) *catalog.CampaignUpdate {
	return &catalog.CampaignUpdate{
		Version: versionARN, Requested: c.Requested, MinTPS: c.MinTPS, Config: c.Config,
		Status: catalog.Pending, Created: tx.Now().UTC(), Updated: tx.Now().UTC(),
	}
}

// apply records an update. A campaign that serves keeps its state until the
// deploy job has settled it; one whose creation failed has none to keep, and is
// created anew as the update says.
func apply(c *catalog.Campaign, u *catalog.CampaignUpdate) {
	if c.Status == catalog.Active {
		c.LatestUpdate = u
		return
	}
	c.Parent, c.Requested, c.MinTPS, c.Config = u.Version, u.Requested, u.MinTPS, u.Config
	c.Status, c.FailureReason, c.LatestUpdate = catalog.Pending, "", nil
}

// DeleteCampaign ends a campaign; its solution stays.
func (a *API) DeleteCampaign(ctx context.Context, in *wire.DeleteCampaignInput) (*wire.DeleteCampaignOutput, error) {
	if err := remove[catalog.Campaign](ctx, a, *in.CampaignArn); err != nil {
		return nil, err
	}
	return &wire.DeleteCampaignOutput{}, nil
}
