package events

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/catalog"
	"usher/dataset"
	"usher/ingest"
	"usher/internal/worldtest"
	wire "usher/wire/personalizeevents"
)

const (
	interactions = `{"type":"record","name":"Interactions","fields":[{"name":"USER_ID","type":"string"},{"name":"ITEM_ID","type":"string"},{"name":"TIMESTAMP","type":"long"}]}`
	items        = `{"type":"record","name":"Items","fields":[{"name":"ITEM_ID","type":"string"},{"name":"GENRES","type":"string","categorical":true}]}`
	actions      = `{"type":"record","name":"Actions","fields":[{"name":"ACTION_ID","type":"string"},{"name":"VALUE","type":["null","long"]}]}`
	actioned     = `{"type":"record","name":"ActionInteractions","fields":[{"name":"USER_ID","type":"string"},{"name":"ACTION_ID","type":"string"},{"name":"EVENT_TYPE","type":"string"},{"name":"TIMESTAMP","type":"long"}]}`
	users        = `{"type":"record","name":"Users","fields":[{"name":"USER_ID","type":"string"},{"name":"AGE","type":"int"}]}`
)

// api gives the API over a group "shop" with all five datasets and the tracking ids
// "track" and, of action interactions, "acted".
func api(t *testing.T) (*API, *worldtest.Group) {
	arns := catalog.NewARNs("us-east-1", "000000000000")
	g := worldtest.New(t, nil).NewGroup(arns.Of(catalog.KindDatasetGroup, "shop"))
	in := ingest.New(ingest.Options{DB: g.DB, Logs: g.Logs, History: g.History, Blobs: g.Blobs, Buckets: g.Buckets, Log: slog.New(slog.DiscardHandler)})
	g.Closing(in.Close)
	g.Create(&catalog.EventTracker{Meta: catalog.Meta{ARN: "tracker", Group: g.Record.ARN, Status: catalog.Active}, TrackingID: "track"})
	for kind, text := range map[dataset.Type]string{dataset.Interactions: interactions, dataset.Items: items, dataset.Users: users,
		dataset.Actions: actions, dataset.ActionInteractions: actioned} {
		d := &catalog.Dataset{Meta: catalog.Meta{ARN: arns.Of(catalog.KindDataset, "shop", string(kind))}, Type: string(kind)}
		if kind == dataset.ActionInteractions {
			d.TrackingID = "acted"
		}
		g.AddDataset(d, text)
	}
	return New(Options{Ingest: in, ARNs: arns, Metrics: metrics.NewSet(), Now: time.Now}), g
}

func ptr[T any](v T) *T { return &v }

const shop = "arn:aws:personalize:us-east-1:000000000000:dataset/shop/"

