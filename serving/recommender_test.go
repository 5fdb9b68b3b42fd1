package serving

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"usher/blob/blobtest"
	"usher/catalog"
	"usher/catalog/catalogtest"
	"usher/dataset"
	"usher/job"
	"usher/recipe"
	"usher/recipe/popularity"
	"usher/recipe/trending"
	"usher/store"
)

const (
	films   = "arn:aws:personalize:us-east-1:000000000000:recommender/films"
	popular = "aws-vod-most-popular"
	picks   = "aws-vod-top-picks" // with the automatic filter; here over popular items
	trends  = "aws-vod-trending-now"
)

// newCinema gives a world that serves use cases; ann has watched i0, i1, i2.
func newCinema(t *testing.T, now func() time.Time) *world {
	w := newWorld(t)
	opt := w.s.opt
	opt.Now = now
	opt.Recipes = []recipe.Recipe{recipe.As(popular, popularity.Recipe{}, nil), recipe.As(picks, popularity.Recipe{}, nil), recipe.As(trends, trending.Recipe{}, nil)}
	if err := w.s.Close(); err != nil {
		t.Fatal(err)
	}
	w.s = New(opt)
	return w
}

func (w *world) typed(user, item, kind string, at int64) {
	w.Helper()
	w.append(dataset.Change{Interaction: &dataset.Interaction{User: user, Item: item, Type: kind, Time: at}})
}

// trained makes a version of the recommender from the group's events of now, as
// train leaves it; "" leaves its model out, "damaged" spoils it.
func (w *world) trained(arn, useCase, model string) *catalog.RecommenderVersion {
	w.Helper()
	v := &catalog.RecommenderVersion{SolutionVersion: catalog.SolutionVersion{
		Meta: catalog.Meta{ARN: arn, Group: "group", Parent: films, Status: catalog.Active}, Recipe: useCase, Model: "models/" + arn[len(films)+1:]}}
	m, err := w.s.recipes[useCase].Train(w.Context(), recipe.Input{Data: w.Snapshot()})
	if err != nil {
		w.Fatal(err)
	}
	if model == "damaged" {
		m = spelled{model}
	}
	blobtest.Save(w, w.Blobs, v.Model, m.Save)
	w.Create(v)
	return v
}

func (w *world) recommender() (r *catalog.Recommender) {
	w.Helper()
	w.View(func(tx *store.Tx) (err error) { r, err = catalog.Get[catalog.Recommender](tx, films); return err })
	return r
}

// changed stores a change of the recommender.
func (w *world) changed(change func(r *catalog.Recommender)) {
	w.Helper()
	w.Update(func(tx *store.Tx) error {
		r, err := catalog.Get[catalog.Recommender](tx, films)
		if err != nil {
			return err
		}
		change(r)
		return catalog.Update(tx, r)
	})
}

// told is what train does when a version has changed.
func (w *world) told(v *catalog.RecommenderVersion, s catalog.Status, reason string) {
	w.Helper()
	w.Update(func(tx *store.Tx) error {
		v, err := catalog.Get[catalog.RecommenderVersion](tx, v.ARN)
		if err != nil {
			return err
		}
		v.Status, v.FailureReason = s, reason
		if err := errors.Join(catalogtest.SetStatus(tx, v.ARN, s), catalog.Update(tx, v)); err != nil {
			return err
		}
		return FollowTraining(tx, v)
	})
}

// work lets the queue do the recommender's job.
func (w *world) work() *catalog.Recommender {
	w.Helper()
	_ = w.Drain(map[job.Kind]job.Worker{RecommenderJob: w.s.RecommenderDeployer()}) // some are to fail
	return w.recommender()
}

func (w *world) create(v *catalog.RecommenderVersion) {
	w.Helper()
	w.Create(&catalog.Recommender{Meta: catalog.Meta{ARN: films, Group: "group", Status: catalog.Pending}, Recipe: v.Recipe, Next: v.ARN})
}

func (w *world) refused(want string) {
	w.Helper()
	_, err := w.s.Recommend(w.Context(), Request{Campaign: films, User: "bob"})
	var inv *Invalid
	if !errors.As(err, &inv) || !strings.Contains(err.Error(), want) {
		w.Errorf("got %v, want %q", err, want)
	}
}

