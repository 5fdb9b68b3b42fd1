package sequence

import (
	"math"
	"slices"

	"usher/dataset"
	"usher/internal/seed"
)

// noRow stands for an item that has no row in the network.
const noRow = ^uint32(0)

// heldOut is one question of the validation part: the last item of a user, or of few
// users the first of several that are held out.
type heldOut struct {
	user   dataset.Index
	item   dataset.Index
	weight float64 // of its event's type; the mean of all is 1
	more   int     // events behind it, held out too
}

// The validation part has the last items of at most heldMost users, so that large
// data lose nothing, or of one user in heldShare where that is more (up to five
// times heldMost): the more there are the more surely the counters are weighed. The
// network is measured on measuredMost of them, whose metric's error is about .006.
const (
	heldMost     = 2000
	heldShare    = 20
	measuredMost = 2000
)

// Of fewer users than heldFew more events are held out, heldEach of a user and at most
// one in heldPart: as many questions again say more of the weights of counters than the
// network loses by learning without them.
const (
	heldFew  = 500
	heldEach = 3
	heldPart = 4
)

// holdOut draws the users of the validation part, among those with two events
// or more, in order of their numbers. byType are the weights of event types.
func holdOut(data *dataset.Snapshot, byType []float64, from seed.Seed) []heldOut {
	var out []heldOut
	for u := range data.UserIDs {
		if h := data.History(dataset.Index(u)); len(h) >= 2 {
			out = append(out, heldOut{user: dataset.Index(u), item: h[len(h)-1].Item, weight: weightOf(byType, h[len(h)-1])})
		}
	}
	if most := min(max(heldMost, len(out)/heldShare), 5*heldMost); len(out) > most {
		from.Rand().Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
		out = out[:most]
		slices.SortFunc(out, func(a, b heldOut) int { return int(a.user) - int(b.user) })
	}
	if len(out) < heldFew {
		for i := range out {
			out[i].reachBack(data.History(out[i].user), byType)
		}
	}
	evenOut(out)
	return out
}

// reachBack holds more of a user's events out.
func (h *heldOut) reachBack(history []dataset.Event, byType []float64) {
	h.more = max(1, min(heldEach, len(history)/heldPart)) - 1
	first := history[len(history)-1-h.more]
	h.item, h.weight = first.Item, weightOf(byType, first)
}

// weightOf gives the weight of an event by its type.
func weightOf(byType []float64, e dataset.Event) float64 {
	if byType == nil {
		return 1
	}
	return byType[e.Type]
}

// evenOut makes the mean weight 1, so that sums over questions are divided by
// their number; where none weighs anything all count alike.
func evenOut(held []heldOut) {
	sum := 0.
	for _, h := range held {
		sum += h.weight
	}
	for i := range held {
		if sum > 0 {
			held[i].weight *= float64(len(held)) / sum
		} else {
			held[i].weight = 1
		}
	}
}

// measured gives the part of the validation part that the network is measured on.
func measured(held []heldOut) []heldOut {
	if len(held) <= measuredMost {
		return held
	}
	out := make([]heldOut, measuredMost)
	for i := range out {
		out[i] = held[i*len(held)/measuredMost]
	}
	return out
}

// corpus is the events that are learnt from, with rows of the network instead
// of item numbers.
type corpus struct {
	known   int       // items of the data, those without events included
	items   []uint32  // item number by row, ascending
	rowOf   []uint32  // (known) row by item number, or noRow
	start   []int64   // (users) where the user's events begin in rows
	count   []int     // (users) how many they are
	rows    []uint32  // events, by user, oldest first; what is held out is left in place but not counted
	weights []float32 // of events, like rows; nil: all 1
	events  int       // Σ count
	times   []dataset.Event
	gaps    bool // tokens are marked with the time before them
}

