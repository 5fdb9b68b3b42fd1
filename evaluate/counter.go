package evaluate

import (
	"cmp"
	"context"
	"math"
	"slices"

	"usher/dataset"
	"usher/recipe"
)

// counter is a plain baseline: it counts which item follows which, near by in a
// history, and sums what it counted over the newest items of the history it is
// asked for. Where that says nothing, popular items fill up. It is written for
// itself, not with a recipe's code, so that the two check one another.
type counter struct {
	name   string
	far    int     // pairs at most so far apart in a history count, 1/distance each; 0: nothing is counted
	newest int     // how many items of the history are asked, the w-th newest weighing 1/w
	both   bool    // what came before counts too, and counts are divided by √ of both items' events: a neighbourhood
	repeat float64 // what an item of the history itself scores, divided by its distance from the end
}

// counters are the baselines: the plainest first.
var counters = []counter{
	{name: "popular items"},
	{name: "the last items again", newest: 25, repeat: 1},
	{name: "markov counts", far: 5, newest: 1},
	{name: "sequential rules", far: 20, newest: 10},
	{name: "item neighbours", far: 50, newest: 30, both: true},
}

// rowMost is how many items that follow an item are kept, those counted most.
const rowMost = 1000

// counted is what a counter has learnt.
type counted struct {
	counter
	events  []float64       // by item
	popular []dataset.Index // all items with events, the most popular first
	follow  [][]follower    // by item
}

type follower struct {
	item  dataset.Index
	count float64
}

// train counts.
func (c counter) train(ctx context.Context, in recipe.Input) (answerer, error) {
	n := in.Data.Items()
	out := &counted{counter: c, events: make([]float64, n), follow: make([][]follower, n)}
	for _, e := range in.Data.Events {
		out.events[e.Item]++
	}
	for i := range out.events {
		if out.events[i] > 0 {
			out.popular = append(out.popular, dataset.Index(i))
		}
	}
	slices.SortStableFunc(out.popular, func(a, b dataset.Index) int { return cmp.Compare(out.events[b], out.events[a]) })
	if c.far == 0 {
		return out, nil
	}
	at := places(in.Data)
	sum := make([]float64, n)
	for a := range out.follow {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		out.follow[a] = out.row(in.Data, at[a], sum)
	}
	return out, nil
}

// place is one event in a snapshot, with the ends of its user's history.
type place struct{ at, begin, end int64 }

// places gives the places of each item's events.
func places(data *dataset.Snapshot) [][]place {
	out := make([][]place, data.Items())
	for u := range data.UserIDs {
		for at := data.Start[u]; at < data.Start[u+1]; at++ {
			i := data.Events[at].Item
			out[i] = append(out[i], place{at, data.Start[u], data.Start[u+1]})
		}
	}
	return out
}

// row counts what follows one item. sum (items) is zero before and after.
func (c *counted) row(data *dataset.Snapshot, at []place, sum []float64) []follower {
	var touched []dataset.Index
	add := func(i dataset.Index, x float64) {
		if sum[i] == 0 {
			touched = append(touched, i)
		}
		sum[i] += x
	}
	for _, p := range at {
		for d := int64(1); d <= int64(c.far); d++ {
			if p.at+d < p.end {
				add(data.Events[p.at+d].Item, 1/float64(d))
			}
			if c.both && p.at-d >= p.begin {
				add(data.Events[p.at-d].Item, 1/float64(d))
			}
		}
	}
	out := make([]follower, len(touched))
	for k, i := range touched {
		out[k] = follower{i, sum[i]}
		if c.both {
			out[k].count /= math.Sqrt((float64(len(at)) + 1) * (c.events[i] + 1))
		}
		sum[i] = 0
	}
	slices.SortFunc(out, func(a, b follower) int {
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.item, b.item))
	})
	return slices.Clone(out[:min(len(out), rowMost)])
}

// Recommend answers as a recipe.Model does. Of items with equal scores the less
// popular ones come first, so that ties do not flatter.
func (c *counted) Recommend(ctx context.Context, q *recipe.Query, k int, allow dataset.Set, dst []recipe.Scored) ([]recipe.Scored, error) {
	dst = dst[:0]
	if err := context.Cause(ctx); err != nil {
		return dst, err
	}
	sum := c.sum(q.History)
	for i, x := range sum {
		if x > 0 && allow.Has(i) {
			dst = append(dst, recipe.Scored{Index: i, Score: float32(x)})
		}
	}
	slices.SortFunc(dst, func(a, b recipe.Scored) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(c.events[a.Index], c.events[b.Index]), cmp.Compare(b.Index, a.Index))
	})
	dst = dst[:min(k, len(dst))]
	for _, i := range c.popular {
		if len(dst) >= k {
			break
		}
		if sum[i] == 0 && allow.Has(i) {
			dst = append(dst, recipe.Scored{Index: i, Flags: recipe.NoScore})
		}
	}
	return dst, nil
}

// sum gives what was counted for a history.
func (c *counted) sum(history []dataset.Event) map[dataset.Index]float64 {
	sum := map[dataset.Index]float64{}
	for w := 1; w <= min(c.newest, len(history)); w++ {
		i := history[len(history)-w].Item
		sum[i] += c.repeat / float64(w)
		if int(i) < len(c.follow) {
			for _, f := range c.follow[i] {
				sum[f.item] += f.count / float64(w)
			}
		}
	}
	return sum
}