func TestLifeOfARecommender(t *testing.T) {
	w := newCinema(t, time.Now)
	w.event("bob", "i1", 9)
	one := w.trained(films+"/1", popular, "")
	w.create(one)
	w.refused("CREATE PENDING")
	w.told(one, catalog.InProgress, "")
	if r := w.recommender(); r.Status != catalog.InProgress {
		t.Errorf("while it is trained: %s", r.Status)
	}
	w.told(one, catalog.Active, "")
	if r := w.work(); r.Status != catalog.Active || r.Parent != one.ARN || r.Next != "" {
		t.Fatalf("trained: %+v", r)
	}
	ask := func() string { t.Helper(); return w.ask(Request{Campaign: films, User: "bob"}) }
	if got := ask(); got != "RID-1 i1 i0 i2" {
		t.Errorf("answers %s", got)
	}

	// An update with a training: the old version answers until the new one does.
	w.event("cleo", "i2", 10)
	w.event("dan", "i2", 10)
	two := w.trained(films+"/2", popular, "")
	w.changed(func(r *catalog.Recommender) {
		r.Next, r.LatestUpdate = two.ARN, &catalog.RecommenderUpdate{Config: json.RawMessage(`{"a":1}`), Status: catalog.Pending}
	})
	w.told(two, catalog.InProgress, "")
	if r := w.recommender(); r.Status != catalog.Active || r.LatestUpdate.Status != catalog.InProgress || r.Config != nil {
		t.Errorf("while it is trained anew: %s %+v", r.Status, r.LatestUpdate)
	}
	w.told(two, catalog.Active, "")
	if got := ask(); got != "RID-1 i1 i0 i2" {
		t.Errorf("trained, not deployed: %s", got)
	}
	r := w.work()
	if r.Status != catalog.Active || r.Parent != two.ARN || r.Next != "" || r.LatestUpdate.Status != catalog.Active || string(r.Config) != `{"a":1}` {
		t.Errorf("updated: %+v %+v", r, r.LatestUpdate)
	}
	if got := ask(); got != "RID-1 i2 i1 i0" {
		t.Errorf("after the update: %s", got)
	}
	if _, err := w.Blobs.Open(t.Context(), one.Model); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the first model is left: %v", err)
	}
	if _, err := w.s.deploy(t.Context(), one.ARN); w.s.mu.models[one.ARN] != nil || !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("the first version is left: %v", err)
	}

	// A training that fails leaves the old one.
	for name, bad := range map[string]string{"training": "", "model": "damaged"} {
		v := w.trained(films+"/"+name, popular, bad)
		w.changed(func(r *catalog.Recommender) {
			r.Next, r.LatestUpdate = v.ARN, &catalog.RecommenderUpdate{Config: json.RawMessage(`{"b":2}`), Status: catalog.Pending}
		})
		if bad == "" {
			w.told(v, catalog.Failed, "too little data")
			r = w.recommender()
		} else {
			w.told(v, catalog.Active, "")
			r = w.work()
		}
		if r.Status != catalog.Active || r.Parent != two.ARN || r.Next != "" || string(r.Config) != `{"a":1}` || r.LatestUpdate.Status != catalog.Failed || r.LatestUpdate.FailureReason == "" {
			t.Errorf("%s failed: %+v %+v", name, r, r.LatestUpdate)
		}
		if got := ask(); got != "RID-1 i2 i1 i0" {
			t.Errorf("%s failed: %s", name, got)
		}
	}

	// By schedule: nothing shows.
	three := w.trained(films+"/3", popular, "")
	w.changed(func(r *catalog.Recommender) { r.Next, r.LatestUpdate = three.ARN, nil })
	w.told(three, catalog.InProgress, "")
	if r := w.recommender(); r.Busy() {
		t.Errorf("a training by schedule shows: %+v", r)
	}
	w.told(three, catalog.Active, "")
	if r := w.work(); r.Parent != three.ARN || r.Status != catalog.Active || r.LatestUpdate != nil {
		t.Errorf("trained by schedule: %+v", r)
	}

	// Stopped and started.
	w.changed(func(r *catalog.Recommender) { r.Status = catalog.Inactive })
	w.refused("StartRecommender")
	start := func() *catalog.Recommender {
		w.changed(func(r *catalog.Recommender) { r.Status = catalog.StartPending })
		w.refused("START PENDING")
		w.Update(func(tx *store.Tx) error { return EnqueueRecommender(tx, films) })
		return w.work()
	}
	if r := start(); r.Status != catalog.Active || r.Parent != three.ARN {
		t.Errorf("started: %+v", r)
	}
	if got := ask(); got != "RID-1 i2 i1 i0" {
		t.Errorf("after the start: %s", got)
	}
	w.changed(func(r *catalog.Recommender) { r.Status = catalog.Inactive })
	if err := w.Blobs.Delete(t.Context(), three.Model); err != nil {
		t.Fatal(err)
	}
	if r := start(); r.Status != catalog.Inactive || r.FailureReason == "" || r.Parent != three.ARN {
		t.Errorf("started without its model: %+v", r)
	}

	w.Update(func(tx *store.Tx) error { return catalog.DeleteAll(tx, w.recommender()) })
	if _, err := w.s.Recommend(t.Context(), Request{Campaign: films, User: "bob"}); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("deleted: %v", err)
	}
	w.Update(func(tx *store.Tx) error { return errors.Join(FollowTraining(tx, three), EnqueueRecommender(tx, films)) }) // late, and harmless
}

