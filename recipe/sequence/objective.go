package sequence

import (
	"math"

	"usher/dataset"
	"usher/kernel"
	"usher/recipe"
)

// objective is what answers are to bring besides relevance. To an item's score comes
// a weight times how far its attribute lies above the mean of all items, in standard
// deviations and at most farMost of them: of all answers that cost as much relevance
// these have the highest mean. An item whose attribute is not known lies at the mean.
// The weight is chosen on the validation part (objectivefit.go). It does not change.
type objective struct {
	objectiveHead
	values []float32 // (items) the attribute; NaN: not known
	base   []float32 // (items) what is added to scores before a question, the blend's base too
}

// objectiveHead is what the head of a model file says of an objective. A nil one
// stands for a model without.
type objectiveHead struct {
	Attribute string  `json:"attribute"`
	Mean      float64 `json:"mean"`   // of the items trained on
	Spread    float64 `json:"spread"` // their standard deviation
	Weight    float64 `json:"weight"`
}

// farMost is how many standard deviations count, so that one item which is dearer
// than all others together does not fill every answer.
const farMost = 3

// newObjective measures the attribute of the items that are trained on; nil when none
// of them has it.
func newObjective(o *recipe.Objective, data *dataset.Snapshot, items []uint32) *objective {
	out := &objective{objectiveHead: objectiveHead{Attribute: o.Attribute}}
	out.values = out.of(data.ItemTable, items)
	var known []float64
	for _, x := range out.values {
		if x == x {
			known = append(known, float64(x))
		}
	}
	if len(known) == 0 {
		return nil
	}
	out.Mean, out.Spread = spread(known)
	return out
}

// spread gives mean and standard deviation of numbers of which those further than
// farMost from the mean count as lying there.
func spread(x []float64) (mean, deviation float64) {
	lo, hi, n := math.Inf(-1), math.Inf(1), float64(len(x))
	for range 10 {
		mean, deviation = 0, 0
		for _, v := range x {
			mean += min(hi, max(lo, v)) / n
		}
		for _, v := range x {
			d := min(hi, max(lo, v)) - mean
			deviation += d * d / n
		}
		deviation = math.Sqrt(deviation)
		lo, hi = max(lo, mean-farMost*deviation), min(hi, mean+farMost*deviation)
	}
	return mean, deviation
}

// of gives the attribute of some items; NaN: not known.
func (h *objectiveHead) of(t *dataset.Table, items []uint32) []float32 {
	out := make([]float32, len(items))
	for at, i := range items {
		out[at] = known(recipe.Objective{Attribute: h.Attribute}.Of(t, dataset.Index(i)))
	}
	return out
}

// value gives the attribute of a record; NaN: not known.
func (h *objectiveHead) value(s *dataset.Schema, row dataset.Row) float32 {
	return known(recipe.Objective{Attribute: h.Attribute}.Value(s, row))
}

// known gives x; NaN where it is not known.
func known(x float64, ok bool) float32 {
	if !ok {
		return float32(math.NaN())
	}
	return float32(x)
}

// far gives how far a value lies above the mean; 0 for one that is not known.
func (h *objectiveHead) far(value float32) float32 {
	if value != value || !(h.Spread > 0) {
		return 0
	}
	return float32(min(farMost, max(-farMost, (float64(value)-h.Mean)/h.Spread)))
}

// farAll gives how far all items lie above the mean.
func (o *objective) farAll() []float32 {
	out := make([]float32, len(o.values))
	for r, v := range o.values {
		out[r] = o.far(v)
	}
	return out
}

// settle makes base, for a model with that blend.
func (o *objective) settle(b *blend) {
	o.base = make([]float32, len(o.values))
	if b != nil && b.base != nil {
		copy(o.base, b.base)
	}
	kernel.Axpy(o.base, float32(o.Weight), o.farAll())
}

// span is as far as an objective moves two scores apart.
func (o *objective) span() float32 {
	if o == nil {
		return 0
	}
	return 2 * farMost * float32(o.Weight)
}

// standing gives what scores have before a question; nil: nothing.
func (m *Model) standing() []float32 {
	switch {
	case m.objective != nil:
		return m.objective.base
	case m.blend != nil:
		return m.blend.base
	}
	return nil
}

// favour makes shift: newcomers borrow what is added to others' scores, and of the
// objective they are to have their own part.
func (n *newcomers) favour(o *objective) {
	n.shift = make([]float32, len(n.items))
	for at := range n.items {
		near := float32(0)
		for _, r := range n.near[at*nearMost : (at+1)*nearMost] {
			near += o.far(o.values[r])
		}
		n.shift[at] = float32(o.Weight) * (o.far(n.worth[at]) - near/nearMost)
	}
}
