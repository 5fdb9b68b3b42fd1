package sequence

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"usher/dataset"
	"usher/kernel"
)

// The weights of the sides are fitted as those of the counters are (weigh.go), to
// what the network and the counters say together. Each user of the validation part
// asks twice: for the last item, with all before it as history, and for the first
// one, with none. The first event has been counted; its own part in the counts is
// taken out.

// Features of an example of sides, in the places of others: the score without
// sides, and each side for those without history and for those with much.
const (
	coldFeature = 1 // of the first side
	warmFeature = 2
	sideStep    = 2 // to the next side
)

// addSides gives the model the side information that helps.
func (f *fit) addSides(ctx context.Context, m *Model) error {
	s, items := &sides{}, f.countSideItems()
	found := false
	for k := range s.of {
		learnt, err := f.learnSide(ctx, items, k)
		if err != nil {
			return err
		}
		found = found || len(learnt.columns) > 0
		s.of[k] = learnt
	}
	switch {
	case !found:
		return nil
	case f.in.Tuned != nil:
		s.repeat(f.in.Tuned.Values)
	default:
		ok, err := f.weighSides(ctx, m, s, items)
		if err != nil || !ok {
			return err
		}
	}
	m.sides = s
	return nil
}

// weighSides fits the weights, and says whether sides help.
func (f *fit) weighSides(ctx context.Context, m *Model, s *sides, items *sideItems) (bool, error) {
	es, err := f.sideExamples(ctx, m, s, items)
	if err != nil {
		return false, err
	}
	var may [featureCount]bool
	for k := range s.of {
		used := len(s.of[k].columns) > 0
		may[coldFeature+sideStep*k], may[warmFeature+sideStep*k] = used, used
	}
	with, without, _, err := byHalves(es, may, networkAlone())
	if err != nil {
		return false, nil // the equations say nothing: so do the sides
	}
	w, err := weigh(es, may)
	if err != nil || w == prior() || with.ndcg <= without.ndcg {
		return false, nil
	}
	for k := range s.of {
		s.weights[k] = sideWeight{Cold: w[coldFeature+sideStep*k], Warm: w[warmFeature+sideStep*k]}
		if s.weights[k] == (sideWeight{}) {
			s.of[k] = newSide()
		}
	}
	f.sided = []string{fmt.Sprintf("%v: NDCG@10 of last and first items %.4f, without %.4f", s, with.ndcg, without.ndcg)}
	if f.in.Progress != nil {
		f.in.Progress(netShare, f.sided[0])
	}
	return true, nil
}

// sideExamples asks the model, which has no sides yet, for last and first items.
func (f *fit) sideExamples(ctx context.Context, m *Model, s *sides, items *sideItems) ([]example, error) {
	held := measured(f.held)
	out := make([]example, 2*len(held))
	askers := make([]*sideAsker, max(1, f.in.Workers))
	err := f.each(ctx, "weigh side information", len(held), func(worker, i int) {
		if askers[worker] == nil {
			askers[worker] = f.newSideAsker(m, s, items)
		}
		h := held[i]
		history := f.in.Data.History(h.user)
		last := f.c.count[h.user]
		out[2*i] = askers[worker].ask(h, last, history)
		h.item = history[0].Item
		out[2*i+1] = askers[worker].ask(h, 0, history)
	})
	return out, err
}

// sideAsker is the memory of one worker that asks.
type sideAsker struct {
	*fit
	model   *Model
	sides   *sides
	answer  *answer
	counted *sideItems
	base    []float32            // (items) scores without sides
	said    [sideCount][]float32 // (items) what each side adds
	sum     []float32            // (items)
	best    top
	marked  []bool // (items) candidates
}

func (f *fit) newSideAsker(m *Model, s *sides, counted *sideItems) *sideAsker {
	n := len(m.items)
	a := &sideAsker{fit: f, model: m, sides: s, counted: counted, answer: m.answers.Get().(*answer),
		base: make([]float32, n), sum: make([]float32, n), marked: make([]bool, n)}
	for k := range a.said {
		a.said[k] = make([]float32, n)
	}
	return a
}

