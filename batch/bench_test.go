package batch

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"

	"usher/blob/blobtest"
	"usher/catalog"
	"usher/dataset"
	"usher/recipe"
	"usher/recipe/sequence"
	"usher/serving"
	"usher/store"
)

// BenchmarkInference answers lines of users with a model of 100,000 items and width
// 64 as training makes it for a shop: a network, left as it was drawn, and counters
// with the weights of Beauty (docs/quality.md). Divide a second by what a line costs.
func BenchmarkInference(b *testing.B) {
	for _, mean := range []int{10, 100} {
		b.Run(fmt.Sprintf("history=%d", mean), func(b *testing.B) {
			w := newWorld(b, 0)
			w.generated(mean)
			i := &inference{asks: w.serving, job: benchARN, results: 25, spec: sequence.Recipe{}.Spec()}
			l := newLines(catalog.BatchFiles{}, i.answer)
			l.Batch = w.batch
			questions := make([][]byte, blockLines)
			var next int
			b.ResetTimer()
			for left := b.N; left > 0; left -= blockLines {
				n := min(left, blockLines)
				for k := range n {
					questions[k] = fmt.Appendf(nil, `{"userId":"u%d"}`, next%benchUsers)
					next++
				}
				if failed, err := l.ask(b.Context(), questions[:n]); err != nil || failed > 0 {
					b.Fatal(failed, err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "users/s")
		})
	}
}

const (
	benchUsers = 20_000
	benchARN   = "arn:aws:personalize:us-east-1:000000000000:batch-inference-job/bench"
)

// generated fills the group with histories of a mean length over 100,000 items, of
// which few are had often, and lets a job "bench" be asked.
func (w *world) generated(mean int) {
	w.Helper()
	const items = 100_000
	rng := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(rng, 1.1, 50, items-1)
	var csv bytes.Buffer
	csv.WriteString(interactionsHead)
	for u := range benchUsers {
		for n := range mean/2 + rng.IntN(mean+1) {
			fmt.Fprintf(&csv, "u%d,i%d,%d,view,,,,\n", u, zipf.Uint64(), 1_700_000_000+1000*n)
		}
	}
	for i := range items { // each item has an event
		fmt.Fprintf(&csv, "all%d,i%d,1700000000,view,,,,\n", i/100, i)
	}
	w.Put("in/events.csv", csv.String())
	w.imported("a", dataset.Interactions, "s3://in/events.csv", "FULL")
	m, err := sequence.Recipe{}.Train(w.Context(), recipe.Input{Data: w.group["a"].Snapshot(), Seed: 1, Tuned: &recipe.Choices{Values: map[string]float64{
		"dim": 64, "inner": 128, "window": float64(2 * mean), "planned_epochs": 1, "epochs": 0, "mask_seen": 0,
		"weight_network": .46, "weight_rules_5": 1.33, "weight_neighbours": .23,
	}}})
	if err != nil {
		w.Fatal(err)
	}
	blobtest.Save(w, w.Blobs, "model", m.Save)
	w.Update(func(tx *store.Tx) error {
		return errors.Join(
			catalog.Create(tx, &catalog.SolutionVersion{Meta: catalog.Meta{ARN: "v", Group: "a", Status: catalog.Active}, Recipe: sequence.Name, Model: "model"}),
			catalog.Create(tx, &catalog.BatchInferenceJob{Meta: catalog.Meta{ARN: benchARN, Group: "a", Parent: "v", Status: catalog.Pending}}))
	})
	w.serving = serving.New(serving.Options{DB: w.DB, History: w.History, Blobs: w.Blobs, Recipes: []recipe.Recipe{sequence.Recipe{}}, Now: w.DB.Now,
		NewID: func() string { return "RID" }, Log: slog.New(slog.DiscardHandler)})
	w.Cleanup(func() { _ = w.serving.Close() })
	if _, err := w.serving.Recipe(w.Context(), benchARN); err != nil {
		w.Fatal(err)
	}
}
