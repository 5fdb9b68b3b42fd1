package serving

import (
	"runtime"
	"sync"
	"testing"
	"time"
)

// awake tells how many models are in memory.
func (w *world) awake() int {
	w.s.mu.RLock()
	defer w.s.mu.RUnlock()
	return len(w.s.mu.models)
}

// Campaigns that nobody asks lose their model; the next request loads it again
// and is answered the same.
func TestIdleCampaignsSleep(t *testing.T) {
	w := newWorld(t)
	now := time.Unix(1_700_000_000, 0)
	w.s.opt.Now = func() time.Time { return now }
	w.version("personal/1", v2, "a")
	w.version("related/1", sims, "b")
	p, r := w.campaign("personal/1"), w.campaign("related/1")
	related := Request{Campaign: r.ARN, Item: "i1"}
	want := w.ask(related)
	now = now.Add(10 * time.Minute)
	w.ask(Request{Campaign: p.ARN, User: "ann"})
	now = now.Add(10 * time.Minute)
	w.s.sleepIdle() // p was asked ten minutes ago, r twenty
	if w.awake() != 1 || w.loads != 2 {
		t.Fatalf("%d models are awake after %d loads, want 1 after 2", w.awake(), w.loads)
	}
	if got := w.ask(related); got != want || w.loads != 3 || w.awake() != 2 {
		t.Errorf("woken: %s, want %s; %d loads, %d awake", got, want, w.loads, w.awake())
	}
	w.ask(Request{Campaign: p.ARN, User: "ann"})
	if w.loads != 3 {
		t.Errorf("%d loads, but p did not sleep", w.loads)
	}
	w.s.opt.Idle = -1
	now = now.Add(1000 * time.Hour)
	if w.s.sleepIdle(); w.awake() != 2 {
		t.Errorf("%d models are awake, though none is to sleep", w.awake())
	}
}

// Ticks make it happen, until Close.
func TestTicksPutToSleep(t *testing.T) {
	w := newWorld(t)
	ticks := make(chan time.Time)
	opt := w.s.opt
	opt.Ticks, opt.Idle = ticks, time.Nanosecond
	now := time.Unix(1_700_000_000, 0)
	opt.Now = func() time.Time { return now }
	s := New(opt)
	w.version("personal/1", v2, "a")
	p := w.campaign("personal/1")
	if _, err := s.Recommend(t.Context(), Request{Campaign: p.ARN, User: "ann"}); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	ticks <- now
	ticks <- now // taken when the first one is done
	s.mu.RLock()
	if n := len(s.mu.models); n != 0 {
		t.Errorf("%d models are awake", n)
	}
	s.mu.RUnlock()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// pooled is kept by its pool as models are by theirs.
type pooled struct{ pool sync.Pool }

// What nobody has any more is gone when memory was freed, pools or not: mapped files
// of models that sleep would stay otherwise.
func TestFreedMemoryIsGone(t *testing.T) {
	gone := make(chan struct{})
	x := &pooled{}
	x.pool.Put(new(int))
	runtime.AddCleanup(x, func(c chan struct{}) { close(c) }, gone)
	runtime.KeepAlive(x)
	x = nil
	freeMemory()
	select {
	case <-gone:
	case <-time.After(30 * time.Second): // less than the runtime's own collection takes to come
		t.Error("it is still there")
	}
}

// Where there is room for few models, who was not asked for longest sleeps.
func TestModelsThatAreAwakeAreBounded(t *testing.T) {
	w := newWorld(t)
	now := time.Unix(1_700_000_000, 0)
	w.s.opt.Now = func() time.Time { return now }
	w.s.opt.AwakeBytes = 5 // models are of two bytes
	var campaigns []string
	for _, v := range []string{"a/1", "b/1", "c/1"} {
		w.version(v, v2, v[:1]+"x")
		now = now.Add(time.Second)
		campaigns = append(campaigns, w.campaign(v).ARN)
	}
	if w.awake() != 2 {
		t.Fatalf("%d models are awake, want 2", w.awake())
	}
	ask := func(i int) {
		now = now.Add(time.Second)
		if _, err := w.s.Recommend(t.Context(), Request{Campaign: campaigns[i], User: "ann"}); err != nil {
			t.Fatal(err)
		}
	}
	loads := w.loads
	ask(1)
	ask(0) // c goes
	ask(1)
	if w.loads != loads+1 || w.awake() != 2 {
		t.Errorf("%d loads and %d awake, want 1 and 2", w.loads-loads, w.awake())
	}
	ask(2)
	if w.loads != loads+2 || w.awake() != 2 {
		t.Errorf("%d loads and %d awake, want 2 and 2", w.loads-loads, w.awake())
	}
}
