package retention

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
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
	var versions []version
	err = e.opt.DB.View(ctx, func(tx *store.Tx) (err error) {
		versions, err = e.versions(tx)
		return err
	})
	if err != nil {
		return err
	}
	done := map[string]bool{"": true}
	for _, record := range versions {
		v := record.Training()
		r := e.recipe(v.Recipe)
		if r == nil || v.Status != catalog.Active || done[v.Model] {
			continue
		}
		done[v.Model] = true // versions of trainingMode UPDATE share one
		e.proof.Models.Searched++
		if err := e.model(ctx, r, v, gone); err != nil {
			return fmt.Errorf("model %q: %w", v.Model, err)
		}
	}
	return nil
}

// version is the record of something trained, a solution's or a recommender's.
type version interface {
	catalog.Record
	Training() *catalog.SolutionVersion
}

// versions gives all that was or is being trained in the group.
func (g *group) versions(tx *store.Tx) (list []version, err error) {
	owner, err := g.record(tx)
	if err != nil || owner == nil {
		return nil, err
	}
	solutions, _, err := catalog.List[catalog.SolutionVersion](tx, catalog.Query{Group: owner.ARN})
	if err != nil {
		return nil, err
	}
	recommenders, _, err := catalog.List[catalog.RecommenderVersion](tx, catalog.Query{Group: owner.ARN})
	for _, v := range solutions {
		list = append(list, v)
	}
	for _, v := range recommenders {
		list = append(list, v)
	}
	return list, err
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

// model does it for the model that v names, and others may name too.
func (e *erasure) model(ctx context.Context, r recipe.Recipe, v *catalog.SolutionVersion, gone []dataset.Index) error {
	f, err := e.opt.Blobs.Open(ctx, v.Model)
	if err != nil {
		return e.unlessGone(ctx, v.Model, err)
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
		versions, err := e.named(tx, v.Model)
		for _, now := range versions {
			now.Training().Model = name
			err = cmp.Or(err, catalog.Update(tx, now))
		}
		return err
	})
	if err != nil {
		return err
	}
	return e.opt.Blobs.Delete(ctx, v.Model)
}

// named gives the versions whose model has a name.
func (g *group) named(tx *store.Tx, model string) ([]version, error) {
	versions, err := g.versions(tx)
	return slices.DeleteFunc(versions, func(v version) bool { return v.Training().Model != model }), err
}

// unlessGone gives err, nil if no version has the model any more: it was deleted.
func (g *group) unlessGone(ctx context.Context, model string, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return g.opt.DB.View(ctx, func(tx *store.Tx) error {
		versions, failed := g.named(tx, model)
		if failed != nil || len(versions) == 0 {
			return failed
		}
		return err
	})
}
