package sequence

import (
	"context"
	"fmt"
	"math"

	"usher/dataset"
	"usher/recipe"
	"usher/recipe/internal/content"
	"usher/recipe/internal/nn"
)

// What metadata add (recipe/internal/content): vectors for items that nobody has
// had, and better ones for those that few have had. Both are chosen: metadata that
// explain nothing of the vectors of items that were not fitted are left alone, and
// vectors move only where that finds more of the validation part.

// strengths are how many events metadata may count for; see content.Blend.
var strengths = []float64{0, 2, 8, 32}

// explainsLeast is the part of the vectors' variance that metadata have to explain.
const explainsLeast = .01

// described are the items with events and what their metadata say, by row.
type described struct {
	features *content.Features
	items    []content.Item
	events   []float64
}

// describe reads the metadata of items; nil when these say nothing.
func (f *fit) describe(vectors []float32) *described {
	data, d := f.in.Data, f.s.dim
	all := make([]dataset.Index, data.Items())
	for i := range all {
		all[i] = dataset.Index(i)
	}
	features := content.Learn(data.ItemTable, all)
	if features == nil {
		return nil
	}
	out := &described{features, make([]content.Item, len(f.c.items)), make([]float64, len(f.c.items))}
	for u := range f.c.count {
		for _, r := range f.c.history(dataset.Index(u)) {
			out.events[r]++
		}
	}
	for r, i := range f.c.items {
		item := &out.items[r]
		features.Of(data.ItemTable.Schema, data.ItemTable.Row(dataset.Index(i)), &item.Features)
		item.Target = vectors[r*d : (r+1)*d]
		if len(item.Features.At) > 0 {
			item.Trust = content.Trust(out.events[r])
		}
	}
	return out
}

// learnContent learns what metadata say of vectors, and moves the vectors.
func (f *fit) learnContent(ctx context.Context, net *nn.Net) error {
	f.vectors = net.Items(len(f.c.items))
	if f.in.Tuned != nil && f.s.contentLambda == 0 {
		return nil
	}
	d := f.describe(f.vectors)
	if d == nil {
		f.s.contentLambda, f.s.contentStrength = 0, 0
		return nil
	}
	if f.in.Tuned == nil {
		lambda, explained, err := content.Choose(ctx, d.features, d.items, f.in.Workers)
		if err != nil {
			return err
		}
		if explained < explainsLeast {
			return nil
		}
		f.s.contentLambda, f.explained = lambda, explained
	}
	m, err := content.Fit(ctx, d.features, d.items, f.s.contentLambda, f.in.Workers)
	if err != nil {
		return err
	}
	f.content = m
	if f.in.Tuned == nil {
		if err := f.chooseStrength(ctx, net, d); err != nil {
			return err
		}
	}
	f.vectors = d.moved(m, f.vectors, f.s.contentStrength)
	return nil
}

// moved gives the vectors moved towards what metadata say.
func (d *described) moved(m *content.Map, vectors []float32, strength float64) []float32 {
	if strength == 0 {
		return vectors
	}
	out := append([]float32(nil), vectors...)
	said := make([]float32, m.Dim)
	for r := range d.items {
		if v := &d.items[r].Features; len(v.At) > 0 {
			m.Apply(v, said)
			content.Blend(out[r*m.Dim:(r+1)*m.Dim], said, d.events[r], strength)
		}
	}
	return out
}

// chooseStrength moves vectors as far as the validation part likes best.
func (f *fit) chooseStrength(ctx context.Context, net *nn.Net, d *described) error {
	var best, none metric
	for _, s := range strengths {
		m, err := f.validate(ctx, net, d.moved(f.content, f.vectors, s))
		if err != nil {
			return err
		}
		if s == 0 {
			best, none = m, m
		}
		if m.ndcg > best.ndcg && m.ndcg > betterBy*none.ndcg {
			best, f.s.contentStrength = m, s
		}
	}
	return nil
}

// addNewcomers gives the model the items that nobody has had.
func (f *fit) addNewcomers(ctx context.Context, m *Model) error {
	m.content = f.content
	if f.content == nil || !f.newcomers() {
		return nil
	}
	var items []dataset.Index
	for i, r := range f.c.rowOf {
		if r == noRow {
			items = append(items, dataset.Index(i))
		}
	}
	t := f.in.Data.ItemTable
	m.cold = m.newcomersOf(0, t.Schema, items, t.Row)
	if f.in.Tuned == nil && len(f.held) > 0 {
		bias, err := f.chooseBias(ctx, m)
		if err != nil {
			return err
		}
		f.s.coldBias = bias
	}
	m.cold.bias = float32(f.s.coldBias)
	return nil
}

