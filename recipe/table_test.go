package recipe

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestTableIsSortedAndWhole(t *testing.T) {
	table := Table()
	if len(table) != 25 {
		t.Errorf("%d recipes, want 25", len(table))
	}
	if !slices.IsSortedFunc(table, func(a, b Spec) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("not sorted by name")
	}
	seen := map[string]bool{}
	for _, s := range table {
		if seen[s.Name] || seen["algorithm "+s.Algorithm] {
			t.Errorf("%s occurs twice, or its algorithm does", s.Name)
		}
		seen[s.Name], seen["algorithm "+s.Algorithm] = true, true
		if s.Algorithm == "" || s.Transformation == "" || s.Description == "" || s.Type == "" {
			t.Errorf("%s is incomplete: %+v", s.Name, s)
		}
		domain := strings.HasPrefix(s.Name, "aws-vod-") || strings.HasPrefix(s.Name, "aws-ecomm-")
		if domain != (s.Domain != "") {
			t.Errorf("%s: domain %q", s.Name, s.Domain)
		}
		if got, ok := SpecOf(s.Name); !ok || !reflect.DeepEqual(got, s) {
			t.Errorf("SpecOf(%q) = %+v, %v", s.Name, got, ok)
		}
		for _, p := range slices.Concat(s.Algo, s.Feature) {
			p.HPOOnly = false
			if err := p.check(p.Default); err != nil {
				t.Errorf("%s: the default of %s is refused: %v", s.Name, p.Name, err)
			}
		}
	}
	for _, name := range []string{"", "aws", "aws-simsx", "zzz"} {
		if _, ok := SpecOf(name); ok {
			t.Errorf("SpecOf(%q) found something", name)
		}
	}
}

func TestTableCannotBeChangedFromOutside(t *testing.T) {
	Table()[0].Name = "spoilt"
	if Table()[0].Name == "spoilt" {
		t.Error("the table changed")
	}
}

