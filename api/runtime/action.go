package runtime

import (
	"context"

	"usher/catalog"
	wire "usher/wire/personalizeruntime"
)

// mostActions is how many actions an answer can have. AWS gives 5 without numResults.
const mostActions = 100

// GetActionRecommendations judges a request as AWS does and then says which
// campaign would answer it: no recipe of this version is of type
// PERSONALIZED_ACTIONS.
func (a *API) GetActionRecommendations(ctx context.Context, in *wire.GetActionRecommendationsInput) (*wire.GetActionRecommendationsOutput, error) {
	began := a.opt.Now()
	campaign := text(in.CampaignArn)
	err := a.actionsAsked(in)
	var recipe string
	if err == nil {
		recipe, err = a.opt.Serving.Recipe(ctx, campaign)
	}
	if err == nil {
		err = invalid("GetActionRecommendations needs a campaign whose recipe is of type PERSONALIZED_ACTIONS; %s has the recipe %s. Call GetRecommendations.", campaign, recipe)
	}
	a.observe("GetActionRecommendations", "GetActionRecommendationsRequests", campaign, began, err)
	return nil, fault(campaign, err)
}

// actionsAsked judges what a request says by itself.
func (a *API) actionsAsked(in *wire.GetActionRecommendationsInput) error {
	if text(in.CampaignArn) == "" {
		return invalid("campaignArn is missing. Give the ARN of the campaign that should answer.")
	}
	if _, err := a.opt.ARNs.ParseAs(*in.CampaignArn, catalog.KindCampaign); err != nil {
		return err
	}
	switch {
	case text(in.UserId) == "":
		return invalid("userId is missing. Actions are recommended for a user: send a userId, or the sessionId of an anonymous visitor as userId.")
	case in.NumResults != nil && *in.NumResults > mostActions:
		return invalid("numResults is %d. Ask for 1 to %d actions.", *in.NumResults, mostActions)
	}
	_, err := a.filtering("filterArn", in.FilterArn, in.FilterValues)
	return err
}
