package recipe

import (
	"slices"
	"strings"
	"time"
)

// Created is the creation date that AWS shows for every recipe, later ones too.
func Created() time.Time { return time.Date(2019, time.June, 10, 0, 0, 0, 0, time.UTC) }

// ARN gives the ARN of a recipe. Recipes, algorithms and feature
// transformations belong to the service: no region, no account.
func ARN(name string) string { return "arn:aws:personalize:::recipe/" + name }

// AlgorithmARN gives the ARN of an algorithm.
func AlgorithmARN(name string) string { return "arn:aws:personalize:::algorithm/" + name }

// TransformationARN gives the ARN of a feature transformation.
func TransformationARN(name string) string {
	return "arn:aws:personalize:::feature-transformation/" + name
}

// ParseARN gives the name of the recipe with that ARN; false when the table has
// none. The ARNs of all partitions (aws, aws-cn, …) are read.
func ParseARN(arn string) (name string, ok bool) {
	if name, ok = parse(arn, "recipe/"); !ok {
		return "", false
	}
	_, ok = SpecOf(name)
	return name, ok
}

// parse gives what follows kind in an ARN of the service's own.
func parse(arn, kind string) (string, bool) {
	partition, rest, ok := strings.Cut(strings.TrimPrefix(arn, "arn:"), ":")
	if !ok || !strings.HasPrefix(arn, "arn:aws") || !strings.HasPrefix(partition, "aws") {
		return "", false
	}
	return strings.CutPrefix(rest, "personalize:::"+kind)
}

// Algorithm is what DescribeAlgorithm tells.
type Algorithm struct {
	Name   string
	Params []Param // defaults and ranges; not to be changed
}

// ParseAlgorithmARN gives the algorithm with that ARN; false when no recipe has it.
func ParseAlgorithmARN(arn string) (Algorithm, bool) {
	name, ok := parse(arn, "algorithm/")
	i := slices.IndexFunc(table, func(s Spec) bool { return s.Algorithm == name })
	if !ok || i < 0 {
		return Algorithm{}, false
	}
	return Algorithm{name, table[i].Algo}, true
}

// Transformation is what DescribeFeatureTransformation tells.
type Transformation struct {
	Name   string
	Params []Param // not to be changed
}

// ParseTransformationARN gives the feature transformation with that ARN; false
// when no recipe has it. Recipes that share one and have parameters have the
// same.
func ParseTransformationARN(arn string) (Transformation, bool) {
	name, ok := parse(arn, "feature-transformation/")
	if !ok {
		return Transformation{}, false
	}
	t, ok := Transformation{Name: name}, false
	for _, s := range table {
		if s.Transformation == name {
			ok = true
			if len(s.Feature) > 0 {
				t.Params = s.Feature
			}
		}
	}
	if !ok {
		return Transformation{}, false
	}
	return t, true
}

// Defaults gives the default of every parameter by name.
func Defaults(params []Param) Params {
	out := make(Params, len(params))
	for _, p := range params {
		out[p.Name] = p.Default
	}
	return out
}
