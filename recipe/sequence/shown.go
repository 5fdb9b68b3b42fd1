package sequence

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"usher/dataset"
	"usher/recipe"
)

// Impressions tell what a user was shown and did not choose. An item that was passed
// over so many times, since the user had it last, has log(1+times) times a weight
// added to its score; the weight is fitted on the validation part as those of the
// counters are (weigh.go), and mostly below zero. Where that does not find the items
// of the other half better, the weight is 0 and nothing is looked at.
//
// What was shown is not another negative of the network's loss: that has all items,
// or a sample by which they are estimated, as negatives already, and what one user
// passes over says little of the item but much of the user.

// shownWeight is the weight of log(1+times); 0: impressions are not used.
type shownWeight float32

// effect is what is added to the score of an item that was passed over so many times.
func (w shownWeight) effect(times int) float32 {
	if times == 0 {
		return 0
	}
	return float32(w) * float32(math.Log1p(float64(times)))
}

func (w shownWeight) sound() bool { return !math.IsNaN(float64(w)) && !math.IsInf(float64(w), 0) }

// shownName is the weight's name in Choices.
const shownName = "weight_shown"

// values gives what was chosen, for Choices.
func (w shownWeight) values() map[string]float64 {
	if w == 0 {
		return nil
	}
	return map[string]float64{shownName: float64(w)}
}

// ignored are the items that a user passed over, ascending.
type ignored []ignoredItem

// ignoredItem was passed over so many times since it was had last.
type ignoredItem struct {
	item  dataset.Index
	times int
}

// of counts what was shown to a user with a history. to is memory to use.
func (to ignored) of(shown []dataset.Exposure, history []dataset.Event) ignored {
	to = to[:0]
	if len(shown) == 0 {
		return to
	}
	had := make(map[dataset.Index]int64, len(shown))
	for _, x := range shown {
		had[x.Item] = math.MinInt64
	}
	for _, e := range history {
		if at, ok := had[e.Item]; ok {
			had[e.Item] = max(at, e.Time)
		}
	}
	for _, x := range shown {
		if x.Time > had[x.Item] {
			to = append(to, ignoredItem{x.Item, 1})
		}
	}
	slices.SortFunc(to, func(a, b ignoredItem) int { return cmp.Compare(a.item, b.item) })
	n := 0
	for _, x := range to {
		if n > 0 && to[n-1].item == x.item {
			to[n-1].times++
			continue
		}
		to[n] = x
		n++
	}
	return to[:n]
}

// times says how often an item was passed over.
func (g ignored) times(i dataset.Index) int {
	at, ok := slices.BinarySearchFunc(g, i, func(x ignoredItem, i dataset.Index) int { return cmp.Compare(x.item, i) })
	if !ok {
		return 0
	}
	return g[at].times
}

// recall takes down what a question's user passed over.
func (m *Model) recall(a *answer, q *recipe.Query) {
	a.ignored = a.ignored[:0]
	if m.shown != 0 && q.Shown != nil {
		a.ignored = a.ignored.of(q.Shown(), q.History)
	}
}

// discount adds to a.extra what was passed over counts.
func (m *Model) discount(a *answer) {
	for _, g := range a.ignored {
		if r := m.row(g.item); r != noRow {
			a.room.extra[r] += m.shown.effect(g.times)
			a.changed = append(a.changed, r)
		}
	}
}

// without gives the key of the same question of a user who passed items over.
func (k cacheKey) without(g ignored) cacheKey {
	for _, x := range g {
		k = k.and(uint64(x.item)<<32^uint64(x.times), 0x589965cc75374cc3)
	}
	return k
}

// The feature of an example with what was shown, in the place of another whose weight
// may be below zero: see weigh.
const shownFeature = popular

// weighShown chooses the weight of what was shown, and gives it to the model.
func (f *fit) weighShown(ctx context.Context, m *Model) error {
	if f.in.Tuned != nil {
		m.shown = shownWeight(f.in.Tuned.Values[shownName])
		return nil
	}
	if f.in.Data.Shown == nil || len(f.held) == 0 {
		return nil
	}
	es, err := f.shownExamples(ctx, m)
	if err != nil {
		return err
	}
	var may [featureCount]bool
	may[shownFeature] = true
	if answered(es) < examplesLeast {
		return nil
	}
	with, without, _, err := byHalves(es, may, networkAlone())
	if err != nil || with.ndcg < betterBy*without.ndcg {
		return nil // nothing, or too little, is to be had of it
	}
	w, err := weigh(es, may)
	if err != nil || w[netFeature] <= 0 {
		return nil
	}
	m.shown = shownWeight(w[shownFeature] / w[netFeature])
	if m.shown != 0 {
		f.sided = append(f.sided, fmt.Sprintf("what users were shown and did not choose weighs %.2f: NDCG@10 %.4f, without %.4f", m.shown, with.ndcg, without.ndcg))
	}
	return nil
}

// shownExamples asks the model, which does not use what was shown yet, for the
// questions of the validation part. Only what was shown before is known.
func (f *fit) shownExamples(ctx context.Context, m *Model) ([]example, error) {
	held := measured(f.held)
	out := make([]example, len(held))
	err := f.each(ctx, "weigh what was shown", len(held), func(_, i int) { out[i] = f.shownExample(m, held[i]) })
	return out, err
}

func (f *fit) shownExample(m *Model, h heldOut) example {
	all, last := f.in.Data.History(h.user), f.c.count[h.user]
	history := all[:last]
	a := m.answers.Get().(*answer)
	defer m.answers.Put(a)
	m.listen(a, f.question(h.user, last))
	m.encode(a, history, &a.own)
	best, _ := m.best(a, &a.own, history, min(2*candidateTop, len(m.items)), dataset.Set{})
	passed := ignored(nil).of(f.in.Data.Shown.Before(h.user, all[last].Time), history)
	e := example{user: h.user, feature: make([]float32, len(best)*featureCount), target: -1, weight: h.weight}
	for i, x := range best {
		item := m.item(x.row)
		e.row(i)[netFeature] = x.score
		e.row(i)[shownFeature] = shownWeight(1).effect(passed.times(item))
		if item == h.item {
			e.target = i
		}
	}
	return e
}

// question asks for the event at a place of a user's history, as it would have been
// asked then.
func (f *fit) question(u dataset.Index, at int) *recipe.Query {
	h := f.in.Data.History(u)
	q := &recipe.Query{User: u, History: h[:at], Context: f.in.Data.Context(u, at), Now: time.Unix(h[at].Time, 0).UTC()}
	q.Profile, q.ProfileSchema = f.in.Data.Profile(u)
	q.Shown = func() []dataset.Exposure { return f.in.Data.Shown.Before(u, h[at].Time) }
	return q
}
