package control

import (
	"fmt"
	"testing"
)

// TestObjective: an objective is a number that all items of the group have, for the
// recipes that can weigh one; it is shown as it was given, of versions too.
func TestObjective(t *testing.T) {
	r := newRig(t, allRecipes)
	r.group("shop", interactionsText)
	const v1, ranking, v2 = "aws-user-personalization", "aws-personalized-ranking", "aws-user-personalization-v2"
	create := func(name, recipe, objective, more string) string {
		return fmt.Sprintf(`{"name": %q, "datasetGroupArn": "~dataset-group/shop", "recipeArn": "arn:aws:personalize:::recipe/%s", "solutionConfig": {"optimizationObjective": {%s}%s}}`, name, recipe, objective, more)
	}
	r.refused("CreateSolution", create("x", v1, `"itemAttribute": "MARGIN"`, ""), "InvalidInput", "itemAttribute needs an Items dataset", "MARGIN")
	r.ok("CreateSchema", fmt.Sprintf(`{"name": "items", "schema": %s}`,
		schemaText("Items", "ITEM_ID string", "GENRE string categorical", `PRICE ["null", "float"]`, "MARGIN double", "ADULT boolean")))
	r.ok("CreateDataset", `{"name": "i", "datasetType": "Items", "datasetGroupArn": "~dataset-group/shop", "schemaArn": "~schema/items"}`)
	for _, c := range []struct {
		input string
		parts []string
	}{
		{create("x", v2, `"itemAttribute": "MARGIN", "objectiveSensitivity": "LOW"`, ""), []string{"solutionConfig.optimizationObjective is for the recipes aws-personalized-ranking and aws-user-personalization only", v2}},
		{create("x", v1, `"objectiveSensitivity": "LOW"`, ""), []string{"itemAttribute is missing"}},
		{create("x", v1, `"itemAttribute": "WEIGHT"`, ""), []string{"itemAttribute", `no column "WEIGHT"`}},
		{create("x", v1, `"itemAttribute": "GENRE"`, ""), []string{"GENRE", "type string", "int, long, float or double"}},
		{create("x", v1, `"itemAttribute": "ADULT"`, ""), []string{"ADULT", "type boolean"}},
		{create("x", v1, `"itemAttribute": "PRICE"`, ""), []string{"PRICE", "may be null"}},
		{create("x", v1, `"itemAttribute": "MARGIN"`, `, "trainingDataConfig": {"excludedDatasetColumns": {"ITEMS": ["MARGIN"]}}`), []string{"trainingDataConfig", "MARGIN"}},
		{create("x", v1, `"itemAttribute": "MARGIN"`, `, "trainingDataConfig": {"includedDatasetColumns": {"ITEMS": ["GENRE"]}}`), []string{"trainingDataConfig", "MARGIN"}},
		{create("x", v1, `"itemAttribute": "MARGIN", "objectiveSensitivity": "EXTREME"`, ""), []string{"objectiveSensitivity"}},
	} {
		r.refused("CreateSolution", c.input, "InvalidInput", c.parts...)
	}
	r.ok("CreateSolution", create("off", v1, `"objectiveSensitivity": "OFF"`, ""))
	for _, recipe := range []string{v1, ranking} {
		arn := r.ok("CreateSolution", create(recipe, recipe, `"itemAttribute": "margin", "objectiveSensitivity": "HIGH"`, `, "trainingDataConfig": {"excludedDatasetColumns": {"ITEMS": ["GENRE"]}}`))["solutionArn"].(string)
		version := r.ok("CreateSolutionVersion", fmt.Sprintf(`{"solutionArn": %q}`, arn))["solutionVersionArn"].(string)
		for _, shown := range []struct {
			answer any
			of     string
		}{
			{r.ok("DescribeSolution", fmt.Sprintf(`{"solutionArn": %q}`, arn)), "solution"},
			{r.ok("DescribeSolutionVersion", fmt.Sprintf(`{"solutionVersionArn": %q}`, version)), "solutionVersion"},
		} {
			r.same(shown.answer, "margin", shown.of, "solutionConfig", "optimizationObjective", "itemAttribute")
			r.same(shown.answer, "HIGH", shown.of, "solutionConfig", "optimizationObjective", "objectiveSensitivity")
		}
	}
}