// newcomers says whether new items compete with the others. Those of the first
// version's recipes are explored where they are served, by the campaign's weight.
func (f *fit) newcomers() bool {
	_, v1 := f.in.Params["recency_mask"]
	return !v1
}

// Newcomers are favoured as far as they cost the validation part at most costMost
// of its NDCG, and fill at most placesMost of the first places: somebody has to be
// shown them first. Where there are fewer than trialLeast, one item of trialShare
// stands for one.
const (
	costMost   = .01
	placesMost = .2
	biasMost   = 6
	biasStep   = .25
	trialLeast = 20
	trialShare = 20
)

// trial is one question of the validation part with newcomers.
type trial struct {
	weight float64
	target float32   // score of the item looked for; of a newcomer without bias
	isCold bool      // it is a newcomer
	warm   []float32 // the best scores of others
	cold   []float32 // the best scores of newcomers, without bias
}

// chooseBias gives the bias of newcomers.
func (f *fit) chooseBias(ctx context.Context, m *Model) (float64, error) {
	n := m.cold
	if n.count() < trialLeast {
		n = f.standIns(m)
	}
	if n.count() == 0 {
		return 0, nil
	}
	held := measured(f.held)
	trials := make([]trial, len(held))
	nn.Each(f.in.Workers, len(held), func(_, i int) {
		if ctx.Err() == nil {
			trials[i] = m.try(n, held[i], f.in.Data.History(held[i].user)[:f.c.count[held[i].user]])
		}
	})
	if ctx.Err() != nil {
		return 0, fmt.Errorf("weigh new items: %w", context.Cause(ctx))
	}
	least := (1 - costMost) * gainWith(trials, math.Inf(-1))
	for b := float64(biasMost); b > -biasMost; b -= biasStep {
		if gainWith(trials, b) >= least && placesWith(trials, b) <= placesMost {
			return b, nil
		}
	}
	return -biasMost, nil
}

// standIns gives items that play the part of newcomers.
func (f *fit) standIns(m *Model) *newcomers {
	var items []dataset.Index
	for r := 0; r < len(f.c.items); r += trialShare {
		items = append(items, dataset.Index(f.c.items[r]))
	}
	t := f.in.Data.ItemTable
	return m.newcomersOf(0, t.Schema, items, t.Row)
}

// try asks one question.
func (m *Model) try(n *newcomers, h heldOut, history []dataset.Event) trial {
	a := m.answers.Get().(*answer)
	defer m.answers.Put(a)
	q := &recipe.Query{User: h.user, History: history}
	m.listen(a, q)
	e := m.encoded(a, q)
	t := trial{weight: h.weight, target: lowest}
	best, _ := m.best(a, e, history, min(trialTop, len(m.items)), dataset.Set{})
	for _, x := range best {
		t.warm = append(t.warm, x.score)
		if m.item(x.row) == h.item {
			t.target = x.score
		}
	}
	scores := m.coldScores(n, a, e, history)
	if at := n.find(h.item); at >= 0 && m.row(h.item) == noRow {
		t.target, t.isCold = scores[at], true
	}
	a.coldTop.begin(trialTop)
	for at, x := range scores {
		if x > a.coldTop.floor {
			a.coldTop.offer(ranked{x, uint32(at)})
		}
	}
	for _, x := range a.coldTop.sorted() {
		t.cold = append(t.cold, x.score)
	}
	return t
}

// trialTop is how much of a list is looked at: NDCG@10 sees no more.
const trialTop = 10

// placesWith gives the part of the first trialTop places that newcomers take when
// they have a bias.
func placesWith(trials []trial, bias float64) float64 {
	cold, all := 0, 0
	for _, t := range trials {
		w, c := 0, 0
		for w+c < min(trialTop, len(t.warm)+len(t.cold)) {
			if c < len(t.cold) && (w == len(t.warm) || float64(t.cold[c])+bias > float64(t.warm[w])) {
				c++
			} else {
				w++
			}
		}
		cold, all = cold+c, all+w+c
	}
	return float64(cold) / float64(max(1, all))
}

// gainWith gives the NDCG@10 of all trials when newcomers have a bias.
func gainWith(trials []trial, bias float64) float64 {
	var sum metric
	for _, t := range trials {
		own := float64(t.target)
		if t.isCold {
			own += bias
		}
		if math.IsInf(own, -1) {
			continue
		}
		rank := -1 // it is in one of the lists itself, or behind both
		for _, x := range t.warm {
			if float64(x) >= own {
				rank++
			}
		}
		for _, x := range t.cold {
			if float64(x)+bias >= own {
				rank++
			}
		}
		if t.isCold && float64(t.cold[len(t.cold)-1]) > float64(t.target) {
			rank++ // it is behind the list of newcomers
		}
		sum.add(rank, t.weight)
	}
	return sum.ndcg
}
