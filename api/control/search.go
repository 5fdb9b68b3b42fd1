package control

import (
	"slices"
	"strconv"

	"usher/recipe"
	wire "usher/wire/personalize"
)

// checkSearch judges what performHPO is to search: hyperparameters that can be
// tuned, each in a range that it may have. Ranges that are not searched, because
// performHPO is not set, are kept as they are.
func checkSearch(spec recipe.Spec, c *wire.SolutionConfig) error {
	tunable := tunables(spec)
	if len(tunable) == 0 {
		return invalid("performHPO: %s has no hyperparameter that can be tuned. Leave it out.", spec.Name)
	}
	if c == nil || c.HpoConfig == nil || c.HpoConfig.AlgorithmHyperParameterRanges == nil {
		return needRange(spec, tunable, 0)
	}
	r := c.HpoConfig.AlgorithmHyperParameterRanges
	s := searchCheck{spec: spec, tunable: tunable, seen: map[string]bool{}}
	for i, x := range r.IntegerHyperParameterRanges {
		if err := s.numbers("integerHyperParameterRanges", i, recipe.Int, x.Name, wide(x.MinValue), wide(x.MaxValue)); err != nil {
			return err
		}
	}
	for i, x := range r.ContinuousHyperParameterRanges {
		if err := s.numbers("continuousHyperParameterRanges", i, recipe.Float, x.Name, x.MinValue, x.MaxValue); err != nil {
			return err
		}
	}
	for i, x := range r.CategoricalHyperParameterRanges {
		if err := s.values(i, x); err != nil {
			return err
		}
	}
	return needRange(spec, tunable, len(s.seen))
}

// tunables gives the hyperparameters that can be tuned.
func tunables(spec recipe.Spec) (out []recipe.Param) {
	for _, p := range slices.Concat(spec.Algo, spec.Feature) {
		if p.Tunable {
			out = append(out, p)
		}
	}
	return out
}

// needRange gives an error when nothing would be searched: all that can be tuned
// needs a range, and none is given.
func needRange(spec recipe.Spec, tunable []recipe.Param, given int) error {
	if given > 0 || slices.ContainsFunc(tunable, func(p recipe.Param) bool { return !p.HPOOnly }) {
		return nil
	}
	return invalid("performHPO: the hyperparameters of %s are only tuned within ranges. Give solutionConfig.hpoConfig.algorithmHyperParameterRanges for %s.", spec.Name, tunable[0].Name)
}

// searchCheck is the check of one configuration's ranges.
type searchCheck struct {
	spec    recipe.Spec
	tunable []recipe.Param
	seen    map[string]bool
}

// param finds the hyperparameter of a range.
func (s *searchCheck) param(list string, i int, name *string) (at string, p recipe.Param, err error) {
	at = "solutionConfig.hpoConfig.algorithmHyperParameterRanges." + list + "." + strconv.Itoa(i+1) + ".member"
	plain := recipe.PlainName(text(name))
	k := slices.IndexFunc(s.tunable, func(p recipe.Param) bool { return p.Name == plain })
	switch {
	case k < 0:
		return at, p, invalid("%s.name: %q is not a hyperparameter of %s that can be tuned. There are: %s.", at, text(name), s.spec.Name, s.names())
	case s.seen[plain]:
		return at, p, invalid("%s.name: %q has a range already. Give each hyperparameter one.", at, text(name))
	}
	s.seen[plain] = true
	return at, s.tunable[k], nil
}

func (s *searchCheck) names() (out string) {
	for i, p := range s.tunable {
		if i > 0 {
			out += ", "
		}
		out += p.Name + " (" + string(p.Kind) + ")"
	}
	return out
}

// numbers judges a range of numbers.
func (s *searchCheck) numbers(list string, i int, kind recipe.ParamKind, name *string, low, high *float64) error {
	at, p, err := s.param(list, i, name)
	if err != nil {
		return err
	}
	switch {
	case p.Kind != kind:
		return invalid("%s: the hyperparameter %s is %s. Give its range in the list for these.", at, p.Name, p.Kind)
	case low == nil || high == nil:
		return invalid("%s needs minValue and maxValue.", at)
	case *low > *high || *low < p.Min || *high > p.Max:
		return invalid("%s: the range %g to %g of %s does not lie within %g to %g.", at, *low, *high, p.Name, p.Min, p.Max)
	}
	return nil
}

// values judges a range of names.
func (s *searchCheck) values(i int, r wire.CategoricalHyperParameterRange) error {
	at, p, err := s.param("categoricalHyperParameterRanges", i, r.Name)
	if err != nil {
		return err
	}
	allowed := p.Values
	if p.Kind == recipe.Bool {
		allowed = []string{"true", "false"}
	}
	if allowed == nil {
		return invalid("%s: the hyperparameter %s is %s. Give its range in the list for these.", at, p.Name, p.Kind)
	}
	if len(r.Values) == 0 {
		return invalid("%s.values is empty. Give at least one value of %s.", at, p.Name)
	}
	for _, v := range r.Values {
		if !slices.Contains(allowed, v) {
			return invalid("%s.values: %q is not a value of %s, which has %q.", at, v, p.Name, allowed)
		}
	}
	return nil
}

// wide makes a number of the range of integers one of all numbers.
func wide(x *int32) *float64 {
	if x == nil {
		return nil
	}
	f := float64(*x)
	return &f
}
