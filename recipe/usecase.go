package recipe

import (
	"context"
	"strings"

	"usher/dataset"
)

// As gives the algorithm of r under another entry of the table, with these
// hyperparameters and the defaults of r for the others. It is how a use case of
// a domain, which has no hyperparameters, is served by the algorithm of a recipe
// that has. It panics when the table has no such entry: the name is written in
// the program.
func As(name string, r Recipe, fixed Params) Recipe {
	spec, ok := SpecOf(name)
	if !ok {
		panic("recipe: no entry " + name + " in the table")
	}
	base := r.Spec()
	params := Defaults(base.Algo)
	for k, v := range Defaults(base.Feature) {
		params[k] = v
	}
	for k, v := range fixed {
		params[k] = v
	}
	u := useCase{r, spec, params}
	if m, ok := r.(Measurer); ok {
		return measuredUseCase{u, m}
	}
	return u
}

// useCase is a Recipe under another name.
type useCase struct {
	Recipe
	spec   Spec
	params Params
}

// Spec implements Recipe.
func (u useCase) Spec() Spec { return u.spec }

// Train implements Recipe.
func (u useCase) Train(ctx context.Context, in Input) (Model, error) {
	in.Params = u.params
	return u.Recipe.Train(ctx, in)
}

// measuredUseCase is one whose algorithm is a Measurer.
type measuredUseCase struct {
	useCase
	measurer Measurer
}

// Measure implements Measurer.
func (u measuredUseCase) Measure(ctx context.Context, in Input) (map[string]float64, error) {
	in.Params = u.params
	return u.measurer.Measure(ctx, in)
}

// excludedMost is how many events of a user the automatic filter looks at, the
// newest of each event type: AWS's number for all filters,
// https://docs.aws.amazon.com/personalize/latest/dg/filter.html
const excludedMost = 100

// Excluded calls drop for the items that a use case does not answer a user with
// (Spec.Excludes): those of his newest events of that type, whatever the case
// of the letters. types are the names of the events' types. An item may come
// more than once.
func (s Spec) Excluded(history []dataset.Event, types []string, drop func(dataset.Index)) {
	if s.Excludes == "" {
		return
	}
	var left [16]int // by the first event types that match; spellings of one word are few
	var match [16]uint16
	n := 0
	for i, name := range types {
		if n < len(match) && strings.EqualFold(name, s.Excludes) {
			match[n], left[n] = uint16(i), excludedMost
			n++
		}
	}
	for i := len(history) - 1; i >= 0; i-- {
		for k := range n {
			if history[i].Type == match[k] && left[k] > 0 {
				left[k]--
				drop(history[i].Item)
			}
		}
	}
}
