package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"usher/catalog"
	"usher/catalog/catalogtest"
	"usher/internal/worldtest"
	"usher/job"
	"usher/store"
)

// calendar is a Scheduler on a clock that the test turns, over records only.
type calendar struct {
	*worldtest.Group
	now  time.Time
	last uint64 // of the group's log
	s    *Scheduler
}

const day = 24 * time.Hour

func newCalendar(t *testing.T) *calendar {
	t.Helper()
	c := &calendar{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	c.Group = worldtest.New(t, func() time.Time { return c.now }).NewGroup(testGroup)
	c.s = &Scheduler{opt: SchedulerOptions{DB: c.DB, Log: slog.New(slog.DiscardHandler), Last: func(_ context.Context, id string) (uint64, error) {
		if id != c.Record.ID {
			return 0, errors.New("another group")
		}
		return c.last, nil
	}}}
	return c
}

func (c *calendar) solution(config string) *catalog.Solution {
	c.Helper()
	s := &catalog.Solution{Meta: catalog.Meta{ARN: testSolution, Group: testGroup, Parent: testGroup, Status: catalog.Active}, Recipe: "aws-sims",
		PerformAutoTraining: true, EventType: "click", Params: map[string]string{"a": "b"}, Config: json.RawMessage(config)}
	c.Create(s)
	return s
}

// imported says that there is something to learn from.
func (c *calendar) imported() {
	c.last = 10
	c.Create(&catalog.ImportJob{Meta: catalog.Meta{ARN: "import", Group: testGroup, Status: catalog.Active}})
}

// after looks at a later time and gives the versions that are new since then.
func (c *calendar) after(d time.Duration) []*catalog.SolutionVersion {
	c.Helper()
	before := len(c.versions())
	c.now = c.now.Add(d)
	if err := c.s.look(c.Context()); err != nil {
		c.Fatal(err)
	}
	all := c.versions()
	return all[:len(all)-before]
}

func (c *calendar) versions() (all []*catalog.SolutionVersion) {
	c.Helper()
	c.Update(func(tx *store.Tx) (err error) {
		all, _, err = catalog.List[catalog.SolutionVersion](tx, catalog.Query{Parent: testSolution})
		return err
	})
	return all
}

// ends gives a version a status, as train does.
func (c *calendar) ends(arn string, s catalog.Status) {
	c.Helper()
	c.Update(func(tx *store.Tx) error {
		v, err := find(tx, arn)
		if err != nil {
			return err
		}
		v.Common().Status, v.Training().Offset = s, c.last
		return errors.Join(catalogtest.SetStatus(tx, arn, s), catalog.Update(tx, v))
	})
}

func (c *calendar) want(got []*catalog.SolutionVersion, n int, what string) {
	c.Helper()
	if len(got) != n {
		c.Fatalf("%s: %d trainings, want %d", what, len(got), n)
	}
}

func TestFirstAutomaticTraining(t *testing.T) {
	c := newCalendar(t)
	c.solution("")
	c.want(c.after(time.Hour), 0, "without data")
	c.imported()
	got := c.after(0)
	c.want(got, 1, "with data")
	v := got[0]
	if v.Status != catalog.Pending || v.TrainingType != "AUTOMATIC" || v.TrainingMode != "FULL" || v.EventType != "click" || v.Params["a"] != "b" || v.Seed != Seed || v.Recipe != "aws-sims" {
		t.Errorf("version %+v", v)
	}
	c.Update(func(tx *store.Tx) error {
		found, err := jobOf(tx, v.ARN)
		if err == nil && found != "queued" {
			t.Errorf("its job is %q", found)
		}
		return err
	})
	c.want(c.after(30*day), 0, "while it is trained")
}

func TestFirstTrainingLeavesTimeForOnesOwn(t *testing.T) {
	c := newCalendar(t)
	c.solution("")
	c.imported()
	c.want(c.after(14*time.Minute), 0, "right after CreateSolution")
	c.want(c.after(time.Minute), 1, "within the hour")

	c = newCalendar(t)
	s := c.solution("")
	c.imported()
	v := NewVersion(s)
	v.ARN = testVersion
	c.Create(v)
	c.want(c.after(time.Hour), 0, "trained by hand")
	c.ends(testVersion, catalog.Active)
	c.want(c.after(day), 0, "trained by hand a day ago")
}

func TestRates(t *testing.T) {
	for config, days := range map[string]time.Duration{
		"":   7,
		"{}": 7,
		`{"autoTrainingConfig": {"schedulingExpression": "rate(1 day)"}}`:                                   1,
		`{"algorithmHyperParameters": {}, "autoTrainingConfig": {"schedulingExpression": "rate(30 days)"}}`: 30,
	} {
		c := newCalendar(t)
		c.solution(config)
		c.imported()
		first := c.after(time.Hour)
		c.want(first, 1, "first")
		c.ends(first[0].ARN, catalog.Active)
		c.want(c.after(days*day), 0, fmt.Sprintf("%q, no new data", config))
		c.last++
		next := c.after(0)
		c.want(next, 1, fmt.Sprintf("%q, new data", config))
		c.last++
		c.ends(next[0].ARN, catalog.Failed)
		c.want(c.after(days*day-time.Second), 0, fmt.Sprintf("%q, before its time", config))
		c.want(c.after(time.Second), 1, fmt.Sprintf("%q, after one that failed", config))
	}
	if _, err := rate(json.RawMessage(`{"autoTrainingConfig": {"schedulingExpression": "often"}}`)); err == nil {
		t.Error("a rate that is none is read")
	}
}

func TestNoAutomaticTraining(t *testing.T) {
	c := newCalendar(t)
	s := c.solution("")
	c.imported()
	s.PerformAutoTraining = false
	c.Update(func(tx *store.Tx) error { return catalog.Update(tx, s) })
	c.want(c.after(30*day), 0, "switched off")
	s.PerformAutoTraining = true
	c.Update(func(tx *store.Tx) error { return catalog.Update(tx, s) })
	c.want(c.after(0), 0, "just switched on")
	c.want(c.after(time.Hour), 1, "switched on")
}

func TestRecommendersAreTrainedWeekly(t *testing.T) {
	c := newCalendar(t)
	c.last = 5
	r := &catalog.Recommender{Meta: catalog.Meta{ARN: testRecommender, Group: testGroup, Status: catalog.Active}, Recipe: "aws-vod-top-picks"}
	c.Update(func(tx *store.Tx) error { return Retrain(tx, r) })
	r.Parent, r.Next = r.Next, ""
	c.Create(r)
	c.ends(r.Parent, catalog.Active)
	get := func() (r *catalog.Recommender) {
		t.Helper()
		c.Update(func(tx *store.Tx) (err error) {
			r, err = catalog.Get[catalog.Recommender](tx, testRecommender)
			return err
		})
		return r
	}
	look := func(d time.Duration, want bool, what string) {
		t.Helper()
		c.after(d)
		if got := get().Next != ""; got != want {
			t.Fatalf("%s: trained %v", what, got)
		}
	}
	change := func(fn func(r *catalog.Recommender)) {
		t.Helper()
		r := get()
		fn(r)
		c.Update(func(tx *store.Tx) error {
			return errors.Join(catalogtest.SetStatus(tx, r.ARN, r.Status), catalog.Update(tx, r))
		})
	}
	look(8*day, false, "no new data")
	c.last++
	change(func(r *catalog.Recommender) { r.Status = catalog.Inactive })
	look(0, false, "inactive")
	change(func(r *catalog.Recommender) {
		r.Status, r.LatestUpdate = catalog.Active, &catalog.RecommenderUpdate{Status: catalog.InProgress}
	})
	look(0, false, "being updated")
	change(func(r *catalog.Recommender) { r.LatestUpdate.Status = catalog.Active })
	look(0, true, "after a week, with new data")
	next := get().Next
	look(30*day, true, "while it is trained")
	if get().Next != next {
		t.Error("a training under way was replaced")
	}
	// One that failed is tried again a week later, not with each look.
	change(func(r *catalog.Recommender) { r.Next, r.Trained = "", c.now })
	look(7*day-time.Second, false, "a failure of this week")
	look(time.Second, true, "a failure of last week")
}

// TestTicks: the Scheduler looks when it is told to, until it is closed.
func TestTicks(t *testing.T) {
	c := newCalendar(t)
	c.solution("")
	c.imported()
	c.now = c.now.Add(time.Hour)
	ticks := make(chan time.Time)
	opt := c.s.opt
	opt.Ticks = ticks
	s := OpenScheduler(opt)
	ticks <- c.now
	ticks <- c.now // taken: the look before is over
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	c.want(c.versions(), 1, "after two ticks")
}

// A group that cannot be read keeps no other from being trained.
func TestErrorsOfOneDoNotKeepTheOthers(t *testing.T) {
	c := newCalendar(t)
	other := &catalog.DatasetGroup{Meta: catalog.Meta{ARN: "other", Status: catalog.Active}}
	c.Create(other)
	c.Create(&catalog.Solution{Meta: catalog.Meta{ARN: "broken", Group: "other", Status: catalog.Active}, Recipe: "aws-sims", PerformAutoTraining: true})
	c.Create(&catalog.EventTracker{Meta: catalog.Meta{ARN: "tracker", Group: "other", Status: catalog.Active}})
	c.solution("")
	c.imported()
	c.now = c.now.Add(time.Hour)
	if err := c.s.look(t.Context()); err == nil || err.Error() != "another group" {
		t.Errorf("error %v", err)
	}
	c.want(c.versions(), 1, "the other")
}

// jobOf gives the state of a version's job.
func jobOf(tx *store.Tx, arn string) (string, error) {
	s, _, err := job.Find(tx, Job, arn)
	return s.State, err
}
