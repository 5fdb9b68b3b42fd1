package runtime

import (
	"context"
	"time"

	"usher/filter"
	"usher/serving"
	"usher/wire"
	runtimewire "usher/wire/personalizeruntime"
)

// RegisterExtensions makes an Extensions serve the calls of this API that AWS does
// not have.
func (a *API) RegisterExtensions(e *wire.Extensions) {
	e.Handle("POST", "explanations", "Explain", a.explain)
	if a.opt.Experiments == nil {
		return
	}
	e.Handle("POST", "experiments", "StartExperiment", a.startExperiment)
	e.Handle("GET", "experiments", "ListExperiments", a.listExperiments)
	e.Handle("GET", "experiments/{name}", "DescribeExperiment", a.describeExperiment)
	e.Handle("DELETE", "experiments/{name}", "EndExperiment", a.endExperiment)
}

// explanationRequest is a GetRecommendations request that asks why, or with a list a
// GetPersonalizedRanking request.
type explanationRequest struct {
	CampaignArn    *string           `json:"campaignArn"`
	RecommenderArn *string           `json:"recommenderArn"`
	UserID         *string           `json:"userId"`
	ItemID         *string           `json:"itemId"`
	NumResults     *int32            `json:"numResults"`
	Context        map[string]string `json:"context"`
	FilterArn      *string           `json:"filterArn"`
	FilterValues   map[string]string `json:"filterValues"`
	Promotions     []struct {
		Name                 *string           `json:"name"`
		PercentPromotedItems *int32            `json:"percentPromotedItems"`
		FilterArn            *string           `json:"filterArn"`
		FilterValues         map[string]string `json:"filterValues"`
	} `json:"promotions"`
	InputList []string `json:"inputList"`
	Items     []string `json:"items"`
}

// explanation is the answer.
type explanation struct {
	RecommendationID string          `json:"recommendationId"`
	Items            []explainedItem `json:"items"`
}

type explainedItem struct {
	ItemID        string        `json:"itemId"`
	Place         int           `json:"place,omitempty"` // in the answer
	Score         *float64      `json:"score,omitempty"`
	Reason        string        `json:"reason,omitempty"`
	Explored      bool          `json:"explored,omitempty"`
	PromotionName string        `json:"promotionName,omitempty"`
	Basis         string        `json:"basis"`
	ModelPlace    int           `json:"modelPlace,omitempty"` // without filters and promotions
	Parts         []part        `json:"parts,omitempty"`
	Events        []cause       `json:"events,omitempty"`
	ScoreWithout  *float64      `json:"scoreWithoutEvents,omitempty"`
	Filter        *filterReport `json:"filter,omitempty"`
	Promotion     *filterReport `json:"promotion,omitempty"`
	AlreadyHad    bool          `json:"alreadyHad,omitempty"`
}

type part struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
}

type cause struct {
	ItemID    string  `json:"itemId"`
	EventType string  `json:"eventType,omitempty"`
	Timestamp string  `json:"timestamp"`
	Effect    float64 `json:"effect"`
}

// filterReport says whether a filter lets an item through, and by which of its
// expressions.
type filterReport struct {
	Passes      bool      `json:"passes"`
	Expressions []verdict `json:"expressions"`
}

type verdict struct {
	Expression string `json:"expression"`
	Counts     bool   `json:"counts"`
	Matches    bool   `json:"matches"`
}

// explain answers POST /usher/v1/explanations.
func (a *API) explain(ctx context.Context, r *wire.ExtensionRequest) (any, error) {
	var in explanationRequest
	if err := r.JSON(&in); err != nil {
		return nil, err
	}
	request, err := a.explainedRequest(ctx, &in)
	if err != nil {
		return nil, err
	}
	request.Campaign = a.split(ctx, request.Campaign, request.User).Campaign
	answer, items, err := a.opt.Serving.Explain(ctx, serving.Question{Request: request, List: in.InputList, Items: in.Items})
	if err != nil {
		return nil, fault(request.Campaign, err)
	}
	out := explanation{RecommendationID: answer.ID, Items: []explainedItem{}}
	for i := range items {
		out.Items = append(out.Items, explainedJSON(&items[i]))
		if in.InputList != nil {
			out.Items[i].ScoreWithout = nil // it is among all items, the score among those of the list
		}
	}
	return out, nil
}

// explainedRequest checks the request by the constraints of the call that it is like.
func (a *API) explainedRequest(ctx context.Context, in *explanationRequest) (serving.Request, error) {
	if in.InputList == nil {
		asked := in.wire()
		if err := asked.Validate(); err != nil {
			return serving.Request{}, err
		}
		r, err := a.request(ctx, asked)
		if err != nil {
			return serving.Request{}, fault(text(in.CampaignArn)+text(in.RecommenderArn), err)
		}
		return r, nil
	}
	if in.RecommenderArn != nil || in.ItemID != nil || in.NumResults != nil || in.Promotions != nil {
		return serving.Request{}, fault("", invalid("inputList asks a campaign for a ranking, which has no recommenderArn, itemId, numResults and promotions."))
	}
	asked := &runtimewire.GetPersonalizedRankingInput{CampaignArn: in.CampaignArn, UserId: in.UserID, InputList: in.InputList, Context: in.Context,
		FilterArn: in.FilterArn, FilterValues: in.FilterValues}
	if err := asked.Validate(); err != nil {
		return serving.Request{}, err
	}
	r, err := a.ranking(ctx, asked)
	if err != nil {
		return serving.Request{}, fault(text(in.CampaignArn), err)
	}
	return serving.Request{Campaign: r.Campaign, User: r.User, Context: r.Context, Filter: r.Filter}, nil
}

// wire gives the request in the form that its constraints are written for.
func (in *explanationRequest) wire() *runtimewire.GetRecommendationsInput {
	out := &runtimewire.GetRecommendationsInput{CampaignArn: in.CampaignArn, RecommenderArn: in.RecommenderArn, UserId: in.UserID, ItemId: in.ItemID,
		NumResults: in.NumResults, Context: in.Context, FilterArn: in.FilterArn, FilterValues: in.FilterValues}
	for _, p := range in.Promotions {
		out.Promotions = append(out.Promotions, runtimewire.Promotion{Name: p.Name, PercentPromotedItems: p.PercentPromotedItems, FilterArn: p.FilterArn, FilterValues: p.FilterValues})
	}
	return out
}

func explainedJSON(e *serving.Explained) explainedItem {
	out := explainedItem{ItemID: e.ID, Place: e.Place, Reason: e.Reason, Explored: e.Explored, PromotionName: e.Item.Promotion, Basis: string(e.Why.Basis), ModelPlace: e.Why.Place,
		Filter: report(e.Filter), Promotion: report(e.Promotion), AlreadyHad: e.AlreadyHad}
	switch {
	case e.Scored:
		out.Score = &e.Score
	case e.Why.Probability > 0:
		out.Score = &e.Why.Probability
	}
	for _, p := range e.Why.Parts {
		out.Parts = append(out.Parts, part{p.Name, p.Value})
	}
	for _, c := range e.Events {
		out.Events = append(out.Events, cause{c.ItemID, c.EventType, c.Time.Format(time.RFC3339), c.Effect})
		out.ScoreWithout = &e.Why.Without
	}
	return out
}

// report is nil where there is no filter.
func report(verdicts []filter.Verdict) *filterReport {
	if verdicts == nil {
		return nil
	}
	out := &filterReport{Passes: filter.Stays(verdicts)}
	for _, v := range verdicts {
		out.Expressions = append(out.Expressions, verdict{v.Expression, v.Counts, v.Matches})
	}
	return out
}