// The types and flags of recipes.md §1 and §3, one line a recipe.
func TestTypesAndFlags(t *testing.T) {
	want := strings.TrimSpace(`
aws-ecomm-customers-who-viewed-x-also-viewed RELATED_ITEMS user item
aws-ecomm-frequently-bought-together RELATED_ITEMS item
aws-ecomm-popular-items-by-purchases POPULAR_ITEMS user
aws-ecomm-popular-items-by-views POPULAR_ITEMS user
aws-ecomm-recommended-for-you USER_PERSONALIZATION user live
aws-hrnn USER_PERSONALIZATION user legacy
aws-hrnn-coldstart USER_PERSONALIZATION user legacy
aws-hrnn-metadata USER_PERSONALIZATION user legacy
aws-item-affinity USER_SEGMENTATION item
aws-item-attribute-affinity USER_SEGMENTATION
aws-next-best-action PERSONALIZED_ACTIONS user scores live
aws-personalized-ranking PERSONALIZED_RANKING user scores live
aws-personalized-ranking-v2 PERSONALIZED_RANKING user scores live metadata events
aws-popularity-count POPULAR_ITEMS
aws-semantic-similarity RELATED_ITEMS item metadata
aws-similar-items RELATED_ITEMS item
aws-sims RELATED_ITEMS item
aws-trending-now POPULAR_ITEMS
aws-user-personalization USER_PERSONALIZATION user scores live
aws-user-personalization-v2 USER_PERSONALIZATION user scores live metadata events
aws-vod-because-you-watched-x RELATED_ITEMS user item
aws-vod-more-like-x RELATED_ITEMS user item
aws-vod-most-popular POPULAR_ITEMS user
aws-vod-top-picks USER_PERSONALIZATION user live
aws-vod-trending-now POPULAR_ITEMS`)
	var lines []string
	for _, s := range Table() {
		line := s.Name + " " + string(s.Type)
		for _, f := range []struct {
			on   bool
			name string
		}{{s.NeedsUser, "user"}, {s.NeedsItem, "item"}, {s.Scores, "scores"}, {s.Live, "live"}, {s.Metadata, "metadata"}, {s.Events, "events"}, {s.Legacy, "legacy"}} {
			if f.on {
				line += " " + f.name
			}
		}
		lines = append(lines, line)
	}
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestParseARN(t *testing.T) {
	for _, c := range []struct {
		arn, name string
	}{
		{"arn:aws:personalize:::recipe/aws-sims", "aws-sims"},
		{"arn:aws-cn:personalize:::recipe/aws-sims", "aws-sims"},
		{"arn:aws:personalize:::recipe/aws-simz", ""},
		{"arn:aws:personalize:us-east-1::recipe/aws-sims", ""},
		{"arn:aws:personalize:::algorithm/aws-sims", ""},
		{"arn:gcp:personalize:::recipe/aws-sims", ""},
		{"aws:personalize:::recipe/aws-sims", ""},
		{"arn:aws:s3:::recipe/aws-sims", ""},
		{"arn:aws:personalize:::recipe/aws-sims/x", ""},
		{"aws-sims", ""},
		{"", ""},
	} {
		name, ok := ParseARN(c.arn)
		if ok != (c.name != "") || ok && name != c.name {
			t.Errorf("ParseARN(%q) = %q, %v", c.arn, name, ok)
		}
	}
}

func TestEveryARNIsFound(t *testing.T) {
	for _, s := range Table() {
		if name, ok := ParseARN(ARN(s.Name)); !ok || name != s.Name {
			t.Errorf("recipe %s is not found by its ARN", s.Name)
		}
		if a, ok := ParseAlgorithmARN(AlgorithmARN(s.Algorithm)); !ok || a.Name != s.Algorithm || !reflect.DeepEqual(a.Params, s.Algo) {
			t.Errorf("algorithm %s: %+v, %v", s.Algorithm, a, ok)
		}
		f, ok := ParseTransformationARN(TransformationARN(s.Transformation))
		if !ok || f.Name != s.Transformation {
			t.Errorf("transformation %s: %+v, %v", s.Transformation, f, ok)
		}
		if len(s.Feature) > 0 && !reflect.DeepEqual(f.Params, s.Feature) {
			t.Errorf("%s: another recipe gives %s other parameters", s.Name, s.Transformation)
		}
	}
	if _, ok := ParseAlgorithmARN(AlgorithmARN("aws-nothing")); ok {
		t.Error("found an algorithm that no recipe has")
	}
	if _, ok := ParseTransformationARN(TransformationARN("nothing")); ok {
		t.Error("found a feature transformation that no recipe has")
	}
}

func TestCheck(t *testing.T) {
	specs := []Param{
		{Name: "n", Kind: Int, Default: "3", Min: 0, Max: 10},
		{Name: "x", Kind: Float, Default: "0.5", Min: 0, Max: 1e6},
		{Name: "b", Kind: Bool, Default: "true"},
		{Name: "c", Kind: Choice, Default: "u", Values: []string{"u", "v"}},
		{Name: "h", Kind: Int, Default: "3", Max: 10, Tunable: true, HPOOnly: true},
	}
	got, err := Check(specs, map[string]string{"n": "10", "x": "1e3", "c": "v"})
	want := Params{"n": "10", "x": "1e3", "b": "true", "c": "v", "h": "3"}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	if got.Int("n") != 10 || got.Float("x") != 1000 || !got.Bool("b") {
		t.Errorf("parsed %d %v %v", got.Int("n"), got.Float("x"), got.Bool("b"))
	}
	for _, c := range []struct{ name, value, says string }{
		{"n", "11", "integer from 0 to 10"},
		{"n", "1.5", "integer"},
		{"n", "", "integer"},
		{"x", "NaN", "number from 0 to 1000000"},
		{"x", "Inf", "number"},
		{"x", "-0.1", "number"},
		{"b", "yes", "neither true nor false"},
		{"c", "w", "not one of u, v"},
		{"h", "4", "cannot be set"},
		{"q", "4", "the recipe has n, x, b, c, h"},
	} {
		if _, err := Check(specs, map[string]string{c.name: c.value}); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s=%q: %v", c.name, c.value, err)
		}
	}
	if _, err := Check(nil, map[string]string{"q": "4"}); err == nil || !strings.Contains(err.Error(), "has none") {
		t.Errorf("got %v", err)
	}
}