func TestAllThatIsPutIsThere(t *testing.T) {
	a, g := api(t)
	ctx := t.Context()
	_, err := a.PutEvents(ctx, &wire.PutEventsInput{TrackingId: ptr("track"), SessionId: ptr("s"), UserId: ptr("u"), EventList: []wire.Event{
		{EventType: ptr("view"), ItemId: ptr("i1"), SentAt: ptr(time.Unix(5, 0)), EventValue: ptr(float32(2)), MetricAttribution: &wire.MetricAttribution{EventAttributionSource: ptr("mail")}},
		{EventType: ptr("view"), ItemId: ptr("i2"), SentAt: ptr(time.Unix(4, 0)), Impression: []string{"i2", "i3"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.PutItems(ctx, &wire.PutItemsInput{DatasetArn: ptr(shop + "ITEMS"), Items: []wire.Item{{ItemId: ptr("i1"), Properties: ptr(`{"genres":"a"}`)}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.PutUsers(ctx, &wire.PutUsersInput{DatasetArn: ptr(shop + "USERS"), Users: []wire.User{{UserId: ptr("u"), Properties: ptr(`{"age":30}`)}}}); err != nil {
		t.Fatal(err)
	}
	s := g.Snapshot()
	var events []string
	for _, e := range s.Events {
		events = append(events, fmt.Sprintf("%s@%d", s.ItemIDs[e.Item], e.Time))
	}
	if got := strings.Join(events, " "); got != "i2@4 i1@5" {
		t.Errorf("events %s", got)
	}
	if s.ItemTable.Row(0)[1].Str != "a" || s.UserTable.Row(0)[1].Int != 30 {
		t.Errorf("records %v %v", s.ItemTable.Row(0), s.UserTable.Row(0))
	}
}

func TestErrorsAreAWSs(t *testing.T) {
	a, _ := api(t)
	event := []wire.Event{{EventType: ptr("view"), SentAt: ptr(time.Unix(5, 0))}}
	for name, c := range map[string]struct {
		call func(ctx context.Context) error
		code string
		text string
	}{
		"unknown tracking id": {func(ctx context.Context) error {
			_, err := a.PutEvents(ctx, &wire.PutEventsInput{TrackingId: ptr("x"), SessionId: ptr("s"), EventList: event})
			return err
		}, "InvalidInputException", "tracking id"},
		"no itemId": {func(ctx context.Context) error {
			_, err := a.PutEvents(ctx, &wire.PutEventsInput{TrackingId: ptr("track"), SessionId: ptr("s"), EventList: event})
			return err
		}, "InvalidInputException", "eventList.1.member: itemId is missing"},
		"malformed ARN": {func(ctx context.Context) error {
			_, err := a.PutItems(ctx, &wire.PutItemsInput{DatasetArn: ptr("shop")})
			return err
		}, "InvalidInputException", "not an ARN"},
		"absent dataset": {func(ctx context.Context) error {
			_, err := a.PutItems(ctx, &wire.PutItemsInput{DatasetArn: ptr("arn:aws:personalize:us-east-1:000000000000:dataset/other/ITEMS")})
			return err
		}, "ResourceNotFoundException", "does not exist"},
		"wrong dataset": {func(ctx context.Context) error {
			_, err := a.PutUsers(ctx, &wire.PutUsersInput{DatasetArn: ptr(shop + "ITEMS")})
			return err
		}, "InvalidInputException", "of type ITEMS"},
		"items in a dataset of actions": {func(ctx context.Context) error {
			_, err := a.PutItems(ctx, &wire.PutItemsInput{DatasetArn: ptr(shop + "ACTIONS")})
			return err
		}, "InvalidInputException", "of type ACTIONS"},
		"an action's property": {func(ctx context.Context) error {
			_, err := a.PutActions(ctx, &wire.PutActionsInput{DatasetArn: ptr(shop + "ACTIONS"), Actions: []wire.Action{{ActionId: ptr("a"), Properties: ptr(`{"value":"much"}`)}}})
			return err
		}, "InvalidInputException", "actions.1.member: properties.value: column VALUE"},
		"events with the tracking id of actions": {func(ctx context.Context) error {
			_, err := a.PutEvents(ctx, &wire.PutEventsInput{TrackingId: ptr("acted"), SessionId: ptr("s"), EventList: event})
			return err
		}, "InvalidInputException", "PutActionInteractions"},
		"action interactions with the tracking id of events": {func(ctx context.Context) error {
			_, err := a.PutActionInteractions(ctx, &wire.PutActionInteractionsInput{TrackingId: ptr("track")})
			return err
		}, "InvalidInputException", "ACTION_INTERACTIONS"},
		"a type that actions do not have": {func(ctx context.Context) error {
			_, err := a.PutActionInteractions(ctx, &wire.PutActionInteractionsInput{TrackingId: ptr("acted"), ActionInteractions: []wire.ActionInteraction{
				{ActionId: ptr("a"), SessionId: ptr("s"), EventType: ptr("Click"), Timestamp: ptr(time.Unix(5, 0))}}})
			return err
		}, "InvalidInputException", `actionInteractions.1.member: the eventType "Click"`},
	} {
		err := c.call(t.Context())
		var coded interface{ ErrorCode() string }
		if !errors.As(err, &coded) || coded.ErrorCode() != c.code || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
