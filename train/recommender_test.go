package train

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"usher/catalog"
	"usher/dataset"
	"usher/recipe"
	"usher/store"
)

const testRecommender = "arn:aws:personalize:us-east-1:000000000000:recommender/r"

// retrain stores a recommender and starts its training; it gives the version's ARN.
func (r *rig) retrain(t *testing.T, useCase string) string {
	t.Helper()
	rec := &catalog.Recommender{Meta: catalog.Meta{ARN: testRecommender, Name: "r", Group: testGroup, Status: catalog.Pending}, Recipe: useCase}
	err := r.db.Update(t.Context(), func(tx *store.Tx) error {
		if err := Retrain(tx, rec); err != nil {
			return err
		}
		next := rec.Next
		if err := Retrain(tx, rec); err != nil || rec.Next != next {
			return errors.New("it is trained twice at once")
		}
		return catalog.Create(tx, rec)
	})
	if err != nil {
		t.Fatal(err)
	}
	return rec.Next
}

// ended runs trainings until one has ended; it gives the statuses that were
// told of it and its record.
func (r *rig) ended(t *testing.T, opt Options) (told []catalog.Status, v *catalog.RecommenderVersion) {
	t.Helper()
	var mu sync.Mutex
	over := make(chan struct{})
	opt.Moved = func(_ *store.Tx, rec catalog.Record) error {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, rec.Common().Status)
		if rec, ok := rec.(*catalog.RecommenderVersion); ok && !rec.Status.Transitional() {
			v = rec
			close(over)
		}
		return nil
	}
	r.run(t, opt)
	<-over
	r.stop()
	return told, v
}

func TestRecommendersAreTrained(t *testing.T) {
	r := openRig(t, "")
	r.shop(t)
	var mu sync.Mutex
	var learnt int
	f := fake{spec: recipe.Spec{Name: "aws-vod-most-popular"}, step: func(_ context.Context, s fakeStep) error {
		mu.Lock()
		defer mu.Unlock()
		if s.refit() {
			learnt = len(s.in.Data.Events)
			for _, e := range s.in.Data.Events {
				if s.in.Data.EventTypes[e.Type] != "Watch" {
					return errors.New("a click was learnt from")
				}
			}
		}
		return nil
	}}
	arn := r.retrain(t, "aws-vod-most-popular")
	told, v := r.ended(t, r.local(f))
	if v.ARN != arn || v.Status != catalog.Active || v.FailureReason != "" || v.Parent != testRecommender || v.EventType != "Watch" {
		t.Errorf("version %+v", v)
	}
	if !slices.Equal(told, []catalog.Status{catalog.InProgress, catalog.Active}) {
		t.Errorf("told %q", told)
	}
	g, err := r.hist.Group(t.Context(), r.group.ID)
	if err != nil {
		t.Fatal(err)
	}
	all, err := g.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := len(recipe.Learnt(all, "watch", nil).Events); learnt != want || want == 0 || want == len(all.Events) {
		t.Errorf("%d of %d events learnt, want %d", learnt, len(all.Events), want)
	}
	if got := r.stored(t); !slices.Equal(got, []string{v.Model}) {
		t.Errorf("blobs %q; only the model %q was to stay", got, v.Model)
	}
	if len(v.Metrics) != 8 {
		t.Errorf("metrics %v", slices.Sorted(maps.Keys(v.Metrics)))
	}
}

func TestRecommenderWithoutEnoughEventsFails(t *testing.T) {
	r := openRig(t, "")
	r.shop(t)
	r.retrain(t, "aws-vod-most-popular")
	opt := r.local(fake{spec: recipe.Spec{Name: "aws-vod-most-popular"}})
	opt.Minimums = Minimums{Interactions: 1000}
	told, v := r.ended(t, opt)
	if v.Status != catalog.Failed || !strings.HasPrefix(v.FailureReason, "Dataset has fewer than 1000 interactions after filtering by event type: Watch. It has ") {
		t.Errorf("%s: %s", v.Status, v.FailureReason)
	}
	if len(told) != 2 || len(r.stored(t)) != 0 {
		t.Errorf("told %q; blobs %q", told, r.stored(t))
	}
}

// A hook that fails takes the end of the training back: nothing half-made is seen.
func TestWhatDependsOnATrainingMovesWithIt(t *testing.T) {
	r := openRig(t, "")
	r.shop(t)
	arn := r.retrain(t, "aws-vod-most-popular")
	opt := r.local(fake{spec: recipe.Spec{Name: "aws-vod-most-popular"}})
	var once sync.Once
	over := make(chan struct{})
	var first catalog.Status
	opt.Moved = func(tx *store.Tx, rec catalog.Record) (err error) {
		if rec.Common().Status != catalog.Active {
			return nil
		}
		once.Do(func() { err = errors.New("not now") })
		if err == nil {
			defer close(over)
			before, ferr := catalog.Get[catalog.RecommenderVersion](tx, arn)
			if ferr != nil {
				return ferr
			}
			first = before.Status // as this transaction has it
		}
		return err
	}
	r.run(t, opt)
	<-over
	r.stop()
	if first != catalog.Active {
		t.Errorf("the hook saw %s", first)
	}
	err := r.db.View(t.Context(), func(tx *store.Tx) error {
		v, err := catalog.Get[catalog.RecommenderVersion](tx, arn)
		if err == nil && (v.Status != catalog.Active || v.Model == "") {
			t.Errorf("%s, model %q", v.Status, v.Model)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// What is measured is what would be answered: without the items of the automatic
// filter.
func TestMeasuringExcludes(t *testing.T) {
	spec, _ := recipe.SpecOf("aws-vod-top-picks")
	data := dataset.NewSnapshot([]string{"u"}, []string{"a", "b", "c"}, []string{"Watch", "Click"}, nil)
	a := asking{spec: spec}
	allow := a.allowed(data, []dataset.Event{{Item: 0, Type: 0}, {Item: 1, Type: 1}})
	if allow.Has(0) || !allow.Has(1) || !allow.Has(2) || allow.Len() != 2 {
		t.Errorf("a watched item %v, a clicked one %v", allow.Has(0), allow.Has(1))
	}
	if !a.allowed(data, []dataset.Event{{Item: 1, Type: 1}}).All() {
		t.Error("a user who watched nothing is measured under a set")
	}
}

func TestOwnMeasuresAreAdded(t *testing.T) {
	r := openRig(t, "")
	r.shop(t)
	r.run(t, r.local(measuringFake{}))
	r.request(t, nil)
	v := r.await(t, catalog.Active)
	if v.Metrics["of_my_own"] != .25 || v.Metrics["mean_reciprocal_rank_at_25"] <= 0 {
		t.Errorf("metrics %v", v.Metrics)
	}
}

// measuringFake has a measure of its own, which is told all the data.
type measuringFake struct{ fake }

func (measuringFake) Measure(_ context.Context, in recipe.Input) (map[string]float64, error) {
	if in.Data.Users() != 40 {
		return nil, errors.New("these are not all the data")
	}
	return map[string]float64{"of_my_own": .25}, nil
}
