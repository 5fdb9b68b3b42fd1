package sequence

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"

	"usher/dataset"
	"usher/kernel"
	"usher/recipe"
)

// The weight of an objective is the largest that takes no more than the
// sensitivity's part of the relevance: of the NDCG@25 of the validation part, whose
// questions are answered with one weight after the other. So a sensitivity means the
// same for prices and for minutes, on any data. Where few questions find their item
// this would be a matter of luck; there the NDCG@25 is what the model's own
// probabilities expect, which never rises with the weight.

// Weights that are tried: none, and from weightLeast on, each weightRatio times the
// one before.
const (
	weightLeast = 1. / 16
	weightRatio = 1.1892071150027210667 // four steps double it
	weightSteps = 30                    // up to 8: nothing but the objective counts
)

const (
	tradedPlaces = 25  // of a list: those of the metric
	foundLeast   = 100 // questions, for the NDCG to be counted and not expected
	tradedMost   = 5e9 // scores that are looked at
)

// usualWeight is for data without a validation part.
var usualWeight = map[recipe.Sensitivity]float64{recipe.Low: .2, recipe.Medium: .4, recipe.High: .9}

// stepWeight gives the weight of a step.
func stepWeight(step int) float64 {
	if step == 0 {
		return 0
	}
	return weightLeast * math.Pow(weightRatio, float64(step-1))
}

// tradeOff is what relevance and reward become, by steps of the weight.
type tradeOff struct {
	found    int // questions whose item is in the first places without an objective
	measured [weightSteps]float64
	expected [weightSteps]float64
	reward   [weightSteps]float64 // how far the first places lie above the mean
}

func (t *tradeOff) add(other *tradeOff) {
	t.found += other.found
	for s := range weightSteps {
		t.measured[s] += other.measured[s]
		t.expected[s] += other.expected[s]
		t.reward[s] += other.reward[s]
	}
}

// relevance gives the sums that are to be gone by.
func (t *tradeOff) relevance() []float64 {
	if t.found >= foundLeast {
		return t.measured[:]
	}
	return t.expected[:]
}

// within gives the last step before relevance has lost more than a part.
func (t *tradeOff) within(cost float64) int {
	r := t.relevance()
	beyond := slices.IndexFunc(r, func(x float64) bool { return x < (1-cost)*r[0] })
	if beyond < 0 {
		return len(r) - 1
	}
	return beyond - 1
}

// wantObjective measures the attribute of an objective before there is a network, so
// that data without it are refused at once.
func (f *fit) wantObjective() error {
	o := f.in.Objective
	if o == nil || o.Sensitivity == recipe.Off {
		return nil
	}
	if _, ok := o.Sensitivity.Cost(); !ok {
		return fmt.Errorf("weigh %s: unknown sensitivity %q", o.Attribute, o.Sensitivity)
	}
	if f.objective = newObjective(o, f.in.Data, f.c.items); f.objective == nil {
		return fmt.Errorf("no item that has interactions has a number in the column %s, which is the objective: import items that have it, or train without an objective", o.Attribute)
	}
	return nil
}

// addObjective lets the model answer for its objective too, if it has one.
func (f *fit) addObjective(ctx context.Context, m *Model) error {
	if f.objective == nil {
		return nil
	}
	if f.in.Tuned == nil {
		if err := f.weighObjective(ctx, m); err != nil {
			return err
		}
	}
	f.objective.Weight = f.s.objectiveWeight
	if m.cold != nil {
		m.cold.worth = f.objective.of(f.in.Data.ItemTable, m.cold.items)
	}
	m.pursue(f.objective)
	return nil
}

// pursue takes an objective. Answers that were made before are not used again: they
// have what scores were without it.
func (m *Model) pursue(o *objective) {
	m.objective = o
	o.settle(m.blend)
	if m.cold != nil {
		m.cold.favour(o)
	}
	m.answers = sync.Pool{New: m.answers.New}
}

