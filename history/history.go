// Package history knows what is known now about each user and item of a
// dataset group: bulk data and live events in one list, in log order.
//
// A Group begins from the state that its log names (state.go), or from the first
// record, replays the log from there, then follows it: each Change is applied once, in order, so every process that reads the
// same log gives users and items the same numbers (I1). A bulk part replaces or
// extends the group's bulk columns; a live event is put into its user's list by
// time. Readers get slices that never change: an update makes a new slice or
// appends behind the length that readers have seen.
//
// Anonymous visitors: an event without a user belongs to its session id, which
// can be asked for like a user. The first event that carries both a session and
// a user joins them at once; later anonymous events of that session belong to
// the user last seen with it.
//
// What the numbers mean to a model is left to recipe, what may be answered to
// serving; this room decides nothing.
package history

import (
	"cmp"
	"context"
	"fmt"
	"sync"

	"usher/blob"
	"usher/eventlog"
)

// Options configure a History.
type Options struct {
	Logs  func(group string) eventlog.Log // the log of a group, by the group's catalog ID
	Blobs blob.Store                      // parts and states
	// Grown is told that a state of a group is due (Group.Due); may be nil. The
	// group applies nothing more before it returns.
	Grown func(group string)
	// Work is how many events and records may come at least before a state is due;
	// DefaultWork.
	Work int64

	tailLeast int // of each group; tailLeast
}

// History follows the logs of all groups. All methods may be called concurrently.
type History struct {
	opt  Options
	ctx  context.Context // ends the followers
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu struct {
		sync.Mutex
		groups map[string]*loading
		closed bool
	}
}

// loading is a group that is being loaded or has been.
type loading struct {
	done  chan struct{} // closed when group and err are set
	group *Group
	err   error
	drop  context.CancelFunc
}

// New gives a History that has loaded nothing yet.
func New(opt Options) *History {
	h := &History{opt: opt}
	h.ctx, h.stop = context.WithCancel(context.Background())
	h.mu.groups = map[string]*loading{}
	return h
}

// Close stops following and waits for the followers.
func (h *History) Close() error {
	h.mu.Lock()
	h.mu.closed = true
	h.mu.Unlock()
	h.stop()
	h.wg.Wait()
	return nil
}

// Group gives the group with that catalog ID. On first use it is loaded up to
// the end of its log; then it follows.
func (h *History) Group(ctx context.Context, id string) (*Group, error) {
	h.mu.Lock()
	if h.mu.closed {
		h.mu.Unlock()
		return nil, fmt.Errorf("history: closed")
	}
	l := h.mu.groups[id]
	if l == nil {
		l = h.load(id)
		h.mu.groups[id] = l
	}
	h.mu.Unlock()
	select {
	case <-l.done:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if l.err != nil {
		return nil, l.err
	}
	if err := l.group.failed(); err != nil {
		h.forget(id, l)
		return nil, err
	}
	return l.group, nil
}

// load starts the follower of a group. h.mu is held.
func (h *History) load(id string) *loading {
	ctx, cancel := context.WithCancel(h.ctx)
	l := &loading{done: make(chan struct{}), drop: cancel}
	g := newGroup(h.opt.Blobs, h.opt.Logs(id))
	g.tailLeast, g.workLeast = cmp.Or(h.opt.tailLeast, tailLeast), cmp.Or(h.opt.Work, DefaultWork)
	if h.opt.Grown != nil {
		g.grown = func() { h.opt.Grown(id) }
	}
	h.wg.Add(1)
	go func() {
		defer h.wg.Done()
		defer cancel()
		defer g.renewals.Wait()
		err := g.catchUp(ctx)
		l.group, l.err = g, err
		if err != nil { // the next call tries again
			h.forget(id, l)
			close(l.done)
			return
		}
		close(l.done)
		g.follow(ctx)
	}()
	return l
}

func (h *History) forget(id string, l *loading) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.mu.groups[id] == l {
		delete(h.mu.groups, id)
	}
}

// Drop forgets a deleted group.
func (h *History) Drop(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if l := h.mu.groups[id]; l != nil {
		l.drop()
		delete(h.mu.groups, id)
	}
}
