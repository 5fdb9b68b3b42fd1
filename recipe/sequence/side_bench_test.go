package sequence

import (
	"context"
	"math/rand/v2"
	"testing"

	"usher/dataset"
	"usher/internal/seed"
	"usher/recipe"
)

// BenchmarkLearnSide counts a side's columns over a million events of random items.
func BenchmarkLearnSide(b *testing.B) {
	data := situated(100_000, 10, func(r *rand.Rand, _, _ int) int { return r.IntN(24) })
	root := seed.Seed(1)
	held := holdOut(data, nil, root)
	f := &fit{c: newCorpus(data, held), held: held, in: recipe.Input{Data: data, Workers: 1}}
	for k, name := range sideNames {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := f.learnSide(context.Background(), f.countSideItems(), k); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(data.Events)), "ns/event")
		})
	}
}

// BenchmarkRecommendWithSides asks by turns with and without context: what a question
// without costs is what it costs without sides.
func BenchmarkRecommendWithSides(b *testing.B) {
	data := moments(200)
	m := train(b, recipe.Input{Data: data, Seed: 4, Workers: 2})
	bare := m.Meet(nil, nil, nil).(*Model)
	bare.sides = nil
	device := map[string]string{"DEVICE": "device1"}
	for name, ask := range map[string]struct {
		model *Model
		given map[string]string
	}{"no sides": {bare, nil}, "no context": {m, nil}, "context": {m, device}} {
		b.Run(name, func(b *testing.B) {
			var dst []recipe.Scored
			q := &recipe.Query{User: dataset.NoIndex, History: data.History(1), Context: ask.given}
			for b.Loop() {
				var err error
				if dst, err = ask.model.Recommend(context.Background(), q, 10, dataset.Set{}, dst); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