func newCorpus(data *dataset.Snapshot, held []heldOut) *corpus {
	c := &corpus{known: data.Items(), start: data.Start, count: make([]int, data.Users()),
		rows: make([]uint32, len(data.Events)), rowOf: make([]uint32, data.Items()), times: data.Events}
	for u := range c.count {
		c.count[u] = int(data.Start[u+1] - data.Start[u])
	}
	for _, h := range held {
		c.count[h.user] -= 1 + h.more
	}
	seen := make([]bool, c.known)
	for u, n := range c.count {
		for _, e := range data.Events[data.Start[u]:][:n] {
			seen[e.Item] = true
		}
		c.events += n
	}
	for i := range c.rowOf {
		c.rowOf[i] = noRow
		if seen[i] {
			c.rowOf[i] = uint32(len(c.items))
			c.items = append(c.items, uint32(i))
		}
	}
	for i, e := range data.Events {
		c.rows[i] = c.rowOf[e.Item]
	}
	return c
}

// history gives the rows of a user's events that are learnt from.
func (c *corpus) history(u dataset.Index) []uint32 {
	return c.rows[c.start[u]:][:c.count[u]]
}

// before appends to dst the rows of a user's first events, held out or not, that have
// one.
func (c *corpus) before(dst []uint32, u dataset.Index, events int) []uint32 {
	for _, r := range c.rows[c.start[u]:][:events] {
		if r != noRow {
			dst = append(dst, r)
		}
	}
	return dst
}

// oldWeight is what the oldest events count when recency matters. Less than a
// half costs more than it brings where users come once and go (on ml-100k .25
// lost 5 % of the validation NDCG, .6 nothing).
const oldWeight = .5

// weigh gives each event its weight: oldWeight + (1-oldWeight)·2^(-age/half),
// where age counts back from the newest event and half is the age of the median
// event. Without recency, or when half of the events are of one time, all
// weigh 1. Then comes the weight of its type, byType, where types have weights.
func (c *corpus) weigh(recency bool, byType []float64) {
	if recency {
		c.weighTimes()
	}
	if byType == nil {
		return
	}
	if c.weights == nil {
		c.weights = slices.Repeat([]float32{1}, len(c.times))
	}
	for i, e := range c.times {
		c.weights[i] *= float32(byType[e.Type])
	}
}

// weighTimes weighs by age.
func (c *corpus) weighTimes() {
	times := timesOf(c.times)
	newest := times[len(times)-1]
	half := float64(newest - times[len(times)/2])
	if half <= 0 {
		return
	}
	c.weights = make([]float32, len(c.times))
	for i, e := range c.times {
		c.weights[i] = float32(oldWeight + (1-oldWeight)*math.Exp2(-max(0, float64(newest-e.Time))/half))
	}
}

// timesOf gives the times of events, or of about a million of more, sorted.
func timesOf(events []dataset.Event) (times []int64) {
	for i := 0; i < len(events); i += 1 + len(events)/1_000_000 {
		times = append(times, events[i].Time)
	}
	slices.Sort(times)
	return times
}

// weight gives the weight of the event at a place of rows.
func (c *corpus) weight(at int) float64 {
	if c.weights == nil {
		return 1
	}
	return float64(c.weights[at])
}

// repeats gives the part of events whose item the user had before.
func (c *corpus) repeats() float64 {
	last := make([]dataset.Index, len(c.items)) // the user who had the item last, + 1
	n, later := 0, 0
	for u := range c.count {
		for i, r := range c.history(dataset.Index(u)) {
			if last[r] == dataset.Index(u+1) {
				n++
			}
			last[r] = dataset.Index(u + 1)
			if i > 0 {
				later++
			}
		}
	}
	return float64(n) / float64(max(1, later))
}

// window is a piece of a user's events: those from…to-1 are targets, and the
// events before each, from from-1 on, its context. The first piece of a user
// begins with the start token.
type window struct {
	user     dataset.Index
	from, to int
}

// windows cuts all histories into pieces of at most size targets. A long one
// gives equal ranges, and each piece but the first reaches back to the full
// size, so that its newest events are learnt with a full context. Of a user only
// the newest events are cut, so many as newest says; 0: all.
func (c *corpus) windows(size, newest int) (out []window) {
	for u, n := range c.count {
		old := 0
		if newest > 0 {
			old = max(0, n-newest)
		}
		k := (n - old + size - 1) / size
		for j := range k {
			w := window{dataset.Index(u), 0, old + (n-old)*(j+1)/k}
			if w.to > size {
				w.from = w.to - size
			}
			out = append(out, w)
		}
	}
	return out
}
