package catalog

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestARNs(t *testing.T) {
	a := NewARNs("eu-west-1", "123456789012")
	for _, c := range []struct {
		kind  Kind
		parts []string
		arn   string
	}{
		{KindDatasetGroup, []string{"shop"}, "arn:aws:personalize:eu-west-1:123456789012:dataset-group/shop"},
		{KindSchema, []string{"s-1"}, "arn:aws:personalize:eu-west-1:123456789012:schema/s-1"},
		{KindDataset, []string{"shop", "ACTION_INTERACTIONS"}, "arn:aws:personalize:eu-west-1:123456789012:dataset/shop/ACTION_INTERACTIONS"},
		{KindImportJob, []string{"j"}, "arn:aws:personalize:eu-west-1:123456789012:dataset-import-job/j"},
		{KindEventTracker, []string{"88291ed2"}, "arn:aws:personalize:eu-west-1:123456789012:event-tracker/88291ed2"},
		{KindSolution, []string{"foo"}, "arn:aws:personalize:eu-west-1:123456789012:solution/foo"},
		{KindSolutionVersion, []string{"foo", "236f000b"}, "arn:aws:personalize:eu-west-1:123456789012:solution/foo/236f000b"},
		{KindSolutionVersion, []string{"foo", Latest}, "arn:aws:personalize:eu-west-1:123456789012:solution/foo/$LATEST"},
		{KindCampaign, []string{"c"}, "arn:aws:personalize:eu-west-1:123456789012:campaign/c"},
		{KindFilter, []string{"f"}, "arn:aws:personalize:eu-west-1:123456789012:filter/f"},
		{KindRecipe, []string{"aws-sims"}, "arn:aws:personalize:::recipe/aws-sims"},
		{KindFeatureTransformation, []string{"JSON-percentile-filtering"}, "arn:aws:personalize:::feature-transformation/JSON-percentile-filtering"},
	} {
		if got := a.Of(c.kind, c.parts...); got != c.arn {
			t.Errorf("Of(%s, %q) = %s, want %s", c.kind, c.parts, got, c.arn)
		}
		kind, parts, err := a.Parse(c.arn)
		if err != nil || kind != c.kind || !slices.Equal(parts, c.parts) {
			t.Errorf("Parse(%s) = %s, %q, %v", c.arn, kind, parts, err)
		}
	}
	if got := NewARNs("cn-north-1", "123456789012").Of(KindRecipe, "aws-sims"); got != "arn:aws-cn:personalize:::recipe/aws-sims" {
		t.Errorf("in China: %s", got)
	}
	if got := NewARNs("us-gov-west-1", "123456789012").Of(KindSolution, "s"); got != "arn:aws-us-gov:personalize:us-gov-west-1:123456789012:solution/s" {
		t.Errorf("in GovCloud: %s", got)
	}
}

func TestARNErrors(t *testing.T) {
	a := NewARNs("eu-west-1", "123456789012")
	const us = "arn:aws:personalize:eu-west-1:123456789012:"
	for _, c := range []struct {
		arn  string
		want Kind
		say  []string // what the text must name
	}{
		{"", KindSolution, []string{"not an ARN"}},
		{"solution/foo", KindSolution, []string{"not an ARN"}},
		{"arn:aws:s3:eu-west-1:123456789012:solution/x", KindSolution, []string{"not an ARN"}},
		{us + "gadget/x", KindSolution, []string{"no kind of resource"}},
		{us + "solution/a/b/c", KindSolution, []string{"no kind of resource"}},
		{us + "solution", KindSolution, []string{"malformed"}},
		{us + "solution/", KindSolution, []string{"malformed", "solution/<name>"}},
		{us + "solution/a b", KindSolution, []string{"malformed"}},
		{us + "campaign/$LATEST", KindCampaign, []string{"malformed"}},
		{us + "campaign/c", KindSolution, []string{"is of a campaign", "a solution,", us + "solution/<name>"}},
		{us + "solution/s/0123abcd", KindSolution, []string{"solution version"}},
		{us + "solution/s", KindSolutionVersion, []string{"solution/<name>/<id>"}},
		{"arn:aws:personalize:us-east-1:123456789012:solution/s", KindSolution, []string{"-region us-east-1", us + "solution/s"}},
		{"arn:aws:personalize:eu-west-1:000000000000:solution/s", KindSolution, []string{"-account 000000000000", us + "solution/s"}},
		{"arn:aws-cn:personalize:eu-west-1:123456789012:solution/s", KindSolution, []string{"partition", "-region"}},
		{"arn:aws:personalize:eu-west-1:123456789012:recipe/aws-sims", KindRecipe, []string{"neither region nor account", "arn:aws:personalize:::recipe/aws-sims"}},
		{"arn:aws:personalize:::solution/s", KindSolution, []string{"-region"}},
	} {
		_, err := a.ParseAs(c.arn, c.want)
		var bad *ARNError
		if !errors.As(err, &bad) {
			t.Errorf("%s: %v, want an ARNError", c.arn, err)
			continue
		}
		for _, s := range c.say {
			if !strings.Contains(bad.Msg, s) {
				t.Errorf("%s: the text %q does not say %q", c.arn, bad.Msg, s)
			}
		}
	}
}
