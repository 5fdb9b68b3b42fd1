package itemknn

import (
	"context"
	"fmt"
	"math"
	"slices"

	"usher/dataset"
)

// Rows number the items with events, the most popular first: the model's own
// numbers. Low rows are wanted most, so what is hot in memory lies together, and
// the lower of two rows is the more popular item.

// mostItems is how many items of one user count at most, the newest: it bounds
// the time for data with robots in it that the percentiles let through. People
// rarely have as many; the most eager of MovieLens-1M has 2314.
const mostItems = 3000

// checkEvery is after how many steps a loop asks whether to stop: about a
// millisecond of work.
const checkEvery = 1 << 18

// pairs are the unique (user, item) pairs that are counted, both ways round.
type pairs struct {
	rows    int
	baskets lists // rows by user, ascending
	users   lists // users by row, ascending

	lengths, counts    limits // how many events users, items may have
	usersCut, itemsCut int    // users, items with events that are left out
}

// limits are the least and the largest number of events that stay.
type limits struct{ least, most int }

func (l limits) hold(n int) bool { return n >= l.least && n <= l.most }

// lists are many lists of numbers in one piece of memory.
type lists struct {
	start []int64 // (n+1)
	all   []uint32
}

func (l lists) of(i uint32) []uint32 { return l.all[l.start[i]:l.start[i+1]] }

// stopper asks a context now and then.
type stopper struct {
	ctx  context.Context
	left int
}

// after counts n steps and gives an error when it is time to stop.
func (s *stopper) after(n int) error {
	if s.left -= n; s.left > 0 {
		return nil
	}
	s.left = checkEvery
	return context.Cause(s.ctx)
}

// newPairs cuts users and items by their percentiles and collects the pairs of
// the others. items gives the item of each row.
func newPairs(ctx context.Context, data *dataset.Snapshot, items []dataset.Index, s settings) (*pairs, error) {
	p := &pairs{rows: len(items)}
	stop := &stopper{ctx: ctx}
	rowOf, err := p.cut(stop, data, items, s)
	if err != nil {
		return nil, err
	}
	p.baskets.start = make([]int64, 1, data.Users()+1)
	last := make([]uint32, len(items)) // the user who had the row last, + 1
	degree := make([]int64, len(items)+1)
	for u := range data.UserIDs {
		h := data.History(dataset.Index(u))
		if err := stop.after(len(h) + 1); err != nil {
			return nil, err
		}
		first := len(p.baskets.all)
		if p.lengths.hold(len(h)) {
			for i := len(h) - 1; i >= 0 && len(p.baskets.all)-first < mostItems; i-- {
				if r := rowOf[h[i].Item]; r != noRow && last[r] != uint32(u+1) {
					last[r] = uint32(u + 1)
					degree[r+1]++
					p.baskets.all = append(p.baskets.all, r)
				}
			}
			slices.Sort(p.baskets.all[first:])
		}
		p.baskets.start = append(p.baskets.start, int64(len(p.baskets.all)))
	}
	return p, p.turn(stop, degree)
}

// turn makes the users of each row out of the rows of each user. degree[r+1] is
// how many users row r has.
func (p *pairs) turn(stop *stopper, degree []int64) error {
	for r := range p.rows {
		degree[r+1] += degree[r]
	}
	p.users = lists{degree, make([]uint32, len(p.baskets.all))}
	next := slices.Clone(degree)
	for u := range len(p.baskets.start) - 1 {
		basket := p.baskets.of(uint32(u))
		if err := stop.after(len(basket) + 1); err != nil {
			return err
		}
		for _, r := range basket {
			p.users.all[next[r]] = uint32(u)
			next[r]++
		}
	}
	return nil
}

// noRow stands for an item that is not counted or has no events.
const noRow = ^uint32(0)

// cut sets the limits and gives the row of each item that stays, else noRow.
func (p *pairs) cut(stop *stopper, data *dataset.Snapshot, items []dataset.Index, s settings) ([]uint32, error) {
	perItem := make([]int, data.Items())
	var lengths, counts []int // of those that have events
	for u := range data.UserIDs {
		h := data.History(dataset.Index(u))
		if err := stop.after(len(h) + 1); err != nil {
			return nil, err
		}
		for _, e := range h {
			perItem[e.Item]++
		}
		if len(h) > 0 {
			lengths = append(lengths, len(h))
		}
	}
	for _, i := range items {
		counts = append(counts, perItem[i])
	}
	p.lengths = between(lengths, s.userMin, s.userMax)
	p.counts = between(counts, s.itemMin, s.itemMax)
	for _, n := range lengths {
		if !p.lengths.hold(n) {
			p.usersCut++
		}
	}
	rowOf := make([]uint32, data.Items())
	for i := range rowOf {
		rowOf[i] = noRow
	}
	for r, i := range items {
		if p.counts.hold(perItem[i]) {
			rowOf[i] = uint32(r)
		} else {
			p.itemsCut++
		}
	}
	return rowOf, nil
}

// between gives the numbers that are the percentiles least and most (0…1) of
// counts, by nearest rank. It sorts counts.
func between(counts []int, least, most float64) limits {
	slices.Sort(counts)
	at := func(p float64) int {
		n := len(counts)
		rank := int(math.Ceil(p*float64(n) - 1e-9)) // .29·100 is a bit more than 29
		return counts[min(max(rank, 1), n)-1]
	}
	return limits{at(least), at(most)}
}

// notes tells people what was left out.
func (p *pairs) notes(s settings) []string {
	var out []string
	if p.itemsCut > 0 {
		out = append(out, fmt.Sprintf("%d of %d items have fewer than %d or more than %d interactions (percentiles %v and %v): they are nobody's neighbours and answer popular items",
			p.itemsCut, p.rows, p.counts.least, p.counts.most, s.itemMin, s.itemMax))
	}
	if p.usersCut > 0 {
		out = append(out, fmt.Sprintf("%d users have fewer than %d or more than %d interactions (percentiles %v and %v): their histories are not counted",
			p.usersCut, p.lengths.least, p.lengths.most, s.userMin, s.userMax))
	}
	return out
}
