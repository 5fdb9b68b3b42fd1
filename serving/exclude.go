package serving

import (
	"context"
	"slices"
	"sync"

	"usher/dataset"
	"usher/history"
	"usher/recipe"
)

// excluding is a model with the automatic filter of its use case: what the user
// has watched, or purchased, is not answered. It asks the model for so many more
// items as it may have to leave out, which gives what a set of the others would
// (recipetest holds models to that) and needs no set.
type excluding struct {
	recipe.Model
	spec    recipe.Spec
	history *history.History
	group   string // catalog ID
}

// exclude gives the model with the automatic filter of its use case, if that has one.
func (s *Serving) exclude(m recipe.Model, spec recipe.Spec, group string) recipe.Model {
	if spec.Excludes == "" {
		return m
	}
	return &excluding{m, spec, s.opt.History, group}
}

// excludedItems keeps the lists of finished requests.
var excludedItems = sync.Pool{New: func() any { return new([]dataset.Index) }}

// Recommend implements recipe.Model.
func (e *excluding) Recommend(ctx context.Context, q *recipe.Query, k int, allow dataset.Set, dst []recipe.Scored) ([]recipe.Scored, error) {
	group, err := e.history.Group(ctx, e.group)
	if err != nil {
		return dst[:0], err
	}
	return recommendWithout(ctx, e.Model, e.spec, group.EventTypes(), q, k, allow, dst)
}

// recommendWithout gives the k best items of allow that the automatic filter of a
// use case leaves.
func recommendWithout(ctx context.Context, m recipe.Model, spec recipe.Spec, types []string, q *recipe.Query, k int, allow dataset.Set, dst []recipe.Scored) ([]recipe.Scored, error) {
	buf := excludedItems.Get().(*[]dataset.Index)
	defer excludedItems.Put(buf)
	out := (*buf)[:0]
	spec.Excluded(q.History, types, func(i dataset.Index) { out = append(out, i) })
	slices.Sort(out)
	out = slices.Compact(out)
	*buf = out
	dst, err := m.Recommend(ctx, q, k+len(out), allow, dst)
	if err != nil || len(out) == 0 {
		return dst, err
	}
	dst = slices.DeleteFunc(dst, func(x recipe.Scored) bool {
		_, found := slices.BinarySearch(out, x.Index)
		return found
	})
	return dst[:min(k, len(dst))], nil
}
