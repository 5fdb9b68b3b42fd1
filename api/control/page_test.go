package control

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"usher/catalog"
)

// pages reads a whole list, page by page, and gives a member of its entries.
func (r *rig) pages(op, key, member, rest string, most int, between func(page int)) (out []string) {
	r.Helper()
	token := ""
	for page := 0; ; page++ {
		answer := r.ok(op, fmt.Sprintf(`{"maxResults": %d%s%s}`, most, rest, token))
		entries := answer[key].([]any)
		if len(entries) > most {
			r.Fatalf("%s: %d entries on a page of %d", op, len(entries), most)
		}
		for _, e := range entries {
			out = append(out, e.(map[string]any)[member].(string))
		}
		next, more := answer["nextToken"].(string)
		if !more {
			return out
		}
		if len(entries) < most {
			r.Errorf("%s: a page of %d entries says there are more", op, len(entries))
		}
		token = fmt.Sprintf(`, "nextToken": %q`, next)
		if between != nil {
			between(page)
		}
	}
}

// TestPagesWhileThingsChange deletes and creates between the pages: what is
// there all the time is seen exactly once, in order.
func TestPagesWhileThingsChange(t *testing.T) {
	r := newRig(t)
	var want []string
	for i := range 9 {
		name := fmt.Sprintf("g%d", i)
		r.ok("CreateDatasetGroup", fmt.Sprintf(`{"name": %q}`, name))
		want = append([]string{name}, want...) // newest first
	}
	if got := r.pages("ListDatasetGroups", "datasetGroups", "name", "", 100, nil); !slices.Equal(got, want) {
		t.Errorf("one page: %v, want %v", got, want)
	}
	for _, most := range []int{1, 2, 3, 9} {
		if got := r.pages("ListDatasetGroups", "datasetGroups", "name", "", most, nil); !slices.Equal(got, want) {
			t.Errorf("pages of %d: %v, want %v", most, got, want)
		}
	}
	got := r.pages("ListDatasetGroups", "datasetGroups", "name", "", 2, func(page int) {
		switch page {
		case 0: // g8 and g7 have been seen; the page ended with g7
			r.ok("DeleteDatasetGroup", `{"datasetGroupArn": "~dataset-group/g7"}`)
			r.ok("DeleteDatasetGroup", `{"datasetGroupArn": "~dataset-group/g3"}`)
		case 1:
			r.ok("CreateDatasetGroup", `{"name": "new"}`)
		}
	})
	want = []string{"g8", "g7", "g6", "g5", "g4", "g2", "g1", "g0"}
	if !slices.Equal(got, want) {
		t.Errorf("while things change: %v, want %v", got, want)
	}
}

// TestFilters lists by parent.
func TestFilters(t *testing.T) {
	r := newRig(t)
	r.group("shop", interactionsText)
	r.group("other", interactionsText)
	r.ok("CreateEventTracker", `{"name": "t1", "datasetGroupArn": "~dataset-group/shop"}`)
	r.ok("CreateEventTracker", `{"name": "t2", "datasetGroupArn": "~dataset-group/other"}`)
	one, two := r.solution("one", "aws-sims"), r.solution("two", "aws-sims")
	r.ok("CreateSolution", `{"name": "o", "datasetGroupArn": "~dataset-group/other", "recipeArn": "arn:aws:personalize:::recipe/aws-sims"}`)
	v1, v2 := r.version(one, catalog.Active), r.version(two, catalog.Active)
	v3 := r.version(two, catalog.Active)
	r.campaign("c1", v1, catalog.Active)
	r.campaign("c2", v2, catalog.Active)
	for i, group := range []string{"shop", "other"} {
		r.ok("CreateDatasetImportJob", fmt.Sprintf(`{"jobName": "j%d", "datasetArn": "~dataset/%s/INTERACTIONS", "dataSource": {"dataLocation": "s3://a/b"}}`, i, group))
	}
	for _, c := range []struct {
		op, key, member, rest string
		want                  []string
	}{
		{"ListDatasets", "datasets", "datasetArn", "", []string{"~dataset/other/INTERACTIONS", "~dataset/shop/INTERACTIONS"}},
		{"ListDatasets", "datasets", "datasetArn", `, "datasetGroupArn": "~dataset-group/shop"`, []string{"~dataset/shop/INTERACTIONS"}},
		{"ListSchemas", "schemas", "name", "", []string{"other-interactions", "shop-interactions"}},
		{"ListEventTrackers", "eventTrackers", "name", "", []string{"t2", "t1"}},
		{"ListEventTrackers", "eventTrackers", "name", `, "datasetGroupArn": "~dataset-group/shop"`, []string{"t1"}},
		{"ListSolutions", "solutions", "name", "", []string{"o", "two", "one"}},
		{"ListSolutions", "solutions", "name", `, "datasetGroupArn": "~dataset-group/shop"`, []string{"two", "one"}},
		{"ListSolutionVersions", "solutionVersions", "solutionVersionArn", "", []string{v3, v2, v1}},
		{"ListSolutionVersions", "solutionVersions", "solutionVersionArn", `, "solutionArn": "~solution/two"`, []string{v3, v2}},
		{"ListCampaigns", "campaigns", "name", "", []string{"c2", "c1"}},
		{"ListCampaigns", "campaigns", "name", `, "solutionArn": "~solution/one"`, []string{"c1"}},
		{"ListDatasetImportJobs", "datasetImportJobs", "jobName", "", []string{"j1", "j0"}},
		{"ListDatasetImportJobs", "datasetImportJobs", "jobName", `, "datasetArn": "~dataset/other/INTERACTIONS"`, []string{"j1"}},
		{"ListRecipes", "recipes", "name", `, "domain": "ECOMMERCE"`, []string{
			"aws-ecomm-customers-who-viewed-x-also-viewed", "aws-ecomm-frequently-bought-together",
			"aws-ecomm-popular-items-by-purchases", "aws-ecomm-popular-items-by-views", "aws-ecomm-recommended-for-you"}},
	} {
		for _, most := range []int{1, 2, 100} {
			if got := r.pages(c.op, c.key, c.member, c.rest, most, nil); !slices.Equal(got, c.want) {
				t.Errorf("%s%s, pages of %d: %v, want %v", c.op, c.rest, most, got, c.want)
			}
		}
	}
}

