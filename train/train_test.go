package train

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"usher/catalog"
	"usher/dataset"
	"usher/eval"
	"usher/job"
	"usher/recipe"
	"usher/store"
)

func TestTrainingPublishesAtItsEnd(t *testing.T) {
	r := openRig(t, "")
	r.shop(t)
	var statuses []catalog.Status
	f := fake{step: func(context.Context, fakeStep) error {
		statuses = append(statuses, r.version(t).Status)
		return nil
	}}
	r.run(t, r.local(f))
	r.request(t, nil)
	v := r.await(t, catalog.Active)
	if s := r.job(t); s.State != "done" || s.Attempt != 1 {
		t.Errorf("job %+v", s)
	}
	r.stop()
	for _, s := range statuses {
		if s != catalog.InProgress {
			t.Errorf("while it trained the version was %s", s)
		}
	}
	if len(statuses) != fakeSteps+fakeSteps-1 {
		t.Errorf("%d steps; the refit was to do what the first fit chose", len(statuses))
	}
	if got := r.stored(t); !slices.Equal(got, []string{v.Model}) {
		t.Errorf("blobs %q; only the model %q was to stay", got, v.Model)
	}
	if last, err := r.logs.Log(r.group.ID).Last(t.Context()); err != nil || v.Offset != uint64(last) {
		t.Errorf("offset %d, want %d (%v)", v.Offset, last, err)
	}
	if v.Seed != 7 || v.TrainingHours <= 0 {
		t.Errorf("seed %d, %g hours", v.Seed, v.TrainingHours)
	}
	keys := slices.Sorted(maps.Keys(v.Metrics))
	if len(keys) != 8 || keys[0] != "coverage" || v.Metrics["mean_reciprocal_rank_at_25"] <= 0 {
		t.Errorf("metrics %v", v.Metrics)
	}
	var m fakeModel
	if err := json.Unmarshal(r.read(t, v.Model), &m); err != nil || m.Known != 29 {
		t.Errorf("model %+v: %v", m, err)
	}
}

func TestTestUsersAreUnknownToWhatMeasures(t *testing.T) {
	var mu sync.Mutex
	var first, second *dataset.Snapshot
	var asked []recipe.Query
	f := fake{spec: recipe.Spec{NeedsItem: true},
		step: func(_ context.Context, s fakeStep) error {
			if s.refit() {
				second = s.in.Data
			} else {
				first = s.in.Data
			}
			return nil
		},
		query: func(q *recipe.Query) []dataset.Index {
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, *q)
			return nil
		}}
	r := openRig(t, "")
	r.shop(t)
	r.run(t, r.local(f))
	r.request(t, nil)
	v := r.await(t, catalog.Active)
	if v.Metrics["precision_at_25"] != 0 || v.Metrics["coverage"] != 0 {
		t.Errorf("metrics of empty answers: %v", v.Metrics)
	}
	if len(asked) != 4 {
		t.Fatalf("%d of 40 users were asked about", len(asked))
	}
	for _, q := range asked {
		whole := second.History(q.User)
		if n := len(q.History); len(first.History(q.User)) != 0 || n == 0 || n >= len(whole) {
			t.Errorf("user %d: %d events, %d in the training, %d known", q.User, len(whole), len(first.History(q.User)), n)
		}
		last := q.History[len(q.History)-1]
		if next := whole[len(q.History)]; q.Item != last.Item || q.Now.Unix() != next.Time {
			t.Errorf("asked about item %d at %s, the last event is %+v, the next %+v", q.Item, q.Now, last, next)
		}
	}
	if got, want := len(second.Events), 40*2; got < want {
		t.Errorf("%d events in the refit", got)
	}
}

