package eventlog

import (
	"context"
	"iter"
	"sync"
)

// followers hands what is committed to those who follow a log, so that they need
// not read it again from the database.
type followers struct {
	mu     sync.Mutex
	queues map[string]map[*queue]struct{} // by log
}

// queue is what one follower has not taken yet, in order. When it becomes too
// long its records are dropped, and the follower reads them from the database.
type queue struct {
	recs  []Record
	lost  bool          // records were dropped
	moved chan struct{} // has room for one: there is more
}

// queueMax bounds the records that wait in memory for one follower.
const queueMax = 8192

func (f *followers) follow(name string) *queue {
	q := &queue{moved: make(chan struct{}, 1)}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.queues == nil {
		f.queues = map[string]map[*queue]struct{}{}
	}
	if f.queues[name] == nil {
		f.queues[name] = map[*queue]struct{}{}
	}
	f.queues[name][q] = struct{}{}
	return q
}

func (f *followers) leave(name string, q *queue) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.queues[name], q)
	if len(f.queues[name]) == 0 {
		delete(f.queues, name)
	}
}

// tell is called in commit order.
func (f *followers) tell(name string, recs []Record) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for q := range f.queues[name] {
		if len(q.recs)+len(recs) > queueMax {
			q.drop()
		} else {
			q.recs = append(q.recs, recs...)
		}
		q.nudge()
	}
}

// miss is told that another process appended to a log: followers read what it was
// from the database.
func (f *followers) miss(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for q := range f.queues[name] {
		q.drop()
		q.nudge()
	}
}

// drop forgets what waits; the follower reads it from the database.
func (q *queue) drop() { q.recs, q.lost = nil, true }

// nudge says that there is more.
func (q *queue) nudge() {
	select {
	case q.moved <- struct{}{}:
	default:
	}
}

// take gives what is waiting, and whether records are missing before it.
func (f *followers) take(q *queue) (recs []Record, lost bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	recs, lost = q.recs, q.lost
	q.recs, q.lost = nil, false
	return recs, lost
}

// Tail implements Log.
func (l *sqlLog) Tail(ctx context.Context, after Offset) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		f := &l.logs.followers
		q := f.follow(l.name)
		defer f.leave(l.name, q)
		for {
			// What came while there was no queue, or did not fit into it.
			for r, err := range l.Replay(ctx, after) {
				if err != nil {
					if ctx.Err() == nil {
						yield(Record{}, err)
					}
					return
				}
				after = r.Offset
				if !yield(r, nil) {
					return
				}
			}
			for gap := false; !gap; {
				select {
				case <-q.moved:
				case <-ctx.Done():
					return
				}
				var recs []Record
				if recs, gap = f.take(q); gap {
					break
				}
				for _, r := range recs {
					if r.Offset <= after { // read above
						continue
					}
					if gap = r.Offset > after+1; gap { // another process appended between
						break
					}
					after = r.Offset
					if !yield(r, nil) {
						return
					}
				}
			}
		}
	}
}
