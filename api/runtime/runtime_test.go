package runtime

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/catalog"
	"usher/experiment"
	"usher/internal/worldtest"
	"usher/serving"
	wire "usher/wire/personalizeruntime"
)

// api gives the API of a server without campaigns but one, which is pending.
func api(t *testing.T) *API {
	w := worldtest.New(t, nil)
	s := serving.New(serving.Options{DB: w.DB, History: w.History, Blobs: w.Blobs, Now: time.Now, NewID: func() string { return "RID-1" }, Log: slog.New(slog.DiscardHandler)})
	w.Closing(s.Close)
	w.Create(&catalog.Campaign{Meta: catalog.Meta{ARN: arn + "campaign/slow", Status: catalog.Pending}})
	x, err := experiment.Open(t.Context(), experiment.Options{Records: w.DB.Documents(), Logs: w.Logs.Log, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return New(Options{Serving: s, Experiments: x, ARNs: catalog.NewARNs("us-east-1", "000000000000"), Metrics: metrics.NewSet(), Now: time.Now})
}

const arn = "arn:aws:personalize:us-east-1:000000000000:"

func ptr[T any](v T) *T { return &v }

// TestErrorsAreAWSs asks for what cannot be answered. Answers are tested in
// serving, and over HTTP in node.
func TestErrorsAreAWSs(t *testing.T) {
	a := api(t)
	slow := ptr(arn + "campaign/slow")
	for name, c := range map[string]struct {
		in         wire.GetRecommendationsInput
		code, text string
	}{
		"nothing":             {wire.GetRecommendationsInput{}, "InvalidInputException", "campaignArn is missing"},
		"two":                 {wire.GetRecommendationsInput{CampaignArn: slow, RecommenderArn: slow}, "InvalidInputException", "one of them"},
		"a recommender":       {wire.GetRecommendationsInput{RecommenderArn: ptr(arn + "recommender/x")}, "ResourceNotFoundException", "recommender/x does not exist. ListRecommenders"},
		"no recommender":      {wire.GetRecommendationsInput{RecommenderArn: slow}, "InvalidInputException", "of a campaign"},
		"a filter":            {wire.GetRecommendationsInput{CampaignArn: slow, FilterArn: ptr(arn + "solution/x")}, "InvalidInputException", "of a solution"},
		"values of no filter": {wire.GetRecommendationsInput{CampaignArn: slow, FilterValues: map[string]string{"a": "b"}}, "InvalidInputException", "filterArn"},
		"promotions":          {wire.GetRecommendationsInput{CampaignArn: slow, Promotions: []wire.Promotion{{}}}, "InvalidInputException", "promotions.1.filterArn is missing"},
		"no percent":          {wire.GetRecommendationsInput{CampaignArn: slow, Promotions: []wire.Promotion{{FilterArn: ptr(arn + "filter/x")}}}, "InvalidInputException", "percentPromotedItems is missing"},
		"metadata":            {wire.GetRecommendationsInput{CampaignArn: slow, MetadataColumns: map[string][]string{"USERS": {"X"}}}, "InvalidInputException", "Only ITEMS"},
		"no column":           {wire.GetRecommendationsInput{CampaignArn: slow, MetadataColumns: map[string][]string{"ITEMS": {}}}, "InvalidInputException", "ITEMS is empty"},
		"no ARN":              {wire.GetRecommendationsInput{CampaignArn: ptr("slow")}, "InvalidInputException", "not an ARN"},
		"another kind":        {wire.GetRecommendationsInput{CampaignArn: ptr(arn + "solution/x")}, "InvalidInputException", "of a solution"},
		"another region":      {wire.GetRecommendationsInput{CampaignArn: ptr(strings.Replace(*slow, "us-east-1", "eu-west-1", 1))}, "InvalidInputException", "-region eu-west-1"},
		"absent":              {wire.GetRecommendationsInput{CampaignArn: ptr(arn + "campaign/none")}, "ResourceNotFoundException", "campaign/none does not exist"},
		"pending":             {wire.GetRecommendationsInput{CampaignArn: slow, UserId: ptr("u")}, "InvalidInputException", "CREATE PENDING"},
		"too many results":    {wire.GetRecommendationsInput{CampaignArn: slow, UserId: ptr("u"), NumResults: ptr(int32(501))}, "InvalidInputException", "500"},
	} {
		_, err := a.GetRecommendations(t.Context(), &c.in)
		expect(t, name, err, c.code, c.text)
	}
	_, err := a.GetPersonalizedRanking(t.Context(), &wire.GetPersonalizedRankingInput{CampaignArn: ptr(arn + "campaign/none")})
	expect(t, "ranking of an absent campaign", err, "ResourceNotFoundException", "campaign/none")
	_, err = a.GetActionRecommendations(t.Context(), &wire.GetActionRecommendationsInput{CampaignArn: ptr("x")})
	expect(t, "actions of no ARN", err, "InvalidInputException", "not an ARN")
	_, err = a.GetActionRecommendations(t.Context(), &wire.GetActionRecommendationsInput{})
	expect(t, "actions of nothing", err, "InvalidInputException", "campaignArn")
	for text, in := range map[string]wire.GetActionRecommendationsInput{
		"userId is missing":            {CampaignArn: slow},
		"1 to 100":                     {CampaignArn: slow, UserId: ptr("u"), NumResults: ptr(int32(101))},
		"without filterArn":            {CampaignArn: slow, UserId: ptr("u"), FilterValues: map[string]string{"a": "b"}},
		"of a solution":                {CampaignArn: slow, UserId: ptr("u"), FilterArn: ptr(arn + "solution/x")},
		"CREATE PENDING":               {CampaignArn: slow, UserId: ptr("u"), NumResults: ptr(int32(100))},
		"campaign/none does not exist": {CampaignArn: ptr(arn + "campaign/none"), UserId: ptr("u")},
	} {
		code := "InvalidInputException"
		if strings.HasSuffix(text, "exist") {
			code = "ResourceNotFoundException"
		}
		_, err := a.GetActionRecommendations(t.Context(), &in)
		expect(t, "actions: "+text, err, code, text)
	}
}

func expect(t *testing.T, name string, err error, code, text string) {
	t.Helper()
	var coded interface{ ErrorCode() string }
	if !errors.As(err, &coded) || coded.ErrorCode() != code || !strings.Contains(err.Error(), text) {
		t.Errorf("%s: got %v", name, err)
	}
}
