package sequence

import (
	"cmp"
	"math"
	"slices"

	"usher/dataset"
	"usher/kernel"
)

// userKNN is the counter of users with similar histories: user-kNN by the cosine of
// what was had, where rare items count more and, of who is asking, new ones. An item
// is worth the similarity of the nearest users who had it. Unlike the tables it sees
// several items of a history together. It does not change.
//
// Users are in the order of their last events, the newest first, and what is kept of
// them is bounded: of each the newest items, of all the newest users, of an item the
// newest of those who had it.
type userKNN struct {
	users    []uint32  // (kept) their numbers in the data, or forgotten
	start    []uint32  // (kept+1) where each one's items begin
	items    []uint32  // rows, each once, ascending
	length   []float32 // (kept) of their vectors of rarities; 1 where it would be 0, and of who is forgotten
	rarity   []float32 // (items) log of users ÷ users who had it
	hadStart []uint32  // (items+1) where an item's users begin
	had      []uint32  // places in users, ascending
}

const (
	nearestMost   = 200       // users that an answer hears
	knnDecay      = .9        // weight of the w-th newest of who asks is knnDecay^w
	historyMost   = 50        // items kept of a user
	hadMost       = 500       // users kept of an item
	historiesMost = 4_000_000 // items kept of all users
)

// knnPerItem is up to how many events an item has on average similar users are tried.
// Of denser data the tables know as much, and to go through all who had an item takes
// longer than all else of an answer (docs/quality.md).
const knnPerItem = 50

// forgottenUser stands for a user of whom nothing is kept any more.
const forgottenUser = ^uint32(0)

// rarityMost is more than the log of any number of users.
const rarityMost = 64

// sparse says whether similar users are tried.
func (c *corpus) sparse() bool { return c.events < knnPerItem*len(c.items) }

// newUserKNN keeps what the users of a corpus had.
func newUserKNN(c *corpus) *userKNN {
	k := &userKNN{start: make([]uint32, 1)}
	for _, u := range c.newestFirst() {
		history := c.history(u)
		if len(history) == 0 {
			continue
		}
		from := len(k.items)
		k.items = append(k.items, history[max(0, len(history)-historyMost):]...)
		slices.Sort(k.items[from:])
		k.items = k.items[:from+len(slices.Compact(k.items[from:]))]
		if len(k.items) > historiesMost {
			k.items = k.items[:from]
			break
		}
		k.users, k.start = append(k.users, uint32(u)), append(k.start, uint32(len(k.items)))
	}
	k.weigh(len(c.items))
	k.index()
	return k
}

// newestFirst gives the users by the times of their last events, of equal ones the
// first first.
func (c *corpus) newestFirst() []dataset.Index {
	out := make([]dataset.Index, len(c.count))
	for u := range out {
		out[u] = dataset.Index(u)
	}
	last := func(u dataset.Index) int64 {
		if c.count[u] == 0 {
			return math.MinInt64
		}
		return c.times[c.start[u]+int64(c.count[u])-1].Time
	}
	slices.SortStableFunc(out, func(a, b dataset.Index) int { return cmp.Compare(last(b), last(a)) })
	return out
}

// history gives the items of the user at a place.
func (k *userKNN) history(at uint32) []uint32 { return k.items[k.start[at]:k.start[at+1]] }

// weigh makes the rarities of items and the lengths of histories.
func (k *userKNN) weigh(items int) {
	had := make([]int, items)
	for _, r := range k.items {
		had[r]++
	}
	k.rarity = make([]float32, items)
	for r, n := range had {
		k.rarity[r] = float32(math.Log(float64(len(k.users)+1) / float64(n+1)))
	}
	k.length = make([]float32, len(k.users))
	for at := range k.length {
		sum := 0.
		for _, r := range k.history(uint32(at)) {
			sum += float64(k.rarity[r]) * float64(k.rarity[r])
		}
		if k.length[at] = float32(math.Sqrt(sum)); sum == 0 {
			k.length[at] = 1
		}
	}
}

