package control

import (
	"fmt"
	"strings"
	"testing"

	"usher/catalog"
)

// tags writes n tags with keys that begin with a prefix.
func tags(prefix string, n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf(`{"tagKey": "%s%02d", "tagValue": "v"}`, prefix, i))
	}
	return "[" + strings.Join(list, ", ") + "]"
}

func TestTags(t *testing.T) {
	r := newRig(t)
	r.group("shop", interactionsText)
	set := `, "tags": [{"tagKey": "b", "tagValue": "2"}, {"tagKey": "a", "tagValue": ""}]`
	create := func(op, input, member string) string {
		return r.ok(op, "{"+input+set+"}")[member].(string)
	}
	solution := create("CreateSolution", `"name": "s", "datasetGroupArn": "~dataset-group/shop", "recipeArn": "arn:aws:personalize:::recipe/aws-sims"`, "solutionArn")
	version := create("CreateSolutionVersion", fmt.Sprintf(`"solutionArn": %q`, solution), "solutionVersionArn")
	r.setStatus(version, catalog.Active)
	r.ok("CreateSchema", fmt.Sprintf(`{"name": "items", "schema": %s}`, itemsText))
	for _, arn := range []string{
		solution, version,
		create("CreateCampaign", fmt.Sprintf(`"name": "c", "solutionVersionArn": %q`, version), "campaignArn"),
		create("CreateDatasetGroup", `"name": "tagged"`, "datasetGroupArn"),
		create("CreateDataset", `"name": "d", "datasetType": "Items", "schemaArn": "~schema/items", "datasetGroupArn": "~dataset-group/shop"`, "datasetArn"),
		create("CreateDatasetImportJob", `"jobName": "j", "datasetArn": "~dataset/shop/ITEMS", "dataSource": {"dataLocation": "s3://a/b"}`, "datasetImportJobArn"),
		create("CreateEventTracker", `"name": "e", "datasetGroupArn": "~dataset-group/shop"`, "eventTrackerArn"),
	} {
		resource := fmt.Sprintf(`"resourceArn": %q`, arn)
		list := func(want any) {
			t.Helper()
			r.same(r.ok("ListTagsForResource", "{"+resource+"}"), want, "tags")
		}
		tag := func(k, v string) any { return map[string]any{"tagKey": k, "tagValue": v} }
		list([]any{tag("a", ""), tag("b", "2")})
		r.ok("TagResource", "{"+resource+`, "tags": [{"tagKey": "B", "tagValue": "3"}, {"tagKey": "b", "tagValue": "4"}]}`)
		list([]any{tag("B", "3"), tag("a", ""), tag("b", "4")})
		r.ok("UntagResource", "{"+resource+`, "tagKeys": ["a", "absent"]}`)
		list([]any{tag("B", "3"), tag("b", "4")})
		r.ok("TagResource", "{"+resource+`, "tags": `+tags("k", 48)+"}")
		r.refused("TagResource", "{"+resource+`, "tags": [{"tagKey": "one more", "tagValue": ""}]}`, "TooManyTags", "50")
		r.ok("TagResource", "{"+resource+`, "tags": [{"tagKey": "k00", "tagValue": "new"}]}`)
		if n := len(r.ok("ListTagsForResource", "{"+resource+"}")["tags"].([]any)); n != 50 {
			t.Errorf("%s has %d tags, want 50", arn, n)
		}
	}
}

func TestTagRefusals(t *testing.T) {
	r := newRig(t)
	r.ok("CreateDatasetGroup", `{"name": "shop"}`)
	r.ok("CreateSchema", fmt.Sprintf(`{"name": "items", "schema": %s}`, itemsText))
	const shop = `"resourceArn": "~dataset-group/shop"`
	var keys []string
	for i := range 51 {
		keys = append(keys, fmt.Sprintf(`"k%d"`, i))
	}
	r.refuse([]refusal{
		{"CreateDatasetGroup", `{"name": "x", "tags": ` + tags("k", 51) + `}`, "TooManyTags", []string{"50"}},
		{"CreateDatasetGroup", `{"name": "x", "tags": [{"tagKey": "a", "tagValue": ""}, {"tagKey": "a", "tagValue": ""}]}`, "InvalidInput", []string{`"a" is given twice`}},
		{"CreateDatasetGroup", `{"name": "x", "tags": [{"tagKey": "AWS:x", "tagValue": ""}]}`, "InvalidInput", []string{`"AWS:x"`, "reserved"}},
		{"CreateDatasetGroup", `{"name": "x", "tags": [{"tagKey": "a"}]}`, "InvalidInput", []string{"tags.1.member.tagValue"}},
		{"TagResource", "{" + shop + `, "tags": [{"tagKey": "aws:x", "tagValue": ""}]}`, "InvalidInput", []string{"reserved"}},
		{"TagResource", "{" + shop + `, "tags": ` + tags("k", 51) + `}`, "TooManyTags", nil},
		{"UntagResource", "{" + shop + `, "tagKeys": [` + strings.Join(keys, ", ") + `]}`, "TooManyTagKeys", []string{"50"}},
		{"TagResource", `{"resourceArn": "~schema/items", "tags": []}`, "InvalidInput", []string{"of a schema, which cannot have tags", "dataset group"}},
		{"ListTagsForResource", `{"resourceArn": "~metric-attribution/m"}`, "InvalidInput", []string{"metric attribution"}},
		{"ListTagsForResource", `{"resourceArn": "arn:aws:personalize:::recipe/aws-sims"}`, "InvalidInput", []string{"recipe"}},
		{"ListTagsForResource", `{"resourceArn": "arn:aws:personalize:eu-west-1:123456789012:dataset-group/shop"}`, "InvalidInput", []string{"eu-west-1"}},
		{"ListTagsForResource", `{"resourceArn": "~dataset-group/absent"}`, "ResourceNotFound", []string{"Resource Arn ~dataset-group/absent does not exist."}},
		{"TagResource", `{"resourceArn": "~filter/absent", "tags": []}`, "ResourceNotFound", nil},
		{"UntagResource", `{"resourceArn": "~campaign/absent", "tagKeys": []}`, "ResourceNotFound", nil},
	})
	r.refused("DescribeDatasetGroup", `{"datasetGroupArn": "~dataset-group/x"}`, "ResourceNotFound") // nothing half-made
	r.same(r.ok("ListTagsForResource", "{"+shop+"}"), []any{}, "tags")
}