func TestMeasure(t *testing.T) {
	r := openRig(t, "")
	r.shop(t)
	g, err := r.hist.Group(t.Context(), r.group.ID)
	if err != nil {
		t.Fatal(err)
	}
	all, err := g.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, cases := eval.LeaveOneOut(all)
	truth := map[dataset.Index][]dataset.Index{}
	for _, c := range cases {
		truth[c.User] = c.Truth
	}
	oracle := func(q *recipe.Query) []dataset.Index { return truth[q.User] }
	second := func(q *recipe.Query) []dataset.Index { // another item, then the right one
		x := truth[q.User][0]
		return []dataset.Index{(x + 1) % 30, x}
	}
	for name, c := range map[string]struct {
		query    func(q *recipe.Query) []dataset.Index
		mrr, at5 float64
	}{"oracle": {oracle, 1, .2}, "second": {second, .5, .2}} {
		var before map[string]float64
		for _, workers := range []int{1, 5} {
			a := asking{model: &fakeModel{fake: fake{query: c.query}}, workers: workers, progress: func(float64) {}}
			m, err := a.measure(t.Context(), all, cases)
			if err != nil {
				t.Fatal(err)
			}
			if m["mean_reciprocal_rank_at_25"] != c.mrr || m["precision_at_5"] != c.at5 {
				t.Errorf("%s: %v", name, m)
			}
			if before != nil && !maps.Equal(before, m) {
				t.Errorf("%s: %d workers give %v, one gives %v", name, workers, m, before)
			}
			before = m
		}
	}
}

func TestSampleOfCases(t *testing.T) {
	many := make([]eval.Case, casesMax+500)
	for i := range many {
		many[i].User = dataset.Index(i)
	}
	got := sample(many, 3)
	if len(got) != casesMax || !slices.IsSortedFunc(got, func(a, b eval.Case) int { return int(a.User) - int(b.User) }) {
		t.Errorf("%d cases", len(got))
	}
	if !reflect.DeepEqual(got, sample(many, 3)) || reflect.DeepEqual(got, sample(many, 4)) {
		t.Error("the seed decides who is drawn")
	}
	if few := sample(many[:10], 3); len(few) != 10 {
		t.Errorf("%d of 10 cases", len(few))
	}
}

func TestRealChildGivesTheSame(t *testing.T) {
	want, model := result(t)
	r := openRig(t, "")
	r.shop(t)
	r.run(t, r.remote(""))
	r.request(t, nil)
	v := r.await(t, catalog.Active)
	if !maps.Equal(v.Metrics, want.Metrics) || !bytes.Equal(r.read(t, v.Model), model) {
		t.Errorf("a process gives %v, a goroutine %v", v.Metrics, want.Metrics)
	}
}

// A stop at any step, in either fit, changes nothing of the result: neither do
// events that come meanwhile.
func TestGracefulStopGoesOn(t *testing.T) {
	want, model := result(t)
	r := openRig(t, "")
	r.shop(t)
	r.request(t, nil)
	for round := range 7 { // every step once, and more often than there are attempts
		reached := make(chan struct{})
		n := 0
		f := fake{step: func(ctx context.Context, s fakeStep) error {
			if n++; n < 2 && round > 0 {
				return nil // each round goes on by a step
			}
			if s.n > 1 && s.from == 0 {
				t.Errorf("round %d: the fit began anew", round)
			}
			close(reached)
			<-ctx.Done()
			return context.Cause(ctx)
		}}
		r.run(t, r.local(f))
		<-reached
		r.stop()
		if s := r.job(t); s.State != "queued" || s.Attempt != 0 {
			t.Fatalf("round %d: job %+v", round, s)
		}
		if v := r.version(t); v.Status != catalog.InProgress {
			t.Errorf("round %d: version %s", round, v.Status)
		}
		r.append(t, dataset.Interaction{User: "late", Item: "i1", Type: "click", Time: int64(round)})
	}
	r.run(t, r.local(fake{}))
	v := r.await(t, catalog.Active)
	r.stop()
	if v.Offset != want.Offset || !maps.Equal(v.Metrics, want.Metrics) || !bytes.Equal(r.read(t, v.Model), model) {
		t.Errorf("interrupted: offset %d metrics %v; uninterrupted: %d %v", v.Offset, v.Metrics, want.Offset, want.Metrics)
	}
	if got := r.stored(t); !slices.Equal(got, []string{v.Model}) {
		t.Errorf("blobs %q", got)
	}
}

func TestOldCheckpointsAreDeleted(t *testing.T) {
	r := openRig(t, "")
	r.shop(t)
	f := fake{step: func(context.Context, fakeStep) error {
		n := 0
		for _, name := range r.stored(t) {
			if strings.HasPrefix(name, "checkpoints/") {
				n++
			}
		}
		if n > 1 {
			t.Errorf("%d checkpoints", n)
		}
		return nil
	}}
	r.run(t, r.local(f))
	r.request(t, nil)
	r.await(t, catalog.Active)
}

