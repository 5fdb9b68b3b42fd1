package sequence

import (
	"context"

	"usher/dataset"
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
	m.cold = m.newcomersOf(0, f.learnNewness(), t.Schema, items, t.Row)
	m.cold.passed = f.passedOver(m.cold)
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
