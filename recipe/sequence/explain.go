package sequence

import (
	"cmp"
	"context"
	"math"
	"runtime"
	"slices"

	"usher/dataset"
	"usher/kernel"
	"usher/recipe"
)

const (
	namedMost = 5    // events of an explanation
	triedMost = 16   // events whose effect on the probability is computed
	leastMove = 1e-3 // a smaller change of the log of a probability is no reason
)

// Explain takes the score of an item apart, and finds the events without which
// its probability would be lower by leaving each one out: the network looks at
// all events together, so there is no other way to know what one of them does.
// What leaving one out does to the score chooses those whose effect on the
// probability, which depends on all other items too, is computed.
func (m *Model) Explain(ctx context.Context, q *recipe.Query, item dataset.Index) (*recipe.Explanation, error) {
	defer runtime.KeepAlive(m)
	row := m.row(item)
	if at := m.cold.find(item); row == noRow && at >= 0 {
		row = uint32(len(m.items) + at)
	}
	if row == noRow {
		return &recipe.Explanation{Basis: recipe.Unknown}, nil
	}
	a := m.answers.Get().(*answer)
	defer m.answers.Put(a)
	m.listen(a, q)
	x := &explaining{Model: m, answer: a, query: q, row: row, history: q.History}
	now := x.probability(q.History, rankingMost)
	out := &recipe.Explanation{Basis: recipe.Personal, Probability: math.Exp(now), Place: x.place(), Parts: x.parts(q.History)}
	switch {
	case !a.own.personal:
		out.Basis = recipe.Beginning
		return out, nil
	case m.maskSeen && slices.ContainsFunc(q.History, func(e dataset.Event) bool { return m.row(e.Item) == row }):
		out.Basis = recipe.Repeated
	}
	if err := x.influences(ctx, now); err != nil {
		return nil, err
	}
	out.Events, out.Without = x.named, math.Exp(x.without)
	return out, nil
}

// explaining is one explanation on its way.
type explaining struct {
	*Model
	*answer
	query   *recipe.Query
	row     uint32 // behind the rows of items those of newcomers
	history []dataset.Event
	less    []dataset.Event // history without something
	best    []ranked
	named   []recipe.Influence
	without float64
}

// probability gives the log of the item's probability at a history, and leaves
// the k best rows in best.
func (x *explaining) probability(history []dataset.Event, k int) float64 {
	x.encode(x.answer, history, &x.own)
	x.summed = true
	x.search(x.answer, &x.own, history, min(k, len(x.items)), dataset.Set{})
	rows, all := x.top.rows, &scale{x.peak, x.expSum}
	if x.Model.cold.count() > 0 {
		q := *x.query
		q.History = history
		rows, all = x.mix(x.answer, &x.own, &q, rows, all, k, dataset.Set{})
	}
	x.best = append(x.best[:0], rows...)
	x.bonus(x.answer, history)
	return float64(x.itemScore()-all.peak) - math.Log(all.sum)
}

// itemScore gives the score of the item, of a newcomer too. bonus comes first.
func (x *explaining) itemScore() float32 {
	if at := int(x.row) - len(x.items); at >= 0 {
		return x.coldScore(x.answer, &x.own, at)
	}
	return x.score(x.answer, &x.own, x.row)
}

// place gives the item's place among the best rows, 0 behind them.
func (x *explaining) place() int {
	return 1 + slices.IndexFunc(x.best, func(r ranked) bool { return r.row == x.row })
}

// parts gives what the item's score is the sum of.
func (x *explaining) parts(history []dataset.Event) []recipe.Part {
	d, vectors, row, newcomer := x.net.Dim, x.vectors, int(x.row), int(x.row) >= len(x.items)
	if newcomer {
		vectors, row = x.Model.cold.vectors, row-len(x.items)
	}
	out := []recipe.Part{{Name: featureName(netFeature), Value: float64(kernel.Dot(x.own.query, vectors[row*d:(row+1)*d]))}}
	if newcomer {
		out = append(out, recipe.Part{Name: "newcomer", Value: float64(x.Model.cold.beginning(row, x.now))})
	}
	one := make([]float32, len(x.items))
	valueOf := func() float64 {
		if newcomer { // what is said of similar items
			return float64(x.Model.cold.borrowed(one, row))
		}
		return float64(one[row])
	}
	for k, what := range x.answer.said {
		if len(what) > 0 {
			clear(one)
			x.sides.of[k].add(what, float32(x.sides.weights[k].at(len(history))), one)
			out = append(out, recipe.Part{Name: sideNames[k], Value: valueOf()})
		}
	}
	if n := x.ignored.times(x.item(x.row)); n > 0 {
		out = append(out, recipe.Part{Name: "shown", Value: float64(x.shown.effect(n))})
	}
	if o := x.Model.objective; o != nil {
		worth := o.values
		if newcomer {
			worth = x.Model.cold.worth
		}
		out = append(out, recipe.Part{Name: "objective " + o.Attribute, Value: o.Weight * float64(o.far(worth[row]))})
	}
	if x.blend == nil {
		return out
	}
	for k := netFeature + 1; k < featureCount; k++ {
		if w := x.blend.weights[k]; w != 0 {
			clear(one)
			x.blend.feature(&x.asked, k, float32(w), one)
			out = append(out, recipe.Part{Name: featureName(k), Value: valueOf()})
		}
	}
	return out
}

// influences finds the events that the item owes its probability to.
func (x *explaining) influences(ctx context.Context, now float64) error {
	tried, err := x.candidates(ctx)
	if err != nil {
		return err
	}
	for _, t := range tried[:min(triedMost, len(tried))] {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if effect := now - x.probability(x.leaving(t.At), 1); effect > leastMove {
			x.named = append(x.named, recipe.Influence{At: t.At, Effect: effect})
		}
	}
	slices.SortStableFunc(x.named, func(a, b recipe.Influence) int { return cmp.Compare(b.Effect, a.Effect) })
	x.named = x.named[:min(namedMost, len(x.named))]
	// Together they may do less than each alone: fewer are named then.
	for ; len(x.named) > 0; x.named = x.named[:len(x.named)-1] {
		var at []int
		for _, e := range x.named {
			at = append(at, e.At)
		}
		if x.without = x.probability(x.leaving(at...), 1); x.without < now-leastMove {
			return nil
		}
	}
	x.without = now
	return nil
}

// candidates gives the events that the model looks at, by what the item's score
// loses without each.
func (x *explaining) candidates(ctx context.Context) ([]recipe.Influence, error) {
	whole := x.alone(x.history)
	var out []recipe.Influence
	left := max(x.net.Window, newestMost)
	for at := len(x.history) - 1; at >= 0 && left > 0; at-- {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if x.rowAt(at) == noRow {
			continue
		}
		left--
		out = append(out, recipe.Influence{At: at, Effect: whole - x.alone(x.leaving(at))})
	}
	slices.SortStableFunc(out, func(a, b recipe.Influence) int { return cmp.Compare(b.Effect, a.Effect) })
	return out, nil
}

func (x *explaining) rowAt(at int) uint32 { return x.Model.row(x.history[at].Item) }

// alone gives the item's score at a history.
func (x *explaining) alone(history []dataset.Event) float64 {
	x.encode(x.answer, history, &x.own)
	x.bonus(x.answer, history)
	return float64(x.itemScore())
}

// leaving gives the history without some events.
func (x *explaining) leaving(at ...int) []dataset.Event {
	x.less = x.less[:0]
	for i, e := range x.history {
		if !slices.Contains(at, i) {
			x.less = append(x.less, e)
		}
	}
	return x.less
}
