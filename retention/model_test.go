package retention

import (
	"io"
	"testing"

	"usher/catalog"
	"usher/dataset"
	"usher/recipe"
	"usher/recipe/affinity"
	"usher/recipe/sequence"
	"usher/store"
)

// modelled gives what a training of a recipe leaves, with its model in a file.
func (w *world) modelled(t *testing.T, name string, m recipe.Model) *catalog.SolutionVersion {
	t.Helper()
	g := &group{Keeper: w.keeper, id: w.Record.ID}
	blob, err := g.write(t.Context(), "models/"+w.Record.ID+"/solution/", func(out io.Writer) error { return m.Save(out) })
	if err != nil {
		t.Fatal(err)
	}
	return &catalog.SolutionVersion{Meta: catalog.Meta{ARN: name, Group: "group", Status: catalog.Pending}, Recipe: name, Model: blob}
}

// trained makes a version ACTIVE.
func (w *world) trained(v version) {
	w.Helper()
	w.Create(v)
	for _, s := range []catalog.Status{catalog.InProgress, catalog.Active} {
		w.Update(func(tx *store.Tx) error {
			v.Common().Status = s
			return catalog.Update(tx, v)
		})
	}
}

// TestModelsForget: a model that keeps users is replaced by one without those who
// were deleted; another is left alone.
func TestModelsForget(t *testing.T) {
	w := newWorld(t)
	w.keeper.opt.Recipes = []recipe.Recipe{affinity.Item{}, sequence.Recipe{}}
	mine := canary("user")
	w.Append(event(mine, "", "i1", 1), event("other", "", "i1", 2), event("third", "", "i2", 3))
	data := w.Snapshot()
	m, err := affinity.Item{}.Train(t.Context(), recipe.Input{Data: data})
	if err != nil {
		t.Fatal(err)
	}
	similar, err := sequence.Recipe{}.Train(t.Context(), recipe.Input{Data: data,
		Tuned: &recipe.Choices{Values: map[string]float64{"weight_network": 1, "weight_similar_users": .5}}})
	if err != nil {
		t.Fatal(err)
	}
	models := map[string]recipe.Model{"aws-item-affinity": m, "aws-sims": m, sequence.Name: similar}
	versions := map[string]*catalog.SolutionVersion{}
	for name, m := range models {
		v := w.modelled(t, name, m)
		w.trained(v)
		versions[name] = v
	}
	recommended := &catalog.RecommenderVersion{SolutionVersion: *w.modelled(t, sequence.Name, similar)}
	recommended.ARN = "recommender"
	w.trained(recommended)
	w.modelled(t, "of nobody", similar) // who replaced it died before it was deleted
	renewed := &catalog.SolutionVersion{Meta: catalog.Meta{ARN: "renewed", Group: "group", Status: catalog.Active}, Recipe: sequence.Name, Model: versions[sequence.Name].Model}
	w.Create(renewed)
	w.Put("b/users.csv", "USER_ID\n"+mine+"\n")
	w.ask("job", "s3://b/users.csv")
	w.settle()
	if j := w.job("job"); j.Status != catalog.DeletionCompleted || j.Report.Models != (catalog.Rewritten{Searched: 3, Replaced: 3}) {
		t.Fatalf("%+v, %+v", j, j.Report)
	}
	model := func(name string) (blob string) {
		w.View(func(tx *store.Tx) error {
			v, err := catalog.Find(tx, name)
			if err == nil {
				blob = v.(version).Training().Model
			}
			return err
		})
		return blob
	}
	if got := model("aws-sims"); got != versions["aws-sims"].Model {
		t.Errorf("another model is %q now", got)
	}
	name := model("aws-item-affinity")
	if names := w.stored("models"); len(names) != 4 || name == versions["aws-item-affinity"].Model || model(sequence.Name) == versions[sequence.Name].Model {
		t.Errorf("models %v, named is %q", names, name)
	}
	if got := model("renewed"); got != model(sequence.Name) {
		t.Errorf("the renewed version names %q, the one that it renewed %q", got, model(sequence.Name))
	}
	if got := model("recommender"); got == recommended.Model {
		t.Errorf("the recommender's model is %q still", got)
	}
	f, err := w.Blobs.Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	next, err := affinity.Item{}.Load(f, f.Size())
	if err != nil {
		t.Fatal(err)
	}
	list, err := next.(recipe.Segmenter).Segment(t.Context(), []dataset.Index{0}, dataset.Set{}, 10, nil)
	if err != nil || len(list) != 2 || list[0].Index == 0 || list[1].Index == 0 {
		t.Errorf("the model answers %v, %v", list, err)
	}
}
