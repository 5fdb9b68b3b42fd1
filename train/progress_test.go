package train

import (
	"context"
	"testing"

	"usher/catalog"
	"usher/job"
	"usher/store"
)

// TestReportsOfProgress: a training goes on and on, and says how long it still takes
// and how much memory.
func TestReportsOfProgress(t *testing.T) {
	for _, search := range []bool{false, true} {
		before := -1.
		for _, s := range []stage{stageStart, stageSearch, stageTrain, stageMeasure, stageRefit, stageSave} {
			for _, done := range []float64{0, .5, 1} {
				x := report{Stage: s, Done: done}.overall(search)
				if (search || s != stageSearch) && (x < before || x > 1) {
					t.Errorf("%s %g: %g after %g", s, done, x, before)
				}
				if search || s != stageSearch {
					before = x
				}
			}
		}
	}
	// A child that goes on in the middle, a second later each time it speaks.
	sup := &supervision{t: New(Options{Now: clock()}), task: &job.Task{Key: testVersion}}
	sup.began = sup.t.opt.Now()
	for _, c := range []struct {
		r    report
		want noted
	}{
		{report{stageStart, 0, "reading the data", 0}, noted{"starting (reading the data)", -1, 0}},
		{report{stageRefit, 0, "", 7 << 30}, noted{"training on all data", -1, 7 << 30}}, // the first 54 % are another attempt's
		{report{stageRefit, .5, "epoch 3 of 6", 7 << 30}, noted{"training on all data (epoch 3 of 6)", 1, 7 << 30}},
	} {
		if _, got := sup.tell(c.r); got != c.want.String() {
			t.Errorf("%+v: %s, want %s", c.r, got, c.want)
		}
	}
}

// TestProgressOf: whoever waits sees what is done, and nothing once it is over.
func TestProgressOf(t *testing.T) {
	r := openRig(t, "")
	r.shop(t)
	see := func() (p *Progress) {
		if err := r.db.View(t.Context(), func(tx *store.Tx) (err error) { p, err = ProgressOf(tx, testVersion); return err }); err != nil {
			t.Fatal(err)
		}
		return p
	}
	if p := see(); p != nil {
		t.Errorf("nothing is trained: %+v", p)
	}
	r.request(t, nil)
	if p := see(); p == nil || p.Note != "waiting for its turn" || p.SecondsLeft != -1 || p.Attempt != 0 {
		t.Errorf("before its turn: %+v", p)
	}
	seen := make(chan *Progress, 1)
	r.run(t, r.local(fake{step: func(ctx context.Context, s fakeStep) error {
		if s.n != 2 || !s.refit() {
			return nil
		}
		s.in.Needs(5 << 20)
		for context.Cause(ctx) == nil { // until what is told has been written
			s.in.Progress(.9, "the last one")
			if p := see(); p.MemoryBytes > 0 {
				seen <- p
				return nil
			}
		}
		return context.Cause(ctx)
	}}))
	r.await(t, catalog.Active)
	r.stop()
	p := <-seen
	if p.Note != "training on all data (the last one)" || p.Done <= .9 || p.Done >= 1 || p.SecondsLeft < 0 || p.MemoryBytes != 5<<20 || p.Attempt != 1 {
		t.Errorf("under way: %+v", p)
	}
	if p := see(); p != nil {
		t.Errorf("it is over: %+v", p)
	}
}
