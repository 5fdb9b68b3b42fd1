package sequence

import (
	"math"
	"math/bits"
	"sync"
	"sync/atomic"

	"usher/recipe"
)

// encoded is what the network makes of a history. It does not change, but for
// the ranking, which is added when it is first asked for.
type encoded struct {
	personal bool      // there was something in the history that the model knows
	query    []float32 // (d) times the network's weight
	ranking  atomic.Pointer[ranking]
	cold     atomic.Pointer[coldRanking]
}

// ranking is the model's answer to a history: its best rows, the best first, as
// many as rankingMost.
type ranking struct {
	best []ranked
	scale
}

// scale makes probabilities of scores.
type scale struct {
	peak float32 // the highest score
	sum  float64 // of exp(score-peak) over all items
}

func (s scale) probability(score float32) float32 { return float32(exp(score-s.peak) / s.sum) }

// rankingMost is how many rows of a ranking are kept: answers of usual length,
// and what filters and promotions take out of them, come from it without a pass
// over the items.
const rankingMost = 256

// cache keeps what was made of histories, by the histories: an event more is
// another history, so nothing in it is ever out of date. When it is full, what
// was not asked for since the hand of the clock last came by goes first.
type cache struct {
	shards [64]cacheShard
}

type cacheShard struct {
	mu    sync.Mutex
	at    map[cacheKey]int // in slots
	slots []cacheSlot
	most  int
	hand  int
}

type cacheKey [2]uint64

type cacheSlot struct {
	key   cacheKey
	value *encoded
	asked bool
}

// newCache gives a cache for at least some values.
func newCache(values int) *cache {
	c := &cache{}
	for i := range c.shards {
		c.shards[i].at, c.shards[i].most = map[cacheKey]int{}, max(1, (values+len(c.shards)-1)/len(c.shards))
	}
	return c
}

func (c *cache) shard(k cacheKey) *cacheShard { return &c.shards[k[0]%uint64(len(c.shards))] }

// get gives the value of a key, nil when there is none.
func (c *cache) get(k cacheKey) *encoded {
	s := c.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.at[k]
	if !ok {
		return nil
	}
	s.slots[i].asked = true
	return s.slots[i].value
}

// put keeps a value.
func (c *cache) put(k cacheKey, v *encoded) {
	s := c.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.at[k]; ok {
		return // made twice at once: both are the same
	}
	if len(s.slots) < s.most {
		s.at[k] = len(s.slots)
		s.slots = append(s.slots, cacheSlot{key: k, value: v})
		return
	}
	for s.slots[s.hand].asked {
		s.slots[s.hand].asked = false
		s.hand = (s.hand + 1) % len(s.slots)
	}
	delete(s.at, s.slots[s.hand].key)
	s.at[k], s.slots[s.hand] = s.hand, cacheSlot{key: k, value: v}
	s.hand = (s.hand + 1) % len(s.slots)
}

// keyOf gives the key of a question: a hash, in 128 bits, of all that encode and
// bonus read of it. Two histories have the same by chance once in the age of the
// world.
func keyOf(q *recipe.Query) cacheKey {
	a, b := uint64(len(q.History))^0x9e3779b97f4a7c15, uint64(0xe7037ed1a0b428db)
	for i := range q.History {
		e := &q.History[i]
		x := uint64(e.Time)
		y := uint64(e.Item)<<32 | uint64(math.Float32bits(e.Value))
		z := uint64(e.Type)
		hi, lo := bits.Mul64(a^x^0xa0761d6478bd642f, b^y)
		a = hi ^ lo + z
		hi, lo = bits.Mul64(b^x^0x8ebc6af09c88c6e3, hi^y^0x589965cc75374cc3)
		b = hi ^ lo ^ z
	}
	return cacheKey{a, b}
}

// and gives the key of what k is of and x, which is a thing of its kind.
func (k cacheKey) and(x, kind uint64) cacheKey {
	hi, lo := bits.Mul64(k[0]^x^0xa0761d6478bd642f, k[1]^kind)
	return cacheKey{k[0] ^ hi, hi ^ lo}
}

// with gives the key of the same history with what is said beside it.
func (k cacheKey) with(what *said) cacheKey {
	for side := range what {
		for _, x := range what[side] {
			k = k.and(uint64(x.row)<<32^uint64(math.Float32bits(x.part)), uint64(side+1)^0xe7037ed1a0b428db)
		}
	}
	return k
}

// Cache implements recipe.Cacher. Half of the bytes are for answers, half for what makes
// the next one about a history quicker.
func (m *Model) Cache(bytes int64) {
	const overhead = 200
	bytes /= 2
	if each := int64(4*m.net.Dim + 8*min(rankingMost, len(m.items)) + overhead); bytes >= each {
		m.cache, m.trails = newCache(int(bytes/each)), newTrails(bytes)
	}
}