func TestStop(t *testing.T) {
	r := openRig(t, "")
	r.shop(t)
	reached := make(chan struct{})
	f := fake{step: func(ctx context.Context, s fakeStep) error {
		if s.refit() {
			close(reached)
			<-ctx.Done()
		}
		return context.Cause(ctx)
	}}
	r.run(t, r.local(f))
	r.request(t, nil)
	<-reached
	r.stopVersion(t)
	if v := r.await(t, catalog.Stopped); v.Model != "" || v.Metrics != nil || v.FailureReason != "" {
		t.Errorf("a stopped version has %+v", v)
	}
	r.stop()
	if got := r.stored(t); len(got) > 0 {
		t.Errorf("blobs %q", got)
	}
}

// stopVersion does what StopSolutionVersionCreation does.
func (r *rig) stopVersion(t testing.TB) {
	err := r.db.Update(context.Background(), func(tx *store.Tx) error {
		v, err := catalog.Get[catalog.SolutionVersion](tx, testVersion)
		if err != nil {
			return err
		}
		v.Status = catalog.Stopping
		if err := catalog.Update(tx, v); err != nil {
			return err
		}
		_, err = r.queue.Cancel(tx, Job, testVersion)
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// A stop that comes while the model is being written wins: no model is published.
func TestStopInTheLastMoment(t *testing.T) {
	r := openRig(t, "")
	r.shop(t)
	r.run(t, r.local(fake{saving: func() error { r.stopVersion(t); return nil }}))
	r.request(t, nil)
	r.await(t, catalog.Stopped)
	r.stop()
	if got := r.stored(t); len(got) > 0 {
		t.Errorf("blobs %q", got)
	}
}

func TestStoppingVersionIsNotPublished(t *testing.T) {
	r := openRig(t, "")
	r.shop(t)
	r.request(t, func(v *catalog.SolutionVersion) { v.Status = catalog.Stopping })
	err := r.db.Update(t.Context(), func(tx *store.Tx) error { return New(Options{}).publish(tx, testVersion, checkpoint{Model: "m"}) })
	if v := r.version(t); !errors.Is(err, job.ErrCanceled) || v.Status != catalog.Stopping || v.Model != "" {
		t.Errorf("%v; %+v", err, v)
	}
	r.run(t, r.local(fake{})) // a job that lost its mark of being cancelled
	r.await(t, catalog.Stopped)
}

func TestDeletedVersionLeavesNothing(t *testing.T) {
	r := openRig(t, "")
	r.shop(t)
	saved := make(chan struct{})
	f := fake{saving: func() error {
		defer close(saved)
		return r.db.Update(context.Background(), func(tx *store.Tx) error {
			v, err := catalog.Get[catalog.SolutionVersion](tx, testVersion)
			if err != nil {
				return err
			}
			return catalog.Delete(tx, v)
		})
	}}
	r.run(t, r.local(f))
	r.request(t, nil)
	<-saved
	ended(t, r, "done") // the second attempt finds nothing to do
	r.stop()
	if got := r.stored(t); len(got) > 0 {
		t.Errorf("blobs %q", got)
	}
}

// ended waits for the state of the job.
func ended(t *testing.T, r *rig, state string) {
	t.Helper()
	for r.job(t).State != state {
		if err := context.Cause(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// When the transaction that publishes fails, the job runs again; when it never
// succeeds, the version is CREATE FAILED and no model is left.
// A model that no campaign could load makes its version fail, at once.
func TestUnreadableModelIsNotPublished(t *testing.T) {
	r := openRig(t, "")
	r.shop(t)
	r.run(t, r.local(fake{unreadable: true}))
	r.request(t, nil)
	v := r.await(t, catalog.Failed)
	if v.Model != "" || !strings.Contains(v.FailureReason, "the model that was written cannot be read: model file is damaged") {
		t.Errorf("a failed version has %+v", v)
	}
	if s := r.job(t); s.State != "failed" || s.Attempt != 1 {
		t.Errorf("job %+v", s)
	}
	r.stop()
	if got := r.stored(t); len(got) > 0 {
		t.Errorf("blobs %q", got)
	}
}

func TestFailedPublicationLeavesNoModel(t *testing.T) {
	r := openRig(t, "")
	r.shop(t)
	err := r.db.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(`create trigger refuse before update on resource when new.status = 'ACTIVE' begin select raise(abort, 'refused'); end`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	steps := 0
	r.run(t, r.local(fake{step: func(context.Context, fakeStep) error { steps++; return nil }}))
	r.request(t, nil)
	v := r.await(t, catalog.Failed)
	if v.Model != "" || v.Metrics != nil || !strings.Contains(v.FailureReason, "refused") {
		t.Errorf("a failed version has %+v", v)
	}
	if s := r.job(t); s.State != "failed" || s.Attempt != job.Attempts {
		t.Errorf("job %+v", s)
	}
	if steps != fakeSteps+fakeSteps-1 {
		t.Errorf("%d steps: what was done was done again", steps)
	}
	r.stop()
	if got := r.stored(t); len(got) > 0 {
		t.Errorf("blobs %q", got)
	}
}

// A late sweep, of an attempt that nobody waits for, spares the published model.
func TestPublishedModelIsNeverSwept(t *testing.T) {
	r := openRig(t, "")
	r.shop(t)
	r.run(t, r.local(fake{}))
	r.request(t, nil)
	v := r.await(t, catalog.Active)
	r.stop()
	n := names{arn: v.ARN, group: r.group.ID, version: v.ID, attempt: 2}
	n.owner = strings.Split(v.Model, "/")[2]
	if err := writeBlob(t.Context(), r.blobs, n.model(), (&fakeModel{}).Save); err != nil {
		t.Fatal(err)
	}
	r.trainer.sweep(t.Context(), n, checkpoint{})
	if got := r.stored(t); !slices.Equal(got, []string{v.Model}) {
		t.Errorf("blobs %q; the published one is %q", got, v.Model)
	}
}

func TestRecipeErrorIsNotTriedAgain(t *testing.T) {
	r := openRig(t, "")
	r.shop(t)
	tries := 0
	f := fake{step: func(context.Context, fakeStep) error { tries++; return errors.New("item 3 has no colour") }}
	r.run(t, r.local(f))
	r.request(t, nil)
	v := r.await(t, catalog.Failed)
	if tries != 1 || !strings.HasPrefix(v.FailureReason, "The training was given up: item 3 has no colour. ") ||
		!strings.HasSuffix(v.FailureReason, "Create another solution version to try again.") {
		t.Errorf("%d tries: %s", tries, v.FailureReason)
	}
	r.stop()
	if got := r.stored(t); len(got) > 0 {
		t.Errorf("blobs %q", got)
	}
}

func TestUnknownRecipe(t *testing.T) {
	r := openRig(t, "")
	r.shop(t)
	r.run(t, r.local())
	r.request(t, nil)
	if v := r.await(t, catalog.Failed); !strings.Contains(v.FailureReason, `no recipe "fake"`) {
		t.Error(v.FailureReason)
	}
}

func TestTooLittleDataFails(t *testing.T) {
	r := openRig(t, "")
	r.shop(t)
	opt := r.local(fake{})
	opt.Minimums = Minimums{Interactions: 1000}
	r.run(t, opt)
	r.request(t, nil)
	v := r.await(t, catalog.Failed)
	if !strings.HasPrefix(v.FailureReason, "Dataset has fewer than 1000 interactions. It has ") {
		t.Error(v.FailureReason)
	}
	if s := r.job(t); s.State != "done" || s.Attempt != 1 {
		t.Errorf("job %+v", s)
	}
}

func TestOneUserTrainsWithoutMetrics(t *testing.T) {
	r := openRig(t, "")
	r.shop(t)
	r.append(t, dataset.Interaction{User: "alone", Item: "i1", Type: "rare", Time: 5}, dataset.Interaction{User: "alone", Item: "i2", Type: "rare", Time: 6})
	r.run(t, r.local(fake{}))
	r.request(t, func(v *catalog.SolutionVersion) { v.EventType = "RARE" })
	if v := r.await(t, catalog.Active); v.Metrics != nil || v.Model == "" {
		t.Errorf("metrics %v, model %q", v.Metrics, v.Model)
	}
}