// index lists for each item the newest users who had it.
func (k *userKNN) index() {
	next := make([]uint32, len(k.rarity)+1)
	for _, r := range k.items {
		next[r+1] = min(next[r+1]+1, hadMost)
	}
	for r := range k.rarity {
		next[r+1] += next[r]
	}
	k.hadStart = slices.Clone(next)
	k.had = make([]uint32, next[len(k.rarity)])
	for at := range k.users {
		for _, r := range k.history(uint32(at)) {
			if next[r] < k.hadStart[r+1] {
				k.had[next[r]] = uint32(at)
				next[r]++
			}
		}
	}
}

// forget gives a copy without what is kept of some users, or itself where there is
// nothing. Rarities stay, which count users together.
func (k *userKNN) forget(users []dataset.Index) *userKNN {
	gone := map[uint32]bool{}
	for _, u := range users {
		gone[uint32(u)] = true
	}
	if !slices.ContainsFunc(k.users, func(u uint32) bool { return gone[u] }) {
		return k
	}
	out := &userKNN{users: slices.Clone(k.users), start: make([]uint32, 1, len(k.start)), length: slices.Clone(k.length), rarity: k.rarity}
	for at, u := range k.users {
		if gone[u] { // of a short history its length, too, tells what was had
			out.users[at], out.length[at] = forgottenUser, 1
		} else {
			out.items = append(out.items, k.history(uint32(at))...)
		}
		out.start = append(out.start, uint32(len(out.items)))
	}
	out.index()
	return out
}

// nearest is the memory of one question to a userKNN.
type nearest struct {
	sum     []float32 // (kept) zero between uses
	touched []uint32
	near    []neighbour
	order   []float32
}

// neighbour is a user with how similar the history is, above 0.
type neighbour struct {
	at         uint32 // in users
	similarity float32
}

// ones are the values of rows that have none.
var ones = slices.Repeat([]float32{1}, max(hadMost, historyMost))

// note adds x to the sums of rows, and appends those to touched that had none.
func note(touched []uint32, sum []float32, x float32, rows []uint32) []uint32 {
	had := len(touched)
	touched = slices.Grow(touched, len(rows))
	room := touched[had : had+len(rows)]
	return touched[:had+kernel.NoteSparse(room, sum, x, kernel.Sparse{At: rows, X: ones[:len(rows)]}, kernel.Sparse{})]
}

// find puts the users into n.near whose histories are nearest to the newest events.
func (k *userKNN) find(n *nearest, newest []uint32) {
	if len(n.sum) < len(k.users) {
		n.sum = make([]float32, len(k.users))
	}
	n.touched, n.near = n.touched[:0], n.near[:0]
	weight, length := float32(1), 0.
	for _, r := range newest {
		x := weight * k.rarity[r]
		length += float64(x) * float64(x)
		n.touched = note(n.touched, n.sum, x*k.rarity[r], k.had[k.hadStart[r]:k.hadStart[r+1]])
		weight *= knnDecay
	}
	n.order = n.order[:0]
	own := float32(math.Sqrt(length))
	for _, at := range n.touched {
		if x := n.sum[at]; x > 0 {
			n.near = append(n.near, neighbour{at, x / (k.length[at] * own)})
			n.order = append(n.order, n.near[len(n.near)-1].similarity)
			n.sum[at] = 0
		}
	}
	n.keep()
}

// keep leaves nearestMost of near, of equal ones the newest.
func (n *nearest) keep() {
	if len(n.near) <= nearestMost {
		return
	}
	least := nthLargest(n.order, nearestMost)
	slices.SortFunc(n.near, func(a, b neighbour) int { return cmp.Compare(a.at, b.at) })
	ties := nearestMost
	for _, x := range n.near {
		if x.similarity > least {
			ties--
		}
	}
	kept := n.near[:0]
	for _, x := range n.near {
		if x.similarity == least && ties > 0 {
			ties--
		} else if x.similarity <= least {
			continue
		}
		kept = append(kept, x)
	}
	n.near = kept
}

// similar sums what the nearest users had. One who had nothing but what is in the
// history says nothing new: it is who asks, as was counted in training.
func (q *asked) similar(k *userKNN) {
	k.find(&q.nearest, q.newest)
	for _, x := range q.nearest.near {
		history := k.history(x.at)
		if slices.ContainsFunc(history, func(r uint32) bool { return !slices.Contains(q.newest, r) }) {
			q.touched = note(q.touched, q.sum, x.similarity, history)
		}
	}
}
