package recipe

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Type groups recipes by what they answer, spelled as DescribeRecipe prints it.
type Type string

// The recipe types.
const (
	UserPersonalization Type = "USER_PERSONALIZATION"
	PersonalizedRanking Type = "PERSONALIZED_RANKING"
	RelatedItems        Type = "RELATED_ITEMS"
	PopularItems        Type = "POPULAR_ITEMS"
	UserSegmentation    Type = "USER_SEGMENTATION"
	PersonalizedActions Type = "PERSONALIZED_ACTIONS"
)

// Spec is the table entry of a recipe.
type Spec struct {
	Name           string // "aws-sims"; ARN arn:aws:personalize:::recipe/<Name>
	Type           Type
	Domain         string // "", "ECOMMERCE" or "VIDEO_ON_DEMAND"
	Algorithm      string // last part of the algorithm's ARN
	Transformation string // last part of the feature transformation's ARN; may be ""
	Description    string

	Algo    []Param // algorithmHyperParameters
	Feature []Param // featureTransformationParameters

	NeedsUser bool // GetRecommendations needs a userId
	NeedsItem bool // GetRecommendations needs an itemId
	Scores    bool // answers show scores
	Live      bool // live events change answers at once
	Metadata  bool // metadata columns in answers need no switch
	Events    bool // solutionConfig.eventsConfig is allowed
	Objective bool // solutionConfig.optimizationObjective is allowed
	Legacy    bool // listed, but no new solutions

	// Of use cases: the type of the events that it learns from, "" for all, and
	// the automatic filter: the user's items of that type are not answered.
	Learns   string
	Excludes string
}

// ParamKind is the type of a hyperparameter.
type ParamKind string

// The kinds of hyperparameters.
const (
	Int    ParamKind = "integer"
	Float  ParamKind = "continuous"
	Bool   ParamKind = "boolean"
	Choice ParamKind = "categorical"
)

// Param is one hyperparameter with its default and range.
type Param struct {
	Name     string
	Kind     ParamKind
	Default  string
	Min, Max float64  // of Int and Float, inclusive
	Values   []string // of Choice
	Tunable  bool     // HPO may tune it
	HPOOnly  bool     // can be tuned but not set
}

// Params are hyperparameters by name, in AWS's spelling: strings.
type Params map[string]string

// Check gives a complete copy of given: unknown names and values out of range
// are refused with a text for people, absent ones get their default.
func Check(specs []Param, given map[string]string) (Params, error) {
	out := Defaults(specs)
	for _, name := range slices.Sorted(maps.Keys(given)) { // the same error each time
		v := given[name]
		i := slices.IndexFunc(specs, func(p Param) bool { return p.Name == name })
		if i < 0 {
			var names []string
			for _, p := range specs {
				names = append(names, p.Name)
			}
			if len(names) == 0 {
				return nil, fmt.Errorf("unknown hyperparameter %q: the recipe has none", name)
			}
			return nil, fmt.Errorf("unknown hyperparameter %q: the recipe has %s", name, strings.Join(names, ", "))
		}
		if err := specs[i].check(v); err != nil {
			return nil, err
		}
		out[name] = v
	}
	return out, checkBounds(specs, out)
}

// checkBounds refuses a minimum above its maximum: nothing lies between them.
func checkBounds(specs []Param, p Params) error {
	for _, s := range specs {
		rest, ok := strings.CutPrefix(s.Name, "min_")
		if _, both := p["max_"+rest]; ok && both && p.Float(s.Name) > p.Float("max_"+rest) {
			return fmt.Errorf("hyperparameter %s: %q is above max_%s, which is %q: nothing is left between them", s.Name, p[s.Name], rest, p["max_"+rest])
		}
	}
	return nil
}

func (p Param) check(v string) error {
	if p.HPOOnly {
		return fmt.Errorf("hyperparameter %s cannot be set: it is found by hyperparameter optimization, within the range given for it", p.Name)
	}
	switch p.Kind {
	case Int:
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || float64(n) < p.Min || float64(n) > p.Max {
			return fmt.Errorf("hyperparameter %s: %q is not an integer from %s to %s", p.Name, v, plain(p.Min), plain(p.Max))
		}
	case Float:
		f, err := strconv.ParseFloat(v, 64)
		if err != nil || math.IsNaN(f) || f < p.Min || f > p.Max {
			return fmt.Errorf("hyperparameter %s: %q is not a number from %s to %s", p.Name, v, plain(p.Min), plain(p.Max))
		}
	case Bool:
		if _, err := strconv.ParseBool(v); err != nil {
			return fmt.Errorf("hyperparameter %s: %q is neither true nor false", p.Name, v)
		}
	case Choice:
		if !slices.Contains(p.Values, v) {
			return fmt.Errorf("hyperparameter %s: %q is not one of %s", p.Name, v, strings.Join(p.Values, ", "))
		}
	}
	return nil
}

// plain writes a number without an exponent.
func plain(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// Int gives an integer parameter. Params that passed Check always parse.
func (p Params) Int(name string) int { n, _ := strconv.Atoi(p[name]); return n }

// Float gives a number.
func (p Params) Float(name string) float64 { f, _ := strconv.ParseFloat(p[name], 64); return f }

// Bool gives a truth value.
func (p Params) Bool(name string) bool { b, _ := strconv.ParseBool(p[name]); return b }

// PlainName gives the name of a hyperparameter without the prefix that
// configurations of AutoML and HPO may carry: "training.bptt" is bptt.
func PlainName(name string) string {
	for _, prefix := range []string{"training.", "data."} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			return rest
		}
	}
	return name
}
