package identity

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Store keeps roles and policies. Implementations are called concurrently.
type Store interface {
	// View runs fn on one state of the records, which fn does not change.
	View(ctx context.Context, fn func(Records) error) error
	// Update runs fn as one change: nobody, in any process, changes a record
	// between what fn reads and what it writes.
	Update(ctx context.Context, fn func(Records) error) error
}

// Records are roles and policies inside of a View or an Update. Values belong to
// the callee after Put and to the caller after Get and List.
type Records interface {
	Get(key string) (value []byte, ok bool, err error)
	Put(key string, value []byte) error
	Delete(key string) error
	List(prefix string) (values [][]byte, err error) // in order of their keys
}

// Memory gives a Store that ends with the process.
func Memory() Store { return &memory{m: map[string][]byte{}} }

type memory struct {
	mu sync.Mutex
	m  map[string][]byte
}

func (s *memory) View(ctx context.Context, fn func(Records) error) error { return s.Update(ctx, fn) }

// Update implements Store. No call writes more than one record, so there is
// nothing to take back after an error.
func (s *memory) Update(_ context.Context, fn func(Records) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fn(memoryRecords(s.m))
}

type memoryRecords map[string][]byte

func (r memoryRecords) Get(key string) ([]byte, bool, error) {
	v, ok := r[key]
	return slices.Clone(v), ok, nil
}

func (r memoryRecords) Put(key string, value []byte) error {
	r[key] = value
	return nil
}

func (r memoryRecords) Delete(key string) error {
	delete(r, key)
	return nil
}

func (r memoryRecords) List(prefix string) ([][]byte, error) {
	var out [][]byte
	for _, k := range slices.Sorted(maps.Keys(r)) {
		if strings.HasPrefix(k, prefix) {
			out = append(out, slices.Clone(r[k]))
		}
	}
	return out, nil
}
