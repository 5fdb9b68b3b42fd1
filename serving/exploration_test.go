package serving

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"testing"

	"usher/blob/blobtest"
	"usher/catalog"
	"usher/dataset"
	"usher/internal/seed"
	"usher/recipe"
	"usher/recipe/popularity"
	"usher/store"
)

const (
	v1   = "aws-user-personalization"
	day  = int64(24 * 3600)
	born = `{"type":"record","name":"Items","fields":[{"name":"ITEM_ID","type":"string"},{"name":"CREATION_TIMESTAMP","type":["null","long"]}],"version":"1.0"}`
)

// asV1 is a recipe of another, under the name of the first version.
type asV1 struct{ recipe.Recipe }

func (asV1) Spec() recipe.Spec { s, _ := recipe.SpecOf(v1); return s }

// exploringWorld has 60 old items, which all users had a year ago, and the newest
// event now; cold items follow by the tests.
func exploringWorld(t *testing.T) *world {
	w := newWorld(t)
	now := int64(1_700_000_000)
	w.append(dataset.Change{Schema: &dataset.SchemaSet{Type: dataset.Items, Text: born}})
	for i := range 60 {
		w.event("bob", fmt.Sprint("old", i), now-365*day+int64(i))
	}
	w.event("cid", "old0", now)
	w.s.recipes[v1] = asV1{popularity.Recipe{}}
	data := w.Snapshot()
	m, err := popularity.Recipe{}.Train(t.Context(), recipe.Input{Data: data, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	blobtest.Save(w, w.Blobs, "m", m.Save)
	v := &catalog.SolutionVersion{Meta: catalog.Meta{ARN: "v1/1", Group: "group", Status: catalog.Active}, Recipe: v1, Model: "m"}
	w.Create(v)
	ids := 0
	w.s.opt.NewID = func() string { ids++; return fmt.Sprint("RID-", ids) }
	return w
}

// item puts a record with a creation time; 0: without.
func (w *world) item(id string, created int64) {
	row := dataset.Row{{Kind: dataset.String, Str: id}, {}}
	if created != 0 {
		row[1] = dataset.Value{Kind: dataset.Long, Int: created}
	}
	w.append(dataset.Change{Item: &dataset.Entity{ID: id, Row: row}})
}

// shares asks many times and counts, of all places of the answers, those of each item.
func (w *world) shares(campaign, user string, times, k int) map[string]float64 {
	w.Helper()
	out := map[string]float64{}
	for range times {
		a, err := w.s.Recommend(w.Context(), Request{Campaign: campaign, User: user, Results: k})
		if err != nil {
			w.Fatal(err)
		}
		if len(a.Items) != k {
			w.Fatalf("%d items, want %d", len(a.Items), k)
		}
		seen := map[string]bool{}
		for _, i := range a.Items {
			if seen[i.ID] {
				w.Fatalf("%s twice in an answer", i.ID)
			}
			seen[i.ID] = true
			out[i.ID] += 1 / float64(times*k)
		}
	}
	return out
}

// TestExplorationFollowsItsWeight: new items have the part of the places that the
// weight says, whether they came before or after the campaign; old ones the rest.
func TestExplorationFollowsItsWeight(t *testing.T) {
	w := exploringWorld(t)
	now := int64(1_700_000_000)
	for i := range 40 {
		w.item(fmt.Sprint("new", i), now-int64(i%20)*day)
		w.item(fmt.Sprint("aged", i), now-31*day)
	}
	campaigns := map[float64]string{}
	for _, weight := range []float64{0, .1, .3, 1} {
		c := &catalog.Campaign{Meta: catalog.Meta{ARN: fmt.Sprint("campaign/", weight), Group: "group", Parent: "v1/1", Status: catalog.Active}}
		if weight != .3 { // which is the default
			c.Config = json.RawMessage(fmt.Sprintf(`{"itemExplorationConfig":{"explorationWeight":"%v"}}`, weight))
		}
		w.Create(c)
		campaigns[weight] = c.ARN
	}
	for weight, arn := range campaigns {
		w.shares(arn, "zoe", 1, 10) // deployed
		w.item(fmt.Sprint("latest", weight), 0)
	}
	for weight, arn := range campaigns {
		cold, latest, aged := 0., 0., 0.
		for id, share := range w.shares(arn, "zoe", 400, 10) {
			switch id[0] {
			case 'n':
				cold += share
			case 'l':
				latest += share
			case 'a':
				aged += share
			}
		}
		if math.Abs(cold+latest-weight) > .025 || aged > 0 {
			t.Errorf("weight %v: new items have %.3f of the places, aged ones %.3f", weight, cold+latest, aged)
		}
		if weight > 0 && latest == 0 {
			t.Errorf("weight %v: an item that came after the campaign was never shown", weight)
		}
	}
}

// TestExplorationIsExplained: of what is shown to be learnt about that is told, and of
// nothing else, though the first version's answers give no reasons.
func TestExplorationIsExplained(t *testing.T) {
	w := exploringWorld(t)
	for i := range 10 {
		w.item(fmt.Sprint("new", i), 1_700_000_000)
	}
	w.Create(&catalog.Campaign{Meta: catalog.Meta{ARN: "campaign/half", Group: "group", Parent: "v1/1", Status: catalog.Active},
		Config: json.RawMessage(`{"itemExplorationConfig":{"explorationWeight":"0.5"}}`)})
	told := map[bool]int{}
	for range 20 {
		answer, items, err := w.s.Explain(t.Context(), Question{Request: Request{Campaign: "campaign/half", User: "zoe", Results: 10}})
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range items {
			if isNew := e.ID[0] == 'n'; e.Explored != isNew || e.Reason != "" || e.ID != answer.Items[i].ID {
				t.Errorf("%s: explored %v, reason %q", e.ID, e.Explored, e.Reason)
			}
			told[e.Explored]++
		}
	}
	if told[true] < 50 || told[false] < 50 {
		t.Errorf("told of: %v", told)
	}
}

// TestExplorationAge: what counts is the creation time or, without one, the first
// event; the cut-off is the campaign's.
func TestExplorationAge(t *testing.T) {
	w := exploringWorld(t)
	now := int64(1_700_000_000)
	w.item("created", now-3*day)
	w.item("before", now-9*day)
	w.event("dan", "firsthad", now-2*day)
	w.event("dan", "hadbefore", now-8*day)
	w.item("firsthad", 0)
	w.item("nothing", 0)
	c := &catalog.Campaign{Meta: catalog.Meta{ARN: "campaign/age", Group: "group", Parent: "v1/1", Status: catalog.Active},
		Config: json.RawMessage(`{"itemExplorationConfig":{"explorationWeight":"0.5","explorationItemAgeCutOff":"5"}}`)}
	w.Create(c)
	got := w.shares(c.ARN, "zoe", 100, 4)
	for id, want := range map[string]bool{"created": true, "firsthad": true, "nothing": true, "before": false, "hadbefore": false} {
		if (got[id] > 0) != want {
			t.Errorf("%s has %.3f of the places", id, got[id])
		}
	}
	if got := w.shares(c.ARN, "dan", 50, 4); got["firsthad"] > 0 {
		t.Error("a user is shown as new what he has had")
	}
}

// TestExplorationPrefersWhatWasShownLess.
func TestExplorationPrefersWhatWasShownLess(t *testing.T) {
	c := newColdItems(&dataset.Snapshot{ItemIDs: []string{"a", "b"}}, nil, 30)
	r := seed.Seed(1).Rand()
	pool := []recipe.Scored{{Index: 0}, {Index: 1}}
	other := 0
	for range 1000 {
		c.shown[0].Store(9)
		c.shown[1].Store(0)
		if c.draw(r, pool, 1)[0].Index == 1 {
			other++
		}
	}
	if want := 909; other < want-40 || other > want+40 { // 10 of 11
		t.Errorf("of 1000 draws %d are of the item that was shown less", other)
	}
}

// TestRecommendersExplore: the personal use case of a domain explores by its
// recommender's settings, which an update changes at once, and keeps to the automatic
// filter; other use cases do not.
func TestRecommendersExplore(t *testing.T) {
	w := exploringWorld(t)
	for i := range 40 {
		w.item(fmt.Sprint("new", i), 1_700_000_000-int64(i%20)*day)
	}
	w.typed("zoe", "new7", "watch", 1_700_000_000)
	for _, name := range []string{picks, popular} {
		w.s.recipes[name] = recipe.As(name, popularity.Recipe{}, nil)
	}
	serve := func(name, useCase string) string {
		r := &catalog.Recommender{Meta: catalog.Meta{ARN: films + name, Group: "group", Parent: films + name + "/1", Status: catalog.Active}, Recipe: useCase}
		v := &catalog.RecommenderVersion{SolutionVersion: catalog.SolutionVersion{Meta: catalog.Meta{ARN: r.Parent, Group: "group", Parent: r.ARN, Status: catalog.Active}, Recipe: useCase, Model: "m"}}
		w.Update(func(tx *store.Tx) error { return errors.Join(catalog.Create(tx, r), catalog.Create(tx, v)) })
		return r.ARN
	}
	cold := func(arn string) (sum float64) {
		for id, share := range w.shares(arn, "zoe", 400, 10) {
			if id[0] == 'n' {
				sum += share
			}
			if id == "new7" {
				t.Errorf("zoe is shown what she has watched")
			}
		}
		return sum
	}
	arn := serve("picks", picks)
	if got := cold(arn); math.Abs(got-.3) > .025 {
		t.Errorf("without settings new items have %.3f of the places, want AWS's .3", got)
	}
	for _, weight := range []float64{.6, 0} {
		w.Update(func(tx *store.Tx) error {
			r, err := catalog.Get[catalog.Recommender](tx, arn)
			if err != nil {
				return err
			}
			r.Config = json.RawMessage(fmt.Sprintf(`{"itemExplorationConfig":{"explorationWeight":"%v"}}`, weight))
			return catalog.Update(tx, r)
		})
		if got := cold(arn); math.Abs(got-weight) > .025 {
			t.Errorf("weight %v: new items have %.3f of the places", weight, got)
		}
	}
	if got := cold(serve("popular", popular)); got > 0 {
		t.Errorf("a use case that is not personal explores: %.3f", got)
	}
}
