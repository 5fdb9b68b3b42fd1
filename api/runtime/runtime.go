// Package runtime is the meaning of the three calls of the personalize-runtime
// API: AWS's shapes into serving's, serving's errors into AWS's.
package runtime

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/catalog"
	"usher/serving"
	wire "usher/wire/personalizeruntime"
)

// Options configure the API.
type Options struct {
	Serving *serving.Serving
	ARNs    catalog.ARNs
	Metrics *metrics.Set
	Now     func() time.Time
}

// API implements the service. All methods may be called concurrently.
type API struct{ opt Options }

var _ wire.API = (*API)(nil)

// New gives the API.
func New(opt Options) *API { return &API{opt} }

// GetRecommendations gives the best items for a user, or those related to an item.
func (a *API) GetRecommendations(ctx context.Context, in *wire.GetRecommendationsInput) (*wire.GetRecommendationsOutput, error) {
	began := a.opt.Now()
	answer, err := a.recommend(ctx, in)
	asked := cmp.Or(text(in.CampaignArn), text(in.RecommenderArn))
	a.observe("GetRecommendations", "GetRecommendations", asked, began, err)
	if err != nil {
		return nil, fault(asked, err)
	}
	out := &wire.GetRecommendationsOutput{RecommendationId: &answer.ID, ItemList: make([]wire.PredictedItem, len(answer.Items))}
	for i := range answer.Items {
		out.ItemList[i] = predicted(&answer.Items[i])
	}
	return out, nil
}

func (a *API) recommend(ctx context.Context, in *wire.GetRecommendationsInput) (*serving.Answer, error) {
	arn, kind := in.CampaignArn, catalog.KindCampaign
	if arn == nil {
		arn, kind = in.RecommenderArn, catalog.KindRecommender
	}
	switch {
	case arn == nil:
		return nil, invalid("campaignArn is missing. Give the ARN of the campaign that should answer, or recommenderArn.")
	case in.CampaignArn != nil && in.RecommenderArn != nil:
		return nil, invalid("Both campaignArn and recommenderArn are given. Give one of them.")
	case in.FilterArn != nil:
		return nil, absent("The filter %s does not exist. This version of usher has no filters yet: send the request without filterArn.", *in.FilterArn)
	case len(in.FilterValues) > 0:
		return nil, invalid("filterValues are given without filterArn. Give both, or neither.")
	case len(in.Promotions) > 0:
		return nil, invalid("promotions need a filter, and this version of usher has no filters yet: send the request without promotions.")
	case len(in.MetadataColumns) > 0:
		return nil, invalid("metadataColumns are not in this version of usher yet: send the request without them.")
	}
	if _, err := a.opt.ARNs.ParseAs(*arn, kind); err != nil {
		return nil, err
	}
	r := serving.Request{Campaign: *arn, User: text(in.UserId), Item: text(in.ItemId), Context: in.Context}
	if in.NumResults != nil {
		r.Results = int(*in.NumResults)
	}
	return a.opt.Serving.Recommend(ctx, r)
}

func predicted(i *serving.Item) wire.PredictedItem {
	out := wire.PredictedItem{ItemId: &i.ID}
	if i.Scored {
		out.Score = &i.Score
	}
	if i.Reason != "" {
		out.Reason = []string{i.Reason}
	}
	return out
}

// GetPersonalizedRanking says which campaign would rank: none of the recipes of
// this version is of type PERSONALIZED_RANKING.
func (a *API) GetPersonalizedRanking(ctx context.Context, in *wire.GetPersonalizedRankingInput) (*wire.GetPersonalizedRankingOutput, error) {
	return nil, a.wrongType(ctx, *in.CampaignArn, "GetPersonalizedRanking", "PERSONALIZED_RANKING")
}

// GetActionRecommendations says which campaign would answer, likewise.
func (a *API) GetActionRecommendations(ctx context.Context, in *wire.GetActionRecommendationsInput) (*wire.GetActionRecommendationsOutput, error) {
	return nil, a.wrongType(ctx, text(in.CampaignArn), "GetActionRecommendations", "PERSONALIZED_ACTIONS")
}

func (a *API) wrongType(ctx context.Context, campaign, call, want string) error {
	began := a.opt.Now()
	name, err := a.served(ctx, campaign)
	if err == nil {
		err = invalid("%s needs a campaign whose recipe is of type %s; %s has the recipe %s. Call GetRecommendations.", call, want, campaign, name)
	}
	a.observe(call, call+"Requests", campaign, began, err)
	return fault(campaign, err)
}

// served gives the name of the recipe that a campaign serves.
func (a *API) served(ctx context.Context, campaign string) (string, error) {
	if campaign == "" {
		return "", invalid("campaignArn is missing. Give the ARN of the campaign that should answer.")
	}
	if _, err := a.opt.ARNs.ParseAs(campaign, catalog.KindCampaign); err != nil {
		return "", err
	}
	return a.opt.Serving.Recipe(ctx, campaign)
}

func invalid(format string, args ...any) error {
	return &serving.Invalid{Msg: fmt.Sprintf(format, args...)}
}

// absentError is a resource that cannot exist in this version.
type absentError struct{ msg string }

func (e *absentError) Error() string { return e.msg }

func absent(format string, args ...any) error { return &absentError{fmt.Sprintf(format, args...)} }

// fault makes AWS's error of ours; unknown errors pass and become a 500.
func fault(arn string, err error) error {
	msg := err.Error()
	var inv *serving.Invalid
	var gone *absentError
	var malformed *catalog.ARNError
	switch {
	case errors.As(err, &inv), errors.As(err, &malformed):
		return &wire.InvalidInputException{Message: &msg}
	case errors.As(err, &gone):
		return &wire.ResourceNotFoundException{Message: &msg}
	case errors.Is(err, catalog.ErrNotFound):
		list := "ListCampaigns"
		if recommender(arn) {
			list = "ListRecommenders"
		}
		msg = fmt.Sprintf("Resource Arn %s does not exist. %s shows those that do.", arn, list)
		return &wire.ResourceNotFoundException{Message: &msg}
	}
	return err
}

// recommender says whether an ARN that was understood is of a recommender.
func recommender(arn string) bool {
	return strings.Contains(arn, ":"+string(catalog.KindRecommender)+"/")
}

// observe counts a call under CloudWatch's names, with the campaign or
// recommender as label.
// Campaigns that do not exist are counted together, so that a caller cannot
// fill the server's memory.
func (a *API) observe(call, requests, campaign string, began time.Time, err error) {
	var inv *serving.Invalid
	var gone *absentError
	var malformed *catalog.ARNError
	if errors.As(err, &gone) || errors.As(err, &malformed) || errors.Is(err, catalog.ErrNotFound) || campaign == "" {
		a.opt.Metrics.GetOrCreateCounter(call + "4xxErrors").Inc()
		return
	}
	labels := fmt.Sprintf("{CampaignArn=%q}", campaign)
	if recommender(campaign) {
		labels = fmt.Sprintf("{RecommenderArn=%q}", campaign)
	}
	a.opt.Metrics.GetOrCreateCounter(requests + labels).Inc()
	switch {
	case errors.As(err, &inv):
		a.opt.Metrics.GetOrCreateCounter(call + "4xxErrors" + labels).Inc()
	case err != nil:
		a.opt.Metrics.GetOrCreateCounter(call + "5xxErrors" + labels).Inc()
	}
	a.opt.Metrics.GetOrCreateSummary(call + "Latency" + labels).Update(float64(a.opt.Now().Sub(began).Microseconds()) / 1000)
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
