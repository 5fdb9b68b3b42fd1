package control

import (
	"strings"
	"testing"

	"usher/catalog"
	"usher/recipe"
	wire "usher/wire/personalize"
)

// TestCheckSearch: ranges of booleans, and recipes that tune only within ranges.
func TestCheckSearch(t *testing.T) {
	spec := func(name string) recipe.Spec {
		s, ok := recipe.SpecOf(name)
		if !ok {
			t.Fatalf("no recipe %q", name)
		}
		return s
	}
	values := func(name string, values ...string) *wire.SolutionConfig {
		return &wire.SolutionConfig{HpoConfig: &wire.HPOConfig{AlgorithmHyperParameterRanges: &wire.HyperParameterRanges{
			CategoricalHyperParameterRanges: []wire.CategoricalHyperParameterRange{{Name: &name, Values: values}}}}}
	}
	numbers := func(name string, low, high int32) *wire.SolutionConfig {
		return &wire.SolutionConfig{HpoConfig: &wire.HPOConfig{AlgorithmHyperParameterRanges: &wire.HyperParameterRanges{
			IntegerHyperParameterRanges: []wire.IntegerHyperParameterRange{{Name: &name, MinValue: &low, MaxValue: &high}}}}}
	}
	for _, c := range []struct {
		recipe string
		config *wire.SolutionConfig
		want   string // "" is fine
	}{
		{"aws-sims", nil, ""},
		{"aws-sims", &wire.SolutionConfig{HpoConfig: &wire.HPOConfig{AlgorithmHyperParameterRanges: &wire.HyperParameterRanges{}}}, ""},
		{"aws-user-personalization", values("training.recency_mask", "true", "false"), ""},
		{"aws-user-personalization", values("recency_mask", "maybe"), `"maybe" is not a value of recency_mask`},
		{"aws-user-personalization", values("recency_mask"), "values is empty"},
		{"aws-user-personalization-v2", nil, "no hyperparameter that can be tuned"},
		{"aws-popularity-count", nil, "no hyperparameter that can be tuned"},
		{"aws-similar-items", nil, "only tuned within ranges"},
		{"aws-similar-items", numbers("item_id_hidden_dim", 30, 200), ""},
	} {
		err := checkSearch(spec(c.recipe), c.config)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.recipe, err, c.want)
		}
	}
}

// TestTunedIsShown: what a search has found stands in the version.
func TestTunedIsShown(t *testing.T) {
	r := newRig(t)
	v := &catalog.SolutionVersion{Meta: catalog.Meta{ARN: prefix + "solution/s/00000001", Parent: prefix + "solution/s", Status: catalog.Active},
		Recipe: "aws-sims", PerformHPO: true, Tuned: map[string]string{"min_cointeraction_count": "4"}}
	r.Create(v)
	out := r.ok("DescribeSolutionVersion", `{"solutionVersionArn": "~solution/s/00000001"}`)
	r.same(out, map[string]any{"min_cointeraction_count": "4"}, "solutionVersion", "tunedHPOParams", "algorithmHyperParameters")
}

// TestPerformHPO: it is kept in the solution and in its versions.
func TestPerformHPO(t *testing.T) {
	r := newRig(t)
	r.group("shop", interactionsText)
	r.ok("CreateSolution", `{"name": "s", "datasetGroupArn": "~dataset-group/shop", "recipeArn": "arn:aws:personalize:::recipe/aws-sims", "performHPO": true}`)
	r.same(r.ok("DescribeSolution", `{"solutionArn": "~solution/s"}`), true, "solution", "performHPO")
	v, _ := r.ok("CreateSolutionVersion", `{"solutionArn": "~solution/s"}`)["solutionVersionArn"].(string)
	r.same(r.ok("DescribeSolutionVersion", `{"solutionVersionArn": "`+v+`"}`), true, "solutionVersion", "performHPO")
}
