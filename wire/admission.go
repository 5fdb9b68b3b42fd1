package wire

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// Admission bounds how many calls are worked on at once, so that more clients
// than the machine can serve do not make all of them wait. Calls beyond wait in
// a queue that is as long as its wait is short; beyond that they are refused at
// once with ThrottlingException, which AWS's clients try again later.
//
// How long the queue would take is told by how long calls took lately. All
// methods may be called concurrently.
type Admission struct {
	places int           // calls that are worked on at once
	wait   time.Duration // that the queue may take
	now    func() time.Time

	mu struct {
		sync.Mutex
		busy    int
		waiting []chan struct{} // closed when its call may go on, in order
		mean    float64         // seconds that calls took lately
	}
}

// NewAdmission gives an Admission with so many places, whose queue takes no
// longer than wait, or than a call takes where that is longer.
func NewAdmission(places int, wait time.Duration, now func() time.Time) *Admission {
	return &Admission{places: places, wait: wait, now: now}
}

// throttled is the answer to calls beyond the queue. AWS gives the status 400 to
// this code.
var throttled = &Fault{"ThrottlingException", "Rate exceeded: the server has more requests than it can answer in time. Try again, with a growing pause, as AWS's SDKs do.", http.StatusBadRequest}

// Enter returns when a call may be worked on; leave ends it. An error is the
// answer to the call.
func (a *Admission) Enter(ctx context.Context) (leave func(), err error) {
	a.mu.Lock()
	if a.mu.busy < a.places {
		a.mu.busy++
		a.mu.Unlock()
		return a.leaver(), nil
	}
	if a.full() {
		a.mu.Unlock()
		return nil, throttled
	}
	turn := make(chan struct{})
	a.mu.waiting = append(a.mu.waiting, turn)
	a.mu.Unlock()
	select {
	case <-turn:
		return a.leaver(), nil
	case <-ctx.Done():
		a.abandon(turn)
		return nil, context.Cause(ctx)
	}
}

// Full says whether a call that came now would be refused.
func (a *Admission) Full() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.mu.busy >= a.places && a.full()
}

// full says whether another call would wait too long. a.mu is held.
func (a *Admission) full() bool {
	ahead := float64(len(a.mu.waiting) + 1)
	return ahead*a.mu.mean/float64(a.places) > max(a.wait.Seconds(), a.mu.mean)
}

// leaver gives what ends a call that begins now.
func (a *Admission) leaver() func() {
	began := a.now()
	return func() {
		took := a.now().Sub(began).Seconds()
		a.mu.Lock()
		defer a.mu.Unlock()
		const recent = 1. / 64
		a.mu.mean += recent * (took - a.mu.mean)
		a.release()
	}
}

// release hands a place on. a.mu is held.
func (a *Admission) release() {
	if len(a.mu.waiting) == 0 {
		a.mu.busy--
		return
	}
	close(a.mu.waiting[0])
	a.mu.waiting = a.mu.waiting[1:]
}

// abandon takes a call whose client has left out of the queue, or hands on the
// place that it was given meanwhile.
func (a *Admission) abandon(turn chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, t := range a.mu.waiting {
		if t == turn {
			a.mu.waiting = append(a.mu.waiting[:i:i], a.mu.waiting[i+1:]...)
			return
		}
	}
	a.release()
}

// admission gives what bounds an operation's calls, nil where nothing does.
func (o Options) admission(op Operation) *Admission {
	if o.Admit == nil {
		return nil
	}
	return o.Admit(op)
}

// enter admits a call of an operation.
func (o Options) enter(ctx context.Context, op Operation) (leave func(), err error) {
	a := o.admission(op)
	if a == nil {
		return func() {}, nil
	}
	return a.Enter(ctx)
}