func TestFailedRecommender(t *testing.T) {
	w := newCinema(t, time.Now)
	v := w.trained(films+"/1", popular, "")
	w.create(v)
	w.told(v, catalog.Failed, "Dataset has fewer than 1000 interactions")
	if r := w.recommender(); r.Status != catalog.Failed || r.FailureReason != "Dataset has fewer than 1000 interactions" || r.Next != "" {
		t.Errorf("%+v", r)
	}
	w.refused("fewer than 1000")
}

func TestAutomaticFilter(t *testing.T) {
	w := newCinema(t, time.Now)
	for n := range 150 {
		w.typed("eve", fmt.Sprintf("old%03d", n), "Watch", int64(100+n))
	}
	w.typed("eve", "i0", "watch", 500)
	w.typed("eve", "i1", "Click", 501)
	w.typed("fred", "i1", "Click", 502)
	v := w.trained(films+"/1", picks, "")
	w.create(v)
	w.told(v, catalog.InProgress, "")
	w.told(v, catalog.Active, "")
	w.work()
	ids := func(user string, n int) []string {
		t.Helper()
		a, err := w.s.Recommend(t.Context(), Request{Campaign: films, User: user, Results: n})
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, i := range a.Items {
			out = append(out, i.ID)
		}
		return out
	}
	// Of 153 items eve has watched 151; the newest hundred of each spelling count.
	got := ids("eve", 500)
	if len(got) != 153-100-1 || got[0] != "i1" {
		t.Errorf("%d items for eve, first %s", len(got), got[0])
	}
	for _, id := range got {
		if id == "i0" || id > "old049" {
			t.Errorf("eve has watched %s", id)
		}
	}
	if got := ids("eve", 3); len(got) != 3 || got[0] != "i1" {
		t.Errorf("three for eve: %v", got)
	}
	if got := ids("fred", 500); len(got) != 153 {
		t.Errorf("%d items for fred, who has watched nothing", len(got))
	}
	w.typed("fred", "i1", "WATCH", 503)
	if got := ids("fred", 500); len(got) != 152 || got[0] == "i1" {
		t.Errorf("just watched, and answered: %d items, first %s", len(got), got[0])
	}
}

func TestTrendsFollowEvents(t *testing.T) {
	now := time.Unix(100_000, 0)
	w := newCinema(t, func() time.Time { return now })
	w.event("bob", "i1", 9)
	v := w.trained(films+"/1", trends, "")
	w.create(v)
	w.told(v, catalog.InProgress, "")
	w.told(v, catalog.Active, "")
	w.work()
	ask := func() string {
		t.Helper()
		got := w.ask(Request{Campaign: films})
		w.s.renewals.Wait()
		return got
	}
	if got := ask(); got != "RID-1 i1 i0 i2" {
		t.Errorf("as trained: %s", got)
	}
	for n := range int64(3) { // a new item, days later
		w.event("bob", "new", 900_000+n)
	}
	now = now.Add(2*time.Hour - 1)
	ask()
	if got := ask(); got != "RID-1 i1 i0 i2" {
		t.Errorf("before the interval is over: %s", got)
	}
	now = now.Add(1)
	ask() // starts the renewal
	if got := ask(); got != "RID-1 new i1 i0 i2" {
		t.Errorf("after the interval: %s", got)
	}
	// Deleted data leave the list as it is.
	w.append(dataset.Change{Cleared: &dataset.Cleared{Type: dataset.Interactions}})
	now = now.Add(3 * time.Hour)
	ask()
	if got := ask(); got != "RID-1 new i1 i0 i2" {
		t.Errorf("without data: %s", got)
	}
}

// BenchmarkAutomaticFilter compares an answer to a user with a hundred watched
// items with one to a user without.
func BenchmarkAutomaticFilter(b *testing.B) {
	data := dataset.NewSnapshot(make([]string, 1000), make([]string, 50_000), []string{"Watch"}, nil)
	history := make([][]dataset.Event, 1000)
	for u := range history {
		for n := range 100 {
			history[u] = append(history[u], dataset.Event{Item: dataset.Index((u*37 + n*n*13) % 50_000), Time: int64(n)})
		}
	}
	data = dataset.NewSnapshot(data.UserIDs, data.ItemIDs, data.EventTypes, history)
	m, err := popularity.Recipe{}.Train(context.Background(), recipe.Input{Data: data})
	if err != nil {
		b.Fatal(err)
	}
	spec, _ := recipe.SpecOf(picks)
	for _, events := range []int{0, 100} {
		b.Run(fmt.Sprintf("%d watched", events), func(b *testing.B) {
			q := &recipe.Query{History: history[3][:events]}
			var dst []recipe.Scored
			for b.Loop() {
				var err error
				if dst, err = recommendWithout(context.Background(), m, spec, data.EventTypes, q, 25, dataset.Set{}, dst); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
