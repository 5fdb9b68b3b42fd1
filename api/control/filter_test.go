package control

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// filtered makes a group with Interactions, and Items of many columns.
func filtered(t *testing.T, set ...func(*Options)) *rig {
	r := newRig(t, set...)
	r.group("shop", interactionsText)
	fields := []string{"ITEM_ID string", "GENRE string categorical", `ADULT ["null", "boolean"]`}
	for i := range 24 {
		fields = append(fields, fmt.Sprintf(`N%d ["null", "int"]`, i))
	}
	r.ok("CreateSchema", fmt.Sprintf(`{"name": "items", "schema": %s}`, schemaText("Items", fields...)))
	r.ok("CreateDataset", `{"name": "i", "datasetType": "Items", "datasetGroupArn": "~dataset-group/shop", "schemaArn": "~schema/items"}`)
	return r
}

func createFilter(name, expression string) string {
	return fmt.Sprintf(`{"name": %q, "datasetGroupArn": "~dataset-group/shop", "filterExpression": %q}`, name, expression)
}

func TestFilterLife(t *testing.T) {
	r := filtered(t)
	const src = `INCLUDE ItemID WHERE Items.genre IN ($g)  | EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("buy")`
	r.same(r.ok("CreateFilter", createFilter("f", src)), "~filter/f", "filterArn")
	r.refused("CreateFilter", createFilter("f", src), "ResourceAlreadyExists", "~filter/f already exists")
	d := r.ok("DescribeFilter", `{"filterArn": "~filter/f"}`)
	for member, want := range map[string]any{"name": "f", "filterArn": "~filter/f", "datasetGroupArn": "~dataset-group/shop",
		"status": "ACTIVE", "filterExpression": src, "failureReason": nil} {
		r.same(d, want, "filter", member)
	}
	r.ok("CreateFilter", createFilter("g", `EXCLUDE ItemID WHERE Items.N1 < 3`))
	if got := r.pages("ListFilters", "Filters", "name", `, "datasetGroupArn": "~dataset-group/shop"`, 1, nil); !slices.Equal(got, []string{"g", "f"}) {
		t.Errorf("listed: %q", got)
	}
	if got := r.pages("ListFilters", "Filters", "name", `, "datasetGroupArn": "~dataset-group/other"`, 1, nil); len(got) > 0 {
		t.Errorf("of another group: %q", got)
	}
	r.ok("TagResource", `{"resourceArn": "~filter/f", "tags": [{"tagKey": "a", "tagValue": "b"}]}`)
	for _, kind := range []string{"INTERACTIONS", "ITEMS"} {
		r.ok("DeleteDataset", fmt.Sprintf(`{"datasetArn": "~dataset/shop/%s"}`, kind))
	}
	r.refused("DeleteDatasetGroup", `{"datasetGroupArn": "~dataset-group/shop"}`, "ResourceInUse", "~filter/f, ~filter/g")
	r.ok("DeleteFilter", `{"filterArn": "~filter/f"}`)
	r.ok("DeleteFilter", `{"filterArn": "~filter/g"}`)
	r.refused("DescribeFilter", `{"filterArn": "~filter/f"}`, "ResourceNotFound", "~filter/f does not exist")
	r.ok("DeleteDatasetGroup", `{"datasetGroupArn": "~dataset-group/shop"}`)
}

func TestFilterMistakes(t *testing.T) {
	r := filtered(t)
	for src, want := range map[string]string{
		`INCLUDE ItemID WHERE Items.GENRE NOT IN ($g)`: "Could not create filter. Invalid input symbol: $g. Placeholders are not allowed with NOT_IN operator.",
		`INCLUDE ItemID WHERE Items.ADULT = "true"`:    "Could not create filter. Invalid Expression: Items.ADULT is a boolean column",
		`INCLUDE ItemID WHERE Items.GENRE IN`:          "a list in parentheses was expected at character 36, where the end stands",
		`INCLUDE ItemID WHERE Items.COLOUR IN ("a")`:   `no column "COLOUR"`,
		`INCLUDE UserID WHERE Users.AGE = 3`:           "no dataset of type USERS",
	} {
		r.refused("CreateFilter", createFilter("f", src), "InvalidInput", want)
	}
	r.refused("CreateFilter", createFilter("f", strings.Repeat("x", 2501)), "InvalidInput", "filterExpression")
	r.refused("DescribeFilter", `{"filterArn": "~filter/f"}`, "ResourceNotFound")
}

// TestFilterQuotas: thirty filters, ten columns in one, twenty in all.
func TestFilterQuotas(t *testing.T) {
	condition := func(from, to int) string {
		var list []string
		for i := from; i < to; i++ {
			list = append(list, fmt.Sprintf("Items.N%d = 1", i))
		}
		return "INCLUDE ItemID WHERE " + strings.Join(list, " OR ")
	}
	for _, enforced := range []bool{true, false} {
		r := filtered(t, func(o *Options) { o.Quotas.AWS = enforced })
		refused := func(code, input, text string) {
			t.Helper()
			if enforced {
				r.refused("CreateFilter", input, code, text)
			} else {
				r.ok("CreateFilter", input)
			}
		}
		refused("InvalidInput", createFilter("wide", condition(0, 11)), "a filter can look at 10")
		r.ok("CreateFilter", createFilter("a", condition(0, 10)))
		r.ok("CreateFilter", createFilter("b", condition(10, 20)))
		refused("LimitExceeded", createFilter("c", condition(15, 21)), "would look at 21 different columns, more than 20")
		for i := range 28 {
			r.ok("CreateFilter", createFilter(fmt.Sprint("f", i), condition(3, 5)))
		}
		refused("LimitExceeded", createFilter("last", condition(3, 5)), "Cannot create a filter. More than 30 resources in ACTIVE state.")
	}
}
