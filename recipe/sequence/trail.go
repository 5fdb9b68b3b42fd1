package sequence

import (
	"container/list"
	"slices"
	"sync"
)

// trails keep what the network made of each token of histories (nn.Net.Entered), by the
// tokens: a history that goes on from a kept one costs its new tokens only, and its query
// is the same to the bit. A trail belongs to whoever took it, until it is put back under
// the key of what it has become. Those not asked for the longest go first when they are
// more than so many bytes. Histories that fill the window have no trail: the next event
// moves all that is in it.
type trails struct {
	shards [16]trailShard
}

type trailShard struct {
	mu    sync.Mutex
	at    map[cacheKey]*list.Element // of trail
	order list.List                  // what was put first is in front
	bytes int
	most  int
}

type trail struct {
	key  cacheKey
	rows []float32
}

// newTrails gives trails of about so many bytes at most.
func newTrails(bytes int64) *trails {
	t := &trails{}
	for i := range t.shards {
		t.shards[i].at, t.shards[i].most = map[cacheKey]*list.Element{}, int(bytes)/len(t.shards)
	}
	return t
}

func (t *trails) shard(k cacheKey) *trailShard { return &t.shards[k[0]%uint64(len(t.shards))] }

// trailOverhead is about what a trail takes beside its rows.
const trailOverhead = 200

func (t *trail) size() int { return 4*cap(t.rows) + trailOverhead }

// take takes the rows of the first of some keys that has any.
func (t *trails) take(keys []cacheKey) []float32 {
	for _, k := range keys {
		if rows := t.shard(k).take(k); rows != nil {
			return rows
		}
	}
	return nil
}

func (s *trailShard) take(k cacheKey) []float32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.at[k]
	if e == nil {
		return nil
	}
	return s.remove(e)
}

// remove forgets a trail and gives its rows.
func (s *trailShard) remove(e *list.Element) []float32 {
	t := s.order.Remove(e).(*trail)
	delete(s.at, t.key)
	s.bytes -= t.size()
	return t.rows
}

// put keeps rows.
func (t *trails) put(k cacheKey, rows []float32) {
	s, kept := t.shard(k), &trail{k, rows}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at[k] != nil || kept.size() > s.most {
		return // made twice at once: both are the same
	}
	for s.bytes+kept.size() > s.most {
		s.remove(s.order.Front())
	}
	s.at[k] = s.order.PushBack(kept)
	s.bytes += kept.size()
}

// trailBack is how many tokens more than a trail has a history may have to go on from
// it.
const trailBack = 8

// trailKeys gives the keys of some tokens, and of those without their last one, two and
// so on.
func trailKeys(into []cacheKey, tokens []uint32) []cacheKey {
	into = into[:0]
	k := cacheKey{0x9e3779b97f4a7c15, 0xe7037ed1a0b428db}
	for i, r := range tokens {
		k = k.and(uint64(r), 0x8ebc6af09c88c6e3)
		if len(tokens)-i-1 <= trailBack {
			into = append(into, k)
		}
	}
	slices.Reverse(into)
	return into
}