// TestForeignTokens sends tokens where they were not given.
func TestForeignTokens(t *testing.T) {
	r := newRig(t)
	for _, name := range []string{"a", "b", "c"} {
		r.ok("CreateDatasetGroup", fmt.Sprintf(`{"name": %q}`, name))
		r.ok("CreateSchema", fmt.Sprintf(`{"name": %q, "schema": %s}`, name, itemsText))
		r.ok("CreateDataset", fmt.Sprintf(`{"name": %[1]q, "datasetType": "Items", "schemaArn": "~schema/%[1]s", "datasetGroupArn": "~dataset-group/%[1]s"}`, name))
	}
	token := func(op, rest string) string {
		return r.ok(op, `{"maxResults": 1`+rest+`}`)["nextToken"].(string)
	}
	groups, schemas, datasets, recipes := token("ListDatasetGroups", ""), token("ListSchemas", ""), token("ListDatasets", ""), token("ListRecipes", `, "domain": "ECOMMERCE"`)
	with := func(token string) string { return fmt.Sprintf(`{"nextToken": %q}`, token) }
	forged := base64.RawURLEncoding.EncodeToString([]byte("0123456789ab17000000.00"))
	position := newPage("ListSchemas", nil, nil).token("no position")
	for _, c := range []refusal{
		{"ListDatasetGroups", with(schemas), "InvalidNextToken", nil},
		{"ListSchemas", with(groups), "InvalidNextToken", nil},
		{"ListDatasets", fmt.Sprintf(`{"nextToken": %q, "datasetGroupArn": "~dataset-group/a"}`, datasets), "InvalidNextToken", nil},
		{"ListRecipes", with(recipes), "InvalidNextToken", nil},
		{"ListRecipes", with(groups), "InvalidNextToken", nil},
		{"ListDatasetGroups", with(""), "InvalidNextToken", nil},
		{"ListDatasetGroups", with("!"), "InvalidNextToken", nil},
		{"ListDatasetGroups", with(forged), "InvalidNextToken", nil},
		{"ListDatasetGroups", with(groups[1:]), "InvalidNextToken", nil},
		{"ListDatasetGroups", with(groups + "A"), "InvalidNextToken", nil},
		{"ListDatasetGroups", with(strings.ToUpper(groups)), "InvalidNextToken", nil},
		{"ListSchemas", with(*position), "InvalidNextToken", nil},
		{"ListSchemas", with(schemas), "", nil},
	} {
		if c.code == "" {
			r.ok(c.op, c.input)
			continue
		}
		r.refused(c.op, c.input, c.code)
	}
	r.refused("ListSchemas", `{"maxResults": 101}`, "ValidationException"[:len("Validation")]) // ListSchemas models no InvalidInput
	r.refused("ListDatasets", `{"maxResults": 0}`, "InvalidInput")
}

// FuzzPosition reads tokens: only those that were made for the list are good.
func FuzzPosition(f *testing.F) {
	p := newPage("ListThings", nil, nil, "a")
	f.Add(*p.token("1700000000000000.0123456789abcdef"))
	f.Add("")
	f.Add("AAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, token string) {
		p.next = &token
		position, err := p.position()
		if err == nil && *p.token(position) != token {
			t.Errorf("%q is read as %q, whose token is %q", token, position, *p.token(position))
		}
		if back := p.token(token); back != nil {
			p.next = back
			if got, err := p.position(); err != nil || got != token {
				t.Errorf("the token of %q is read as %q, %v", token, got, err)
			}
		}
	})
}
