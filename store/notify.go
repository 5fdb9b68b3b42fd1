package store

import "sync"

// note is a key for the subscribers of a topic.
type note struct{ topic, key string }

// subscribers are told what was committed.
type subscribers struct {
	mu     sync.Mutex
	next   int
	topics map[string]map[int]func(key string)
}

// Subscribe calls fn with the key of every Tx.Notify on the topic after its
// commit, in commit order. What other processes announce comes too, those of one
// key that came close together perhaps as one, and beside calls for this process's
// own. fn must be quick, may be called concurrently, and must not write. A call
// under way may end after cancel has returned.
func (db *DB) Subscribe(topic string, fn func(key string)) (cancel func()) {
	s := &db.subs
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.topics == nil {
		s.topics = map[string]map[int]func(string){}
	}
	if s.topics[topic] == nil {
		s.topics[topic] = map[int]func(string){}
	}
	s.next++
	id := s.next
	s.topics[topic][id] = fn
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.topics[topic], id)
	}
}

// publish does what a committed transaction left to do. A panic is given back
// for the one who caused it: the writer goes on.
func (db *DB) publish(tx *Tx) (late any) {
	for _, fn := range tx.after {
		keep(&late, fn)
	}
	for _, n := range tx.notes {
		for _, fn := range db.subs.of(n.topic) {
			keep(&late, func() { fn(n.key) })
		}
	}
	return late
}

// tell calls the subscribers of what other processes announced. Their panics are
// nobody's who could be told: they end the process, as those of any goroutine do.
func (s *subscribers) tell(notes []note) {
	for _, n := range notes {
		for _, fn := range s.of(n.topic) {
			fn(n.key)
		}
	}
}

func (s *subscribers) of(topic string) []func(string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fns := make([]func(string), 0, len(s.topics[topic]))
	for _, fn := range s.topics[topic] {
		fns = append(fns, fn)
	}
	return fns
}

// keep calls fn and keeps the first panic.
func keep(late *any, fn func()) {
	defer func() {
		if p := recover(); p != nil && *late == nil {
			*late = p
		}
	}()
	fn()
}
