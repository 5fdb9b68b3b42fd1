package serving

import (
	"context"
	"hash/maphash"
	"sync"

	"usher/dataset"
)

// The newest answers are remembered by their recommendationId, so that an event that
// names one tells what its user was shown (AWS: an implicit impression). Memory is
// bounded: rememberedMost answers, of each the first rememberedItems, about 32 MiB.
// Each process remembers its own; a restart forgets them.
const (
	rememberedMost  = 1 << 17
	rememberedItems = 25 // as many as PutEvents takes
	rememberShards  = 16
)

// remembered are the newest answers.
type remembered struct {
	seed   maphash.Seed
	shards [rememberShards]rememberedShard
}

// rememberedShard holds its share of them in a ring: the next takes the oldest's place.
type rememberedShard struct {
	mu   sync.Mutex
	at   map[string]int // place in ring by recommendationId
	ring []given
	next int
}

// given is an answer.
type given struct {
	id, group string
	items     []dataset.Index
}

func newRemembered() *remembered {
	r := &remembered{seed: maphash.MakeSeed()}
	for i := range r.shards {
		r.shards[i].at = map[string]int{}
	}
	return r
}

func (r *remembered) shard(id string) *rememberedShard {
	return &r.shards[maphash.String(r.seed, id)%rememberShards]
}

// put remembers an answer of a group.
func (r *remembered) put(group, id string, items []Item) {
	g := given{id, group, make([]dataset.Index, 0, min(len(items), rememberedItems))}
	for i := range items[:cap(g.items)] {
		if n := items[i].number; n > 0 {
			g.items = append(g.items, dataset.Index(n-1))
		}
	}
	s := r.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ring) < rememberedMost/rememberShards {
		s.at[id] = len(s.ring)
		s.ring = append(s.ring, g)
		return
	}
	delete(s.at, s.ring[s.next].id)
	s.at[id], s.ring[s.next] = s.next, g
	s.next = (s.next + 1) % len(s.ring)
}

// get gives the items of an answer of a group; nil when it is not remembered.
func (r *remembered) get(group, id string) []dataset.Index {
	s := r.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.at[id]
	if !ok || s.ring[at].group != group {
		return nil
	}
	return s.ring[at].items
}

// remember remembers an answer, unless it is a batch job's: nobody learns its id, and
// there are so many that they would take the places of all others.
func (s *Serving) remember(d *deployment, a *Answer) {
	if !d.once {
		s.remembered.put(d.group, a.ID, a.Items)
	}
}

// Shown gives the ids of the items that an answer had for a dataset group (catalog
// ID), the first rememberedItems of them without those that were deleted since; none
// when it is not remembered any more.
func (s *Serving) Shown(ctx context.Context, group, recommendationID string) ([]string, error) {
	items := s.remembered.get(group, recommendationID)
	if len(items) == 0 {
		return nil, nil
	}
	g, err := s.opt.History.Group(ctx, group)
	if err != nil {
		return nil, err
	}
	ids := g.ItemIDs()
	out := make([]string, 0, len(items))
	for _, i := range items {
		if ids[i] != "" {
			out = append(out, ids[i])
		}
	}
	return out, nil
}
