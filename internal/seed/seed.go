// Package seed gives every random stream of usher a name.
//
// A Seed is branched by name and number: seed.Branch("dropout", epoch, shard).
// The same path gives the same stream on every machine and with any number of
// workers, so randomness belongs to data (a user, a shard, a batch) and never
// to a goroutine.
package seed

import (
	"hash/fnv"
	"math/rand/v2"
)

// Seed is one node of the tree of random streams.
type Seed uint64

// Branch gives the child stream of that name and those numbers.
func (s Seed) Branch(name string, numbers ...uint64) Seed {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // a hash never fails
	x := mix(uint64(s) ^ h.Sum64())
	for _, n := range numbers {
		x = mix(x ^ mix(n))
	}
	return Seed(x)
}

// Rand gives a generator for this stream. It is not safe for concurrent use.
func (s Seed) Rand() *rand.Rand {
	return rand.New(rand.NewPCG(uint64(s), mix(uint64(s))))
}

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
