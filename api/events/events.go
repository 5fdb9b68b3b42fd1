// Package events is the meaning of the five calls of the personalize-events API.
//
// It turns AWS's shapes into ingest's and ingest's errors into AWS's; a 200
// means that the data is on disk and that the next request sees it.
package events

import (
	"context"
	"errors"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/catalog"
	"usher/dataset"
	"usher/ingest"
	wire "usher/wire/personalizeevents"
)

// Options configure the API.
type Options struct {
	Ingest  *ingest.Ingest
	ARNs    catalog.ARNs
	Metrics *metrics.Set
	Now     func() time.Time
}

// API implements the service. All methods may be called concurrently.
type API struct{ opt Options }

var _ wire.API = (*API)(nil)

// New gives the API.
func New(opt Options) *API { return &API{opt} }

// PutEvents records what users did.
func (a *API) PutEvents(ctx context.Context, in *wire.PutEventsInput) (*wire.PutEventsOutput, error) {
	list := make([]ingest.Event, len(in.EventList))
	for i := range in.EventList {
		list[i] = event(&in.EventList[i])
	}
	began := a.opt.Now()
	err := a.opt.Ingest.PutEvents(ctx, *in.TrackingId, text(in.UserId), *in.SessionId, list)
	a.observe("PutEvents", "PutEventLatency", "TrackingId", *in.TrackingId, began, err)
	if err != nil {
		return nil, fault(err)
	}
	return &wire.PutEventsOutput{}, nil
}

func event(e *wire.Event) ingest.Event {
	out := ingest.Event{
		ID: text(e.EventId), Type: *e.EventType, Item: text(e.ItemId), SentAt: *e.SentAt,
		Properties: text(e.Properties), Impression: e.Impression, RecommendationID: text(e.RecommendationId),
	}
	if e.EventValue != nil {
		v := float64(*e.EventValue)
		out.Value = &v
	}
	if e.MetricAttribution != nil {
		out.Source = text(e.MetricAttribution.EventAttributionSource)
	}
	return out
}

// PutItems adds or replaces items.
func (a *API) PutItems(ctx context.Context, in *wire.PutItemsInput) (*wire.PutItemsOutput, error) {
	list := make([]ingest.Entity, len(in.Items))
	for i, x := range in.Items {
		list[i] = ingest.Entity{ID: *x.ItemId, Properties: text(x.Properties)}
	}
	if err := a.put(ctx, "PutItems", *in.DatasetArn, dataset.Items, list); err != nil {
		return nil, err
	}
	return &wire.PutItemsOutput{}, nil
}

// PutUsers adds or replaces users.
func (a *API) PutUsers(ctx context.Context, in *wire.PutUsersInput) (*wire.PutUsersOutput, error) {
	list := make([]ingest.Entity, len(in.Users))
	for i, x := range in.Users {
		list[i] = ingest.Entity{ID: *x.UserId, Properties: text(x.Properties)}
	}
	if err := a.put(ctx, "PutUsers", *in.DatasetArn, dataset.Users, list); err != nil {
		return nil, err
	}
	return &wire.PutUsersOutput{}, nil
}

func (a *API) put(ctx context.Context, call, arn string, t dataset.Type, list []ingest.Entity) error {
	began := a.opt.Now()
	_, err := a.opt.ARNs.ParseAs(arn, catalog.KindDataset)
	if err == nil {
		err = a.opt.Ingest.Put(ctx, arn, t, list)
	}
	a.observe(call, call+"Latency", "DatasetArn", arn, began, err)
	if errors.Is(err, catalog.ErrNotFound) {
		msg := "Resource Arn " + arn + " does not exist. ListDatasets shows those that do."
		return &wire.ResourceNotFoundException{Message: &msg}
	}
	return fault(err)
}

// PutActions adds or replaces actions.
func (a *API) PutActions(ctx context.Context, in *wire.PutActionsInput) (*wire.PutActionsOutput, error) {
	list := make([]ingest.Entity, len(in.Actions))
	for i, x := range in.Actions {
		list[i] = ingest.Entity{ID: *x.ActionId, Properties: text(x.Properties)}
	}
	if err := a.put(ctx, "PutActions", *in.DatasetArn, dataset.Actions, list); err != nil {
		return nil, err
	}
	return &wire.PutActionsOutput{}, nil
}

// PutActionInteractions records what users did with actions.
func (a *API) PutActionInteractions(ctx context.Context, in *wire.PutActionInteractionsInput) (*wire.PutActionInteractionsOutput, error) {
	list := make([]ingest.ActionEvent, len(in.ActionInteractions))
	for i, x := range in.ActionInteractions {
		list[i] = ingest.ActionEvent{User: text(x.UserId), Session: *x.SessionId, Event: ingest.Event{
			ID: text(x.EventId), Type: *x.EventType, Item: *x.ActionId, SentAt: *x.Timestamp, Properties: text(x.Properties),
			Impression: x.Impression, RecommendationID: text(x.RecommendationId),
		}}
	}
	began := a.opt.Now()
	err := a.opt.Ingest.PutActionInteractions(ctx, *in.TrackingId, list)
	a.observe("PutActionInteractions", "PutActionInteractionsLatency", "TrackingId", *in.TrackingId, began, err)
	if err != nil {
		return nil, fault(err)
	}
	return &wire.PutActionInteractionsOutput{}, nil
}

// fault makes AWS's error of ours; nil and unknown errors pass, and the latter
// become a 500.
func fault(err error) error {
	var invalid *ingest.Invalid
	var malformed *catalog.ARNError
	var notReady *ingest.NotReady
	switch {
	case errors.As(err, &invalid), errors.As(err, &malformed):
		msg := err.Error()
		return &wire.InvalidInputException{Message: &msg}
	case errors.As(err, &notReady):
		msg := err.Error()
		return &wire.ResourceInUseException{Message: &msg}
	}
	return err
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
