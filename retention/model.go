package retention

import (
	"context"
	"fmt"
	"io"
	"path"
	"slices"

	"usher/catalog"
	"usher/dataset"
	"usher/recipe"
	"usher/store"
)

// models puts models without the forgotten users in the place of those that keep
// something of each user (recipe.Forgetter).
func (e *erasure) models(ctx context.Context) error {
	h, err := e.history(ctx)
	if err != nil || h == nil {
		return err
	}
	gone := h.ErasedUsers()
	var versions []*catalog.SolutionVersion
	err = e.opt.DB.View(ctx, func(tx *store.Tx) error {
		owner, err := e.record(tx)
		if err != nil || owner == nil {
			return err
		}
		versions, _, err = catalog.List[catalog.SolutionVersion](tx, catalog.Query{Group: owner.ARN})
		return err
	})
	if err != nil {
		return err
	}
	for _, v := range versions {
		r := e.recipe(v.Recipe)
		if r == nil || v.Status != catalog.Active || v.Model == "" {
			continue
		}
		e.proof.Models.Searched++
		if err := e.model(ctx, r, v, gone); err != nil {
			return fmt.Errorf("model %q: %w", v.Model, err)
		}
	}
	return nil
}

// recipe gives the recipe of that name if its models may keep users.
func (g *group) recipe(name string) recipe.Recipe {
	for _, r := range g.opt.Recipes {
		if s := r.Spec(); s.Name == name && slices.Contains(keepUsers, s.Type) {
			return r
		}
	}
	return nil
}

// keepUsers are the types of recipes whose models may keep something of each user: who
// is asked for, or whom others are like.
var keepUsers = []recipe.Type{recipe.UserSegmentation, recipe.UserPersonalization, recipe.PersonalizedRanking}

// model does it for the model of one version.
func (e *erasure) model(ctx context.Context, r recipe.Recipe, v *catalog.SolutionVersion, gone []dataset.Index) error {
	f, err := e.opt.Blobs.Open(ctx, v.Model)
	if err != nil {
		return err
	}
	defer f.Close()
	m, err := r.Load(f, f.Size())
	if err != nil {
		return err
	}
	keeps, ok := m.(recipe.Forgetter)
	if !ok {
		return nil
	}
	next := keeps.Forget(gone)
	if next == recipe.Model(keeps) {
		return nil
	}
	e.proof.Models.Replaced++
	// The name is one of the version's, so that it goes with it.
	name, err := e.write(ctx, path.Join(path.Dir(v.Model), v.ID)+"-", func(w io.Writer) error { return next.Save(w) })
	if err != nil {
		return err
	}
	err = e.task.Update(ctx, func(tx *store.Tx) error {
		now, err := catalog.Get[catalog.SolutionVersion](tx, v.ARN)
		if err != nil {
			return err
		}
		now.Model = name
		return catalog.Update(tx, now)
	})
	if err != nil {
		return err
	}
	return e.opt.Blobs.Delete(ctx, v.Model)
}