// ask makes an example of the question for the event at a place of a history.
func (a *sideAsker) ask(h heldOut, at int, history []dataset.Event) example {
	target := a.c.rowOf[h.item]
	a.model.scores(a.answer, history[:at], a.base)
	var what said
	for k := range a.said {
		clear(a.said[k])
		what[k] = a.spoken(k, h.user, a.c.start[h.user]+int64(at))
		a.sides.of[k].add(what[k], 1, a.said[k])
		if at == 0 && target != noRow {
			a.said[k][target] = a.without(k, what[k], target, a.c.weight(int(a.c.start[h.user])))
		}
	}
	return a.example(h, target, at)
}

// spoken gives what a side says of the event at a place of the data.
func (a *sideAsker) spoken(kind int, user dataset.Index, place int64) []spoken {
	s := a.subjects(kind)
	if s.table == nil {
		return nil
	}
	return a.sides.of[kind].hearRecord(s.table.Schema, s.table.Row(s.of(user, place)), nil)
}

// without gives what is said of an item when one event with it is not counted.
func (a *sideAsker) without(kind int, what []spoken, item uint32, weight float64) (sum float32) {
	s := a.sides.of[kind]
	for _, x := range what {
		ids, vals := s.table.row(x.row)
		at, ok := slices.BinarySearch(ids, item)
		if !ok {
			continue
		}
		strength := s.columns[s.values[x.row].Column].Strength
		less := weight * float64(x.part) * a.counted.all / (strength * a.counted.events[item])
		sum += x.part * float32(math.Log(max(1, math.Exp(float64(vals[at]))-less)))
	}
	return sum
}

// example takes the candidates: what is best without sides and with each.
func (a *sideAsker) example(h heldOut, target uint32, events int) example {
	var candidates []uint32
	propose := func(with ...[]float32) {
		copy(a.sum, a.base)
		for _, x := range with {
			kernel.Axpy(a.sum, 1, x)
		}
		for _, x := range firstOf(&a.best, a.sum, 2*candidateTop) {
			if !a.marked[x.row] {
				a.marked[x.row] = true
				candidates = append(candidates, x.row)
			}
		}
	}
	propose()
	for k := range a.said {
		propose(a.said[k])
	}
	propose(a.said[:]...)
	slices.Sort(candidates)
	cold := sideWeight{Cold: 1}.at(events)
	e := example{user: h.user, feature: make([]float32, len(candidates)*featureCount), target: -1, weight: h.weight}
	for i, r := range candidates {
		a.marked[r] = false
		row := e.row(i)
		row[netFeature] = a.base[r]
		for k := range a.said {
			row[coldFeature+sideStep*k] = float32(cold) * a.said[k][r]
			row[warmFeature+sideStep*k] = float32(1-cold) * a.said[k][r]
		}
		if r == target {
			e.target = i
		}
	}
	return e
}

// weightNames gives the names of a side's weights in Choices.
func weightNames(kind int) (cold, warm string) {
	return "weight_" + sideNames[kind] + "_cold", "weight_" + sideNames[kind] + "_warm"
}

// values gives what was chosen, for Choices.
func (s *sides) values() map[string]float64 {
	out := map[string]float64{}
	if s == nil {
		return out
	}
	for k := range s.of {
		cold, warm := weightNames(k)
		out[cold], out[warm] = s.weights[k].Cold, s.weights[k].Warm
		for _, c := range s.of[k].columns {
			out[strengthName(k, c.Name)] = c.Strength
		}
	}
	maps.DeleteFunc(out, func(_ string, x float64) bool { return x == 0 })
	return out
}

// repeat takes over the weights that an earlier fit chose.
func (s *sides) repeat(v map[string]float64) {
	for k := range s.of {
		cold, warm := weightNames(k)
		s.weights[k] = sideWeight{Cold: v[cold], Warm: v[warm]}
	}
}

// String names the columns that are used, with the weights of their sides.
func (s *sides) String() string {
	var parts []string
	for k := range s.of {
		var names []string
		for _, c := range s.of[k].columns {
			names = append(names, c.Name)
		}
		if len(names) > 0 {
			parts = append(parts, fmt.Sprintf("%s (%s) weighs %.2f without history and %.2f with a long one",
				sideNames[k], strings.Join(names, ", "), s.weights[k].Cold, s.weights[k].Warm))
		}
	}
	return strings.Join(parts, "; ")
}
