package runtime

import (
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"usher/experiment"
	"usher/wire"
)

// TestExtensionsRefuse: usher's own calls answer mistakes as AWS's calls do. What
// they answer otherwise is tested in serving and experiment, and over HTTP in
// .ci/filters.py.
func TestExtensionsRefuse(t *testing.T) {
	a := api(t)
	e := wire.NewExtensions(wire.Options{Now: time.Now})
	a.RegisterExtensions(e)
	slow := arn + "campaign/slow"
	for _, c := range []struct{ method, path, body, want string }{
		{"POST", "explanations", `{}`, "InvalidInputException: campaignArn is missing"},
		{"POST", "explanations", `{"campaignArn": "` + slow + `", "userId": "u"}`, "InvalidInputException: The campaign " + slow + " is CREATE PENDING"},
		{"POST", "explanations", `{"campaignArn": "` + arn + `campaign/none", "userId": "u"}`, "ResourceNotFoundException"},
		{"POST", "explanations", `{"campaignArn": "` + slow + `", "userId": "` + strings.Repeat("u", 300) + `"}`, "InvalidInputException: 1 validation error"},
		{"POST", "explanations", `{"user": "u"}`, "SerializationException"},
		{"POST", "explanations", `{"campaignArn": "` + slow + `", "userId": "u", "inputList": ["i"], "numResults": 5}`, "InvalidInputException: inputList asks a campaign for a ranking"},
		{"POST", "explanations", `{"campaignArn": "` + slow + `", "inputList": ["i"]}`, "InvalidInputException: 1 validation error"},
		{"POST", "explanations", `{"campaignArn": "` + slow + `", "userId": "u", "inputList": ["i"]}`, "InvalidInputException: The campaign " + slow + " is CREATE PENDING"},
		{"POST", "experiments", `{"name": "a", "arms": []}`, "InvalidInputException: The experiment has 0 arms"},
		{"POST", "experiments", `{"name": "a", "arms": [{"campaignArn": "x", "share": 1}]}`, "InvalidInputException"},
		{"POST", "experiments", `{"name": "a", "arms": [{"campaignArn": "` + slow + `", "share": 1}]}`, "InvalidInputException: The campaign " + slow + " is CREATE PENDING"},
		{"GET", "experiments/none", "", "ResourceNotFoundException: There is no experiment"},
		{"DELETE", "experiments/none", "", "ResourceNotFoundException: There is no experiment"},
		{"GET", "experiments", "", `{"experiments":[]}`},
	} {
		answer := httptest.NewRecorder()
		e.ServeHTTP(answer, httptest.NewRequest(c.method, wire.ExtensionPrefix+c.path, strings.NewReader(c.body)))
		got := answer.Body.String()
		if code := answer.Header().Get("X-Amzn-Errortype"); code != "" {
			got = code + ": " + strings.TrimSuffix(strings.SplitN(got, `"message":"`, 2)[1], `"}`)
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s %s %s: %s, want %s", c.method, c.path, c.body, got, c.want)
		}
	}
}

// TestArmThatCannotAnswer leaves its users to the campaign that they ask.
func TestArmThatCannotAnswer(t *testing.T) {
	a := api(t)
	entry := arn + "campaign/entry"
	_, err := a.opt.Experiments.Start(t.Context(), "e", "group", []experiment.Arm{{Campaign: entry, Share: .1}, {Campaign: arn + "campaign/deleted", Share: .5}, {Campaign: arn + "campaign/slow", Share: .4}})
	if err != nil {
		t.Fatal(err)
	}
	for u := range 50 {
		if got := a.split(t.Context(), entry, strconv.Itoa(u)); got.Campaign != entry {
			t.Fatalf("user %d is answered by %s", u, got.Campaign)
		}
	}
}