// weighObjective chooses the weight.
func (f *fit) weighObjective(ctx context.Context, m *Model) error {
	level := f.in.Objective.Sensitivity
	if len(f.held) == 0 {
		f.s.objectiveWeight = usualWeight[level]
		return nil
	}
	t, questions, err := f.trade(ctx, m)
	if err != nil {
		return err
	}
	cost, _ := level.Cost()
	s := t.within(cost)
	f.s.objectiveWeight = stepWeight(s)
	o, n, r := f.objective, float64(questions), t.relevance()
	mean := func(s int) float64 { return o.Mean + o.Spread*t.reward[s]/n }
	f.sided = append(f.sided, fmt.Sprintf("the objective %s (%s) weighs %.2f: it is %.4g on average in lists of %d, without it %.4g; NDCG@%d is %.4f, without it %.4f",
		o.Attribute, level, f.s.objectiveWeight, mean(s), tradedPlaces, mean(0), tradedPlaces, r[s]/n, r[0]/n))
	if f.in.Progress != nil {
		f.in.Progress(netShare, f.sided[len(f.sided)-1])
	}
	return nil
}

// trade asks questions of the validation part with all weights. It gives how many, too.
func (f *fit) trade(ctx context.Context, m *Model) (*tradeOff, int, error) {
	held := measured(f.held)
	held = held[:min(len(held), max(askTogether, tradedMost/(weightSteps*len(m.items))))]
	far := f.objective.farAll()
	parts := make([]tradeOff, (len(held)+askTogether-1)/askTogether)
	traders := make([]*trader, max(1, f.in.Workers))
	err := f.each(ctx, "weigh the objective", len(parts), func(worker, g int) {
		if traders[worker] == nil {
			n := len(m.items)
			traders[worker] = &trader{f, m, m.answers.Get().(*answer), far, make([]float32, n), make([]float32, n)}
		}
		for _, h := range held[g*askTogether : min(len(held), (g+1)*askTogether)] {
			traders[worker].ask(h, &parts[g])
		}
	})
	if err != nil {
		return nil, 0, err
	}
	all := &tradeOff{}
	for i := range parts {
		all.add(&parts[i])
	}
	return all, len(held), nil
}

// trader is the memory of one worker that asks.
type trader struct {
	*fit
	model  *Model
	answer *answer
	far    []float32 // (items) how far each lies above the mean
	scores []float32 // (items) without an objective
	sum    []float32 // (items)
}

// ask adds what one question gives.
func (t *trader) ask(h heldOut, to *tradeOff) {
	q := t.question(h.user, t.c.count[h.user])
	t.model.listen(t.answer, q)
	t.model.scores(t.answer, q.History, t.scores)
	target, peak := t.model.row(h.item), kernel.Max(t.scores)
	all := float64(kernel.ExpSum(append(t.sum[:0], t.scores...), 1, -peak))
	for s := range weightSteps {
		first := t.first(float32(stepWeight(s)))
		for place, x := range first {
			gain := h.weight / math.Log2(float64(place)+2)
			if x.row == target {
				to.measured[s] += gain
				if s == 0 {
					to.found++
				}
			}
			to.expected[s] += gain * exp(t.scores[x.row]-peak) / all
			to.reward[s] += float64(t.far[x.row]) / float64(len(first))
		}
	}
}

// first gives the first places with a weight.
func (t *trader) first(weight float32) []ranked {
	copy(t.sum, t.scores)
	kernel.Axpy(t.sum, weight, t.far)
	return firstOf(&t.answer.top, t.sum, tradedPlaces)
}

// firstOf gives the k best rows of scores, the best first.
func firstOf(to *top, scores []float32, k int) []ranked {
	to.begin(min(k, len(scores)))
	for r, x := range scores {
		if x > to.floor {
			to.offer(ranked{x, uint32(r)})
		}
	}
	return to.sorted()
}

// scores gives the scores of all rows at a history, those of items that may not come
// again lowest. listen comes first.
func (m *Model) scores(a *answer, history []dataset.Event, to []float32) {
	n, d := len(m.items), m.net.Dim
	m.encode(a, history, &a.own)
	kernel.MatMulNT(to, n, a.own.query, d, m.vectors, d, 1, n, d, false)
	m.bonus(a, history)
	kernel.Axpy(to, 1, a.extra.all)
	if !m.maskSeen {
		return
	}
	for _, e := range history {
		if r := m.row(e.Item); r != noRow {
			to[r] = lowest
		}
	}
}
