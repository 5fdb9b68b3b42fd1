package serving

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"usher/dataset"
	"usher/history"
	"usher/recipe"
)

// meeting is a model that is told of items which came after its training, before
// the first request that could answer with them: that is how an item is recommended
// as soon as PutItems has said what it is. And it forgets users who were deleted, if it
// keeps something of each.
type meeting struct {
	history *history.History
	group   string // catalog ID
	now     func() time.Time
	model   atomic.Pointer[recipe.Meeter]
	met     atomic.Int64 // the items with smaller numbers were looked at
	forgot  atomic.Int64 // how many users were deleted when it was looked last
	again   atomic.Bool  // some are waiting; requests take no lock when none is

	mu      sync.Mutex
	waiting []dataset.Index // they had no record yet
	looked  time.Time       // when they were looked at last
}

// waitingMost is how many items without a record are looked at again: ids that
// only events have named are never described.
const waitingMost = 1000

// lookAgain is how long an item without a record is left alone.
const lookAgain = time.Second

// meet gives the model as one that meets new items, if it is one that does.
func (s *Serving) meet(m recipe.Model, group string) recipe.Model {
	first, ok := m.(recipe.Meeter)
	if !ok {
		return m
	}
	out := &meeting{history: s.opt.History, group: group, now: s.opt.Now}
	out.model.Store(&first)
	out.met.Store(int64(first.Len()))
	return out
}

// current gives the model that knows the items of now.
func (m *meeting) current(ctx context.Context) (recipe.Meeter, error) {
	group, err := m.history.Group(ctx, m.group)
	if err != nil {
		return nil, err
	}
	if n := group.ErasedUserCount(); int64(n) != m.forgot.Load() {
		m.forget(group, n)
	}
	items := len(group.ItemIDs())
	if int64(items) > m.met.Load() || m.due() {
		m.follow(group, items)
	}
	return *m.model.Load(), nil
}

// forget lets the model forget the users, so many, who were deleted.
func (m *meeting) forget(group *history.Group, erased int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.forgot.Load() == int64(erased) { // another request has done it
		return
	}
	if keeps, ok := (*m.model.Load()).(recipe.Forgetter); ok {
		if next, ok := keeps.Forget(group.ErasedUsers()).(recipe.Meeter); ok {
			m.model.Store(&next)
		}
	}
	m.forgot.Store(int64(erased))
}

// due says whether it is time to look at items again that had no record.
func (m *meeting) due() bool {
	if !m.again.Load() {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.waiting) > 0 && m.now().Sub(m.looked) >= lookAgain
}

// follow lets the model meet the items that are new.
func (m *meeting) follow(group *history.Group, items int) {
	schema := group.Schema(dataset.Items)
	m.mu.Lock()
	defer m.mu.Unlock()
	list := m.waiting
	m.waiting, m.looked = nil, m.now()
	for i := m.met.Load(); i < int64(items); i++ {
		list = append(list, dataset.Index(i))
	}
	var described []dataset.Index
	for _, i := range list {
		if schema != nil && group.Row(dataset.Items, i) != nil {
			described = append(described, i)
		} else if len(m.waiting) < waitingMost {
			m.waiting = append(m.waiting, i)
		}
	}
	if len(described) > 0 {
		row := func(i dataset.Index) dataset.Row { return group.Row(dataset.Items, i) }
		if next, ok := (*m.model.Load()).Meet(schema, described, row).(recipe.Meeter); ok {
			m.model.Store(&next)
		}
	}
	m.again.Store(len(m.waiting) > 0)
	m.met.Store(max(m.met.Load(), int64(items)))
}

// Len implements recipe.Model.
func (m *meeting) Len() int { return (*m.model.Load()).Len() }

// Recommend implements recipe.Model.
func (m *meeting) Recommend(ctx context.Context, q *recipe.Query, k int, allow dataset.Set, dst []recipe.Scored) ([]recipe.Scored, error) {
	now, err := m.current(ctx)
	if err != nil {
		return dst[:0], err
	}
	return now.Recommend(ctx, q, k, allow, dst)
}

// Rank implements recipe.Model.
func (m *meeting) Rank(ctx context.Context, q *recipe.Query, items []dataset.Index, dst []recipe.Scored) ([]recipe.Scored, error) {
	now, err := m.current(ctx)
	if err != nil {
		return dst[:0], err
	}
	return now.Rank(ctx, q, items, dst)
}

// Save implements recipe.Model.
func (m *meeting) Save(w io.Writer) error { return (*m.model.Load()).Save(w) }
