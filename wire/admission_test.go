package wire

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// enters tells whether a call is let in at once, waits or is refused.
func enters(t *testing.T, a *Admission) (leave func(), outcome string) {
	t.Helper()
	done := make(chan func(), 1)
	refused := make(chan error, 1)
	go func() {
		leave, err := a.Enter(t.Context())
		if err != nil {
			refused <- err
			return
		}
		done <- leave
	}()
	synctest.Wait()
	select {
	case leave = <-done:
		return leave, "in"
	case err := <-refused:
		var f *Fault
		if !errors.As(err, &f) || f.Code != "ThrottlingException" || f.Status != 400 {
			t.Errorf("refused with %v", err)
		}
		return nil, "refused"
	default:
		return func() { (<-done)() }, "waits"
	}
}

// With calls of a tenth of a second and a queue of a quarter, two places and five
// in the queue are what there is; a place that gets free is the oldest one's.
func TestAdmission(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := time.Unix(1_700_000_000, 0)
		a := NewAdmission(2, 250*time.Millisecond, func() time.Time { return clock })
		for range 1000 { // learns how long calls take
			leave, err := a.Enter(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			clock = clock.Add(100 * time.Millisecond)
			leave()
		}
		var leaves []func()
		for i, want := range []string{"in", "in", "waits", "waits", "waits", "waits", "waits", "refused", "refused"} {
			leave, got := enters(t, a)
			if got != want {
				t.Fatalf("call %d: %s, want %s", i, got, want)
			}
			if leave != nil {
				leaves = append(leaves, leave)
			}
		}
		clock = clock.Add(100 * time.Millisecond)
		for i, leave := range leaves {
			if a.mu.busy != min(2, len(leaves)-i) || len(a.mu.waiting) != max(0, len(leaves)-i-2) {
				t.Errorf("%d have left: %d busy, %d waiting", i, a.mu.busy, len(a.mu.waiting))
			}
			leave()
		}
		if a.mu.busy != 0 {
			t.Errorf("%d busy at the end", a.mu.busy)
		}
	})
}

// A client that leaves the queue leaves no hole, before and after its turn came.
func TestAdmissionOfClientsThatLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewAdmission(1, time.Second, time.Now)
		first, err := a.Enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan error)
		go func() { _, err := a.Enter(ctx); left <- err }()
		synctest.Wait()
		second, outcome := enters(t, a)
		if outcome != "waits" {
			t.Fatal(outcome)
		}
		cancel()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("left with %v", err)
		}
		first()
		second()
		a.abandon(given(a)) // its turn had come as it left
		if a.mu.busy != 0 || len(a.mu.waiting) != 0 {
			t.Errorf("%d busy, %d waiting", a.mu.busy, len(a.mu.waiting))
		}
	})
}

// given is a turn that was given: it is in no queue and holds a place.
func given(a *Admission) chan struct{} {
	a.mu.busy++
	return make(chan struct{})
}

// unread is a body that nobody may read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) { u.t.Error("the body was read"); return 0, io.EOF }
func (u unread) Close() error             { return nil }

// A call that could only be refused is refused before its body is looked at; others
// are left to who stands behind.
func TestRefuse(t *testing.T) {
	var busy *Admission
	var refused []string
	m := NewMux(Options{Now: time.Now, Admit: func(Operation) *Admission { return busy },
		Observe: func(_, operation string, _ int, code string, _ float64) {
			refused = append(refused, operation+" "+code)
		}})
	m.add(Operation{Service: "personalizeruntime", Name: "GetRecommendations", Path: "/recommendations"}, nil)
	ask := func(path string) (bool, *httptest.ResponseRecorder) {
		w := httptest.NewRecorder()
		return m.Refuse(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, unread{t})), w
	}
	for _, a := range []*Admission{nil, NewAdmission(1, time.Second, time.Now)} {
		busy = a
		if did, _ := ask("/recommendations"); did {
			t.Errorf("refused though there was room: %v", a)
		}
	}
	busy = NewAdmission(0, 0, time.Now)
	busy.mu.mean = 1
	busy.mu.waiting = make([]chan struct{}, 2)
	if did, _ := ask("/other"); did {
		t.Error("refused a request that is none of ours")
	}
	did, w := ask("/recommendations")
	if !did || w.Code != http.StatusBadRequest || w.Header().Get("X-Amzn-Errortype") != "ThrottlingException" || w.Header().Get(requestIDHeader) == "" {
		t.Errorf("%v: %d %v", did, w.Code, w.Header())
	}
	if want := []string{"GetRecommendations ThrottlingException"}; !slices.Equal(refused, want) {
		t.Errorf("observed %q, want %q", refused, want)
	}
}
