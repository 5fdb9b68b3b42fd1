package sequence

import (
	"fmt"
	"math"
	"slices"

	"usher/recipe/internal/nn"
)

// settings are all numbers that shape a fit. derive takes them from the data, by
// rules fitted to four public data sets of 0.1 to 1 million events.
type settings struct {
	dim, inner, heads, blocks, window int
	history                           int // newest events of a user that the network learns from; 0: all
	tau, drop                         float64
	sample                            int     // negatives; 0: all items
	lr                                float64 // highest learning rate
	matrixLR                          float64 // that of the blocks' matrices, moved by Muon; 0: they are moved as all others
	stepTokens                        int     // tokens of a step, about
	planned                           int     // epochs of the whole schedule
	epochs                            int     // epochs to do; chosen on validation
	maskSeen                          bool    // rank items of the history last
	gaps                              bool    // learn from the times between events
	recency                           bool
	weights                           weights // of the network and the counters beside it
	contentLambda, contentStrength    float64 // of metadata; lambda 0: they are not used
	coldBias                          float64 // of newcomers
	objectiveWeight                   float64 // of what answers bring besides relevance
}

// repeatsFew is the part of repeated items below which a repeat is an accident.
const repeatsFew = .01

// derive chooses by rules of thumb from the size and shape of the data.
func derive(c *corpus) settings {
	items, events := float64(len(c.items)), float64(c.events)
	perItem := events / items
	s := settings{dim: narrowDim, inner: 2 * narrowDim, heads: 2, blocks: 2, tau: 15, lr: 3e-3, weights: prior()}
	if events < 5000 { // too little to tell more directions apart
		s.dim, s.inner = 32, 64
	}
	if perItem >= 150 {
		s.tau = 20
	}
	s.maskSeen = c.repeats() < repeatsFew
	s.gaps = c.gapsDiffer()
	s.drop = .5 - .1*math.Log2(perItem/15)
	if !s.maskSeen { // repeats are easy to learn and hard to forget
		s.drop -= .2
	}
	s.drop = min(.5, max(.2, s.drop))
	s.window = windowFor(c)
	if n := 14 * math.Sqrt(items); items > 1000 && n < items/2 {
		s.sample = int(n)
	}
	s.planned = int(min(60, max(6, math.Round(20*math.Pow(events/1e5, -.3)))))
	s.epochs = s.planned
	s.stepTokens = int(min(4000, max(32, events/140)))
	if perItem >= 150 && events >= 500_000 {
		s.wide(events)
	}
	s.afford(c)
	return s
}

// wide are the settings of dense and large data: a wider network, and Muon. With Muon
// short steps and little dropout learn more of the same epochs (docs/quality.md).
func (s *settings) wide(events float64) {
	s.dim, s.inner, s.lr, s.matrixLR = 128, 256, 4e-3, .02
	s.drop = .12
	s.stepTokens = int(min(4000, events/500))
}

// narrowDim is the width of all other networks but those of very few events.
const narrowDim = 64

// narrow makes a wide network as narrow as others. It needs less dropout.
func (s *settings) narrow() {
	s.dim, s.inner, s.lr, s.drop = narrowDim, 2*narrowDim, 6e-3, .05
}

// windowFor covers 98 of 100 histories, up to 200 tokens.
func windowFor(c *corpus) int {
	lens := slices.Clone(c.count)
	slices.Sort(lens)
	return min(200, max(8, lens[len(lens)*98/100]+1))
}

// value is one setting as Choices show it.
type value struct {
	name  string
	value float64
}

func (s settings) values() []value {
	out := []value{
		{"dim", float64(s.dim)}, {"inner", float64(s.inner)}, {"heads", float64(s.heads)},
		{"blocks", float64(s.blocks)}, {"window", float64(s.window)}, {"history", float64(s.history)}, {"tau", s.tau}, {"dropout", s.drop},
		{"sample", float64(s.sample)}, {"learning_rate", s.lr}, {"matrix_learning_rate", s.matrixLR}, {"step_tokens", float64(s.stepTokens)},
		{"planned_epochs", float64(s.planned)}, {"epochs", float64(s.epochs)},
		{"mask_seen", flag(s.maskSeen)}, {"gaps", flag(s.gaps)}, {"recency", flag(s.recency)},
	}
	if s.contentLambda != 0 {
		out = append(out, value{"content_lambda", s.contentLambda}, value{"content_strength", s.contentStrength}, value{"cold_bias", s.coldBias})
	}
	if s.objectiveWeight != 0 {
		out = append(out, value{"objective_weight", s.objectiveWeight})
	}
	for k, w := range s.weights {
		if w != 0 {
			out = append(out, value{"weight_" + featureName(k), w})
		}
	}
	return out
}

// repeat takes over what an earlier fit chose. recency stays: it is the
// customer's to say.
func (s *settings) repeat(v map[string]float64) error {
	whole := func(name string, to *int) {
		if x, ok := v[name]; ok {
			*to = int(x)
		}
	}
	real := func(name string, to *float64) {
		if x, ok := v[name]; ok {
			*to = x
		}
	}
	whole("dim", &s.dim)
	whole("inner", &s.inner)
	whole("heads", &s.heads)
	whole("blocks", &s.blocks)
	whole("window", &s.window)
	whole("history", &s.history)
	whole("sample", &s.sample)
	whole("step_tokens", &s.stepTokens)
	whole("planned_epochs", &s.planned)
	whole("epochs", &s.epochs)
	real("tau", &s.tau)
	real("content_lambda", &s.contentLambda)
	real("content_strength", &s.contentStrength)
	real("cold_bias", &s.coldBias)
	real("objective_weight", &s.objectiveWeight)
	real("dropout", &s.drop)
	real("learning_rate", &s.lr)
	if _, ok := v["learning_rate"]; ok { // a fit from before Muon, or before times, had none
		s.matrixLR, s.gaps = v["matrix_learning_rate"], v["gaps"] != 0
	}
	if x, ok := v["mask_seen"]; ok {
		s.maskSeen = x != 0
	}
	if _, ok := v["weight_network"]; ok {
		for k := range s.weights {
			s.weights[k] = v["weight_"+featureName(k)]
			if math.IsNaN(s.weights[k]) || math.IsInf(s.weights[k], 0) {
				return fmt.Errorf("repeat choices: weight %v of %s is no number", s.weights[k], featureName(k))
			}
		}
	}
	switch {
	case s.planned < 1 || s.epochs < 0 || s.epochs > s.planned || s.stepTokens < 1 || s.sample < 0 || s.history < 0,
		!(s.drop >= 0 && s.drop < 1), !(s.lr > 0), !(s.matrixLR >= 0),
		!(s.contentLambda >= 0 && s.contentStrength >= 0 && math.Abs(s.coldBias) <= biasMost),
		!(s.objectiveWeight >= 0 && s.objectiveWeight <= stepWeight(weightSteps-1)):
		return fmt.Errorf("repeat choices: %v are out of range", v)
	}
	return s.shape(1).Check()
}

// shape is the network's shape for a number of items: one row more, for the
// start token.
func (s settings) shape(items int) nn.Shape {
	out := nn.Shape{Rows: items + 1, Dim: s.dim, Inner: s.inner, Heads: s.heads, Blocks: s.blocks,
		Window: s.window, Tau: float32(s.tau)}
	if s.gaps {
		out.Marks = gapMarks
	}
	return out
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func floatBits(x float64) uint64 { return math.Float64bits(x) }
