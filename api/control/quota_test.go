package control

import (
	"fmt"
	"strings"
	"testing"

	"usher/catalog"
)

// TestChangedQuotas: a file of quotas changes those that it names, and lifts
// those that it gives as 0; the others are AWS's.
func TestChangedQuotas(t *testing.T) {
	q, err := ParseQuotas([]byte(`{"dataset-group": 2, "campaign": 0, "filter-fields": 1}`))
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, func(o *Options) { o.Quotas = q })
	r.group("shop", interactionsText)
	r.ok("CreateDatasetGroup", `{"name": "second"}`)
	r.refused("CreateDatasetGroup", `{"name": "third"}`, "LimitExceeded", "Cannot create a dataset group. More than 2 resources in ACTIVE state.")
	v := r.version(r.solution("s0", "aws-sims"), catalog.Active)
	for i := range 7 {
		r.campaign(fmt.Sprint("c", i), v, catalog.Active)
	}
	for i := range 9 {
		r.solution(fmt.Sprint("more", i), "aws-sims")
	}
	r.refused("CreateSolution", `{"name": "last", "datasetGroupArn": "~dataset-group/shop", "recipeArn": "arn:aws:personalize:::recipe/aws-sims"}`, "LimitExceeded", "More than 10")
	r.ok("CreateSchema", fmt.Sprintf(`{"name": "items", "schema": %s}`, itemsText))
	r.ok("CreateDataset", `{"name": "d", "datasetType": "Items", "datasetGroupArn": "~dataset-group/shop", "schemaArn": "~schema/items"}`)
	r.refused("CreateFilter", createFilter("f", "INCLUDE ItemID WHERE Items.GENRE IN ($G) AND Items.PRICE > 1"), "InvalidInput", "a filter can look at 1")
}

// TestBadQuotas: a file that cannot be meant is refused, with what there is.
func TestBadQuotas(t *testing.T) {
	for text, want := range map[string]string{
		`{"campaigns": 5}`:  `"campaigns" is no quota; there are dataset-group, `,
		`{"campaign": -1}`:  `"campaign" is -1`,
		`{"campaign": "5"}`: "not a JSON object of numbers",
		`campaign = 5`:      "not a JSON object of numbers",
	} {
		if _, err := ParseQuotas([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
