// Package runtime is the meaning of the three calls of the personalize-runtime
// API: AWS's shapes into serving's, serving's errors into AWS's.
package runtime

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/catalog"
	"usher/experiment"
	"usher/serving"
	apiwire "usher/wire"
	wire "usher/wire/personalizeruntime"
)

// Options configure the API.
type Options struct {
	Serving *serving.Serving
	// Experiments split the traffic of campaigns; may be nil.
	Experiments *experiment.Experiments
	ARNs        catalog.ARNs
	Metrics     *metrics.Set
	Now         func() time.Time
}

// API implements the service. All methods may be called concurrently.
type API struct {
	opt    Options
	series sync.Map // callKey → *series
}

var _ wire.API = (*API)(nil)

// New gives the API.
func New(opt Options) *API { return &API{opt: opt} }

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
	r, err := a.request(ctx, in)
	if err != nil {
		return nil, err
	}
	arm := a.split(ctx, r.Campaign, r.User)
	r.Campaign, r.Tag = arm.Campaign, arm.Tag
	return counted(arm, func() (*serving.Answer, error) { return a.opt.Serving.Recommend(ctx, r) })
}

// request gives a request in serving's words.
func (a *API) request(ctx context.Context, in *wire.GetRecommendationsInput) (r serving.Request, err error) {
	arn, kind := in.CampaignArn, catalog.KindCampaign
	if arn == nil {
		arn, kind = in.RecommenderArn, catalog.KindRecommender
	}
	switch {
	case arn == nil:
		return r, invalid("campaignArn is missing. Give the ARN of the campaign that should answer, or recommenderArn.")
	case in.CampaignArn != nil && in.RecommenderArn != nil:
		return r, invalid("Both campaignArn and recommenderArn are given. Give one of them.")
	}
	if _, err := a.opt.ARNs.ParseAs(*arn, kind); err != nil {
		return r, err
	}
	r = serving.Request{Campaign: *arn, User: text(in.UserId), Item: text(in.ItemId), Context: in.Context}
	if in.NumResults != nil {
		r.Results = int(*in.NumResults)
	}
	if r.Filter, err = a.requestFilter(ctx, in.FilterArn, in.FilterValues); err != nil {
		return r, err
	}
	if r.Promoted, err = a.promotion(in.Promotions); err != nil {
		return r, err
	}
	r.Columns, err = columns(in.MetadataColumns)
	return r, err
}

// filterHeader is x-usher-filter: an expression in the place of a filter that was
// created.
const filterHeader = "filter"

// requestFilter gives the filter of a request, by its ARN or as an expression in
// the header.
func (a *API) requestFilter(ctx context.Context, arn *string, values map[string]string) (serving.Filtering, error) {
	expression := apiwire.ExtensionHeader(ctx, filterHeader)
	switch {
	case expression == "":
		return a.filtering("filterArn", arn, values)
	case arn != nil:
		return serving.Filtering{}, invalid("Both filterArn and the header x-usher-filter are given. Give one of them.")
	}
	return serving.Filtering{Expression: expression, Values: values}, nil
}

// filtering gives a filter of the caller's with its values.
func (a *API) filtering(member string, arn *string, values map[string]string) (serving.Filtering, error) {
	if arn == nil {
		if len(values) > 0 {
			return serving.Filtering{}, invalid("filterValues are given without %s. Give both, or neither.", member)
		}
		return serving.Filtering{}, nil
	}
	if _, err := a.opt.ARNs.ParseAs(*arn, catalog.KindFilter); err != nil {
		return serving.Filtering{}, err
	}
	return serving.Filtering{ARN: *arn, Values: values}, nil
}

// promotion gives the one promotion that a request can have.
func (a *API) promotion(list []wire.Promotion) (*serving.Promotion, error) {
	if len(list) == 0 {
		return nil, nil
	}
	p := &list[0]
	switch {
	case p.FilterArn == nil:
		return nil, invalid("promotions.1.filterArn is missing. Give the filter that says which items are promoted.")
	case p.PercentPromotedItems == nil:
		return nil, invalid("promotions.1.percentPromotedItems is missing. Say how much of the answer is promoted, from 1 to 100.")
	}
	f, err := a.filtering("promotions.1.filterArn", p.FilterArn, p.FilterValues)
	if err != nil {
		return nil, err
	}
	return &serving.Promotion{Name: text(p.Name), Percent: int(*p.PercentPromotedItems), Filter: f}, nil
}

// columns gives the columns of metadataColumns, whose one key is ITEMS.
func columns(given map[string][]string) ([]string, error) {
	for name, list := range given {
		if !strings.EqualFold(name, "ITEMS") {
			return nil, invalid("metadataColumns: the key is %q. Only ITEMS is possible: columns of the Items dataset.", name)
		}
		if len(list) == 0 {
			return nil, invalid("metadataColumns.ITEMS is empty. Name the columns to show, or leave metadataColumns out.")
		}
		return list, nil
	}
	return nil, nil
}

func predicted(i *serving.Item) wire.PredictedItem {
	out := wire.PredictedItem{ItemId: &i.ID}
	if i.Scored {
		out.Score = &i.Score
	}
	if i.Reason != "" {
		out.Reason = []string{i.Reason}
	}
	if i.Promotion != "" {
		out.PromotionName = &i.Promotion
	}
	out.Metadata = i.Metadata
	return out
}

// GetPersonalizedRanking puts a list of items into the order that suits a user.
func (a *API) GetPersonalizedRanking(ctx context.Context, in *wire.GetPersonalizedRankingInput) (*wire.GetPersonalizedRankingOutput, error) {
	began := a.opt.Now()
	answer, err := a.rank(ctx, in)
	a.observe("GetPersonalizedRanking", "GetPersonalizedRankingRequests", text(in.CampaignArn), began, err)
	if err != nil {
		return nil, fault(text(in.CampaignArn), err)
	}
	out := &wire.GetPersonalizedRankingOutput{RecommendationId: &answer.ID, PersonalizedRanking: make([]wire.PredictedItem, len(answer.Items))}
	for i := range answer.Items {
		out.PersonalizedRanking[i] = predicted(&answer.Items[i])
	}
	return out, nil
}

func (a *API) rank(ctx context.Context, in *wire.GetPersonalizedRankingInput) (*serving.Answer, error) {
	r, err := a.ranking(ctx, in)
	if err != nil {
		return nil, err
	}
	arm := a.split(ctx, r.Campaign, r.User)
	r.Campaign, r.Tag = arm.Campaign, arm.Tag
	return counted(arm, func() (*serving.Answer, error) { return a.opt.Serving.Rank(ctx, r) })
}

// ranking reads what is asked.
func (a *API) ranking(ctx context.Context, in *wire.GetPersonalizedRankingInput) (r serving.Ranking, err error) {
	if _, err := a.opt.ARNs.ParseAs(text(in.CampaignArn), catalog.KindCampaign); err != nil {
		return r, err
	}
	r = serving.Ranking{Campaign: *in.CampaignArn, User: text(in.UserId), Items: in.InputList, Context: in.Context}
	if r.Filter, err = a.requestFilter(ctx, in.FilterArn, in.FilterValues); err != nil {
		return r, err
	}
	if r.Columns, err = columns(in.MetadataColumns); err != nil {
		return r, err
	}
	return r, nil
}

func invalid(format string, args ...any) error {
	return &serving.Invalid{Msg: fmt.Sprintf(format, args...)}
}

// fault makes AWS's error of ours; unknown errors pass and become a 500.
func fault(arn string, err error) error {
	msg := err.Error()
	var inv *serving.Invalid
	var gone *serving.NoFilter
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

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
