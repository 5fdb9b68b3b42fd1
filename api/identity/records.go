package identity

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Records keeps roles and policies. Implementations are called concurrently;
// values belong to the callee after Put and to the caller after Get and List.
type Records interface {
	Get(ctx context.Context, key string) (value []byte, ok bool, err error)
	Put(ctx context.Context, key string, value []byte) error
	Delete(ctx context.Context, key string) error
	List(ctx context.Context, prefix string) (values [][]byte, err error) // in order of their keys
}

// Memory gives Records that end with the process.
func Memory() Records { return &memory{m: map[string][]byte{}} }

type memory struct {
	mu sync.Mutex
	m  map[string][]byte
}

func (r *memory) Get(_ context.Context, key string) ([]byte, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.m[key]
	return slices.Clone(v), ok, nil
}

func (r *memory) Put(_ context.Context, key string, value []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.m[key] = value
	return nil
}

func (r *memory) Delete(_ context.Context, key string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.m, key)
	return nil
}

func (r *memory) List(_ context.Context, prefix string) ([][]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out [][]byte
	for _, k := range slices.Sorted(maps.Keys(r.m)) {
		if strings.HasPrefix(k, prefix) {
			out = append(out, slices.Clone(r.m[k]))
		}
	}
	return out, nil
}
