package sequence

import (
	"bytes"
	"context"
	"math"
	"testing"

	"usher/dataset"
	"usher/internal/seed"
	"usher/recipe"
)

func recipeInput(data *dataset.Snapshot) recipe.Input {
	return recipe.Input{Data: data, Seed: 9, Workers: 2}
}

func query(h ...int) *recipe.Query {
	return &recipe.Query{User: dataset.NoIndex, History: events(h...)}
}

// choicesBy makes questions with random features whose answers are drawn by the
// softmax of true weights.
func choicesBy(w weights, n int, from seed.Seed) []example {
	r := from.Rand()
	out := make([]example, n)
	for i := range out {
		e := &out[i]
		e.user, e.weight = dataset.Index(i), 1
		for range 30 * featureCount {
			e.feature = append(e.feature, float32(r.NormFloat64()))
		}
		p, u := e.probabilities(nil, w), r.Float64()
		for j, x := range p {
			if u -= x; u < 0 {
				e.target = j
				break
			}
		}
	}
	return out
}

func mayAll() (may [featureCount]bool) {
	for k := range may {
		may[k] = true
	}
	return may
}

func TestWeighFindsTheWeights(t *testing.T) {
	var truth weights
	truth[netFeature], truth[ruleFeature+1], truth[ruleFeature+5], truth[popular] = .7, .5, 1.1, -.4
	truth[ruleFeature+2] = -.5 // a rule may not count against an item
	got, err := weigh(choicesBy(truth, 4000, 1), mayAll())
	if err != nil {
		t.Fatal(err)
	}
	truth[ruleFeature+2] = 0
	for k, x := range truth {
		if d := math.Abs(got[k] - x); d > .12 {
			t.Errorf("%s weighs %.3f, true is %.3f", featureName(k), got[k], x)
		}
	}
	only := [featureCount]bool{netFeature: true, popular: true}
	got, err = weigh(choicesBy(truth, 500, 1), only)
	if err != nil || got[ruleFeature+1] != 0 || got[ruleFeature+5] != 0 {
		t.Errorf("features that may not be used weigh %v (%v)", got, err)
	}
}

// Without evidence the network stays alone.
func TestNoiseIsNotBlended(t *testing.T) {
	var w weights
	w[netFeature] = 1
	f := prepared(recipeInput(snapshot(20, chain(20, 60, 30, 2))))
	b := newBlend(prior(), counted(t, f.c, 1))
	kept := 0
	for s := range seed.Seed(6) {
		if f.choose(choicesBy(w, 300, s), b) {
			kept++
		}
	}
	if kept > 3 {
		t.Errorf("noise is blended %d times of 6", kept)
	}
	if f.choose(choicesBy(w, examplesLeast-1, 1), b) {
		t.Error("weights are fitted on next to nothing")
	}
}

// Ties rank against the item looked for, and one that is no candidate is not found.
func TestBlendIsMeasuredPessimistically(t *testing.T) {
	e := example{feature: make([]float32, 20*featureCount), target: 3, weight: 1}
	if m := measureBlend([]example{e}, prior()); m.hits != 0 {
		t.Errorf("20 ties give %v", m)
	}
	e.row(3)[netFeature] = 1
	if m := measureBlend([]example{e, {target: -1}}, prior()); m.hits != 1 || m.ndcg != 1 {
		t.Errorf("first of 20 gives %v", m)
	}
}

// pairsOfNoise makes histories in which items follow one another in fixed pairs:
// quickly counted, slowly learnt by a network.
func pairsOfNoise(users int) [][]int {
	out := make([][]int, users)
	for u := range out {
		r := seed.Seed(8).Branch("user", uint64(u)).Rand()
		for range 5 {
			a := r.IntN(300)
			out[u] = append(out[u], 2*a, 2*a+1)
		}
	}
	return out
}

// short trains four epochs.
func short(t *testing.T, in recipe.Input) *Model {
	t.Helper()
	m, err := planned(in, 4).train(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Where counters know more than the network they are blended in, the answers
// are better for it, a refit repeats the weights, and neither workers nor a
// kill change a byte.
func TestCountersHelp(t *testing.T) {
	data := snapshot(600, pairsOfNoise(300))
	in := recipeInput(data)
	in.Workers = 1
	m := short(t, in)
	if m.blend == nil {
		t.Fatalf("nothing is blended: %v", m.Choices().Notes)
	}
	v := m.Choices().Values
	if v["validation_ndcg_at_10"] <= v["network_ndcg_at_10"] {
		t.Errorf("blended %v, network %v", v["validation_ndcg_at_10"], v["network_ndcg_at_10"])
	}
	in.Workers = 3
	if !bytes.Equal(saved(t, m), saved(t, short(t, in))) {
		t.Error("3 workers give other bytes than 1")
	}
	in.Tuned = m.Choices()
	again := train(t, in)
	if again.blend == nil || again.blend.weights != m.blend.weights {
		t.Errorf("refit: %+v, want the weights %v", again.blend, m.blend.weights)
	}
	if again.blend.events[again.row(1)] < m.blend.events[m.row(1)] {
		t.Error("the refit counts less than the fit")
	}
	got, err := again.Recommend(context.Background(), query(8, 9, 50), 1, dataset.Set{}, nil)
	if err != nil || got[0].Index != 51 {
		t.Errorf("after 50: %v (%v), want 51", got, err)
	}
	loaded, err := load(saved(t, again))
	if err != nil || loaded.blend == nil {
		t.Errorf("loaded: %v", err)
	}
}

func TestTunedWeightsAreChecked(t *testing.T) {
	in := recipeInput(snapshot(3, [][]int{{0, 1}, {1, 2}}))
	in.Tuned = &recipe.Choices{Values: map[string]float64{"weight_network": 1, "weight_markov": math.NaN()}}
	if _, err := (Recipe{}).Train(context.Background(), in); err == nil {
		t.Error("a weight that is no number is taken")
	}
}

// The ridge is for catalogues of some size, and everything has more items than the data
// by which weights were chosen: a refit that has too many leaves its weight out, and can
// be loaded.
func TestRefitWithMoreItemsThanARidgeTakes(t *testing.T) {
	const users = 80
	items := ridgeRefitMost + 1
	histories := make([][]int, users)
	for i := range items {
		histories[i%users] = append(histories[i%users], i)
	}
	in := recipeInput(snapshot(items, histories))
	in.Tuned = &recipe.Choices{Values: map[string]float64{"weight_network": 1, "weight_ridge": .3, "weight_markov": .5, "dim": 8, "inner": 8, "blocks": 1, "heads": 1, "window": 8, "epochs": 1, "planned_epochs": 1}}
	m := train(t, in)
	loaded, err := load(saved(t, m))
	if err != nil {
		t.Fatalf("the model that was written: %v", err)
	}
	w := loaded.blend.weights
	if w[ruleFeature+ridgeRule] != 0 || w[ruleFeature+3] != .5 {
		t.Errorf("the weights are %v", w)
	}
}
