//go:build unix

package sequence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"usher/dataset"
	"usher/internal/seed"
	"usher/recipe"
)

// withoutLast takes every user's last event away.
func withoutLast(s *dataset.Snapshot) *dataset.Snapshot {
	return s.With(func(_ dataset.Index, e []dataset.Event) []dataset.Event { return e[:len(e)-1] })
}

// leaveOneOut asks for each user's last item; items the user had before are
// taken out by allow, ties do not arise.
func leaveOneOut(tb testing.TB, m recipe.Model, s *dataset.Snapshot) (hits, ndcg float64) {
	allow := dataset.NewSet(s.Items())
	var got []recipe.Scored
	for u := range s.UserIDs {
		h := s.History(dataset.Index(u))
		past, target := h[:len(h)-1], h[len(h)-1].Item
		allow.Fill(s.Items())
		for _, e := range past {
			allow.Remove(e.Item)
		}
		var err error
		got, err = m.Recommend(context.Background(), &recipe.Query{User: dataset.Index(u), History: past}, 10, allow, got)
		if err != nil {
			tb.Fatal(err)
		}
		for rank, x := range got {
			if x.Index == target {
				hits++
				ndcg += 1 / math.Log2(float64(rank)+2)
			}
		}
	}
	return hits / float64(s.Users()), ndcg / float64(s.Users())
}

func cpuSeconds() float64 {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return float64(r.Utime.Sec+r.Stime.Sec) + 1e-6*float64(r.Utime.Usec+r.Stime.Usec)
}

// BenchmarkMovieLens trains on ml-100k as a solution version does: once with
// the validation part, once on everything, and prints what the validation part
// says. The test items are asked only when USHER_TEST is set: they are not for
// tuning.
func BenchmarkMovieLens(b *testing.B) {
	all := movielens(b)
	data := withoutLast(all)
	for b.Loop() {
		in := recipe.Input{Data: data, Seed: seed.Seed(1), Workers: 2, Params: recipe.Params{"apply_recency_bias": "true"}}
		if os.Getenv("USHER_VERBOSE") != "" {
			in.Progress = func(done float64, note string) { fmt.Printf("%3.0f %% %s, %.1f CPU-s\n", 100*done, note, cpuSeconds()) }
		}
		t0, c0 := time.Now(), cpuSeconds()
		first := train(b, in)
		t1, c1 := time.Now(), cpuSeconds()
		v := first.Choices().Values
		fmt.Printf("choosing: %.1f s, %.1f CPU-s, validation HR@10 %.4f NDCG@10 %.4f, %v\n", t1.Sub(t0).Seconds(), c1-c0,
			v["validation_hit_rate_at_10"], v["validation_ndcg_at_10"], sortedValues(v))
		if os.Getenv("USHER_TEST") == "" {
			continue
		}
		in.Tuned = first.Choices()
		again := train(b, in)
		fmt.Printf("refit: %.1f s, %.1f CPU-s\n", time.Since(t1).Seconds(), cpuSeconds()-c1)
		for name, m := range map[string]*Model{"choosing": first, "refit": again} {
			h, n := leaveOneOut(b, m, all)
			fmt.Printf("test, %s: HR@10 %.4f NDCG@10 %.4f\n", name, h, n)
		}
	}
}

func sortedValues(v map[string]float64) (out []string) {
	for _, k := range slices.Sorted(maps.Keys(v)) {
		out = append(out, fmt.Sprintf("%s=%.4g", k, v[k]))
	}
	return out
}

// BenchmarkMovieLensStep is one step of training on ml-100k.
func BenchmarkMovieLensStep(b *testing.B) {
	c := newCorpus(movielens(b), nil)
	s := derive(c)
	f := newFit(c, s, nil, seed.Seed(1), recipe.Input{Workers: 2})
	tokens := 0
	for _, w := range f.steps.windows {
		tokens += w.to - w.from
	}
	c0 := cpuSeconds()
	i := 0
	for b.Loop() {
		if _, err := f.tr.Step(context.Background(), f.steps.step(i), 1e-3, seed.Seed(i)); err != nil {
			b.Fatal(err)
		}
		i++
	}
	cpu := 1000 * (cpuSeconds() - c0) / float64(i)
	b.ReportMetric(cpu, "cpu-ms/step")
	b.ReportMetric(cpu*float64(f.steps.perEpoch)/1000, "cpu-s/epoch")
	b.ReportMetric(float64(tokens), "tokens/epoch")
}

// BenchmarkMovieLensRecommend asks for 25 items with the longest history that
// fits; what the network has learnt does not matter to the time.
func BenchmarkMovieLensRecommend(b *testing.B) {
	data := movielens(b)
	c := newCorpus(data, nil)
	s := derive(c)
	f := newFit(c, s, nil, seed.Seed(1), recipe.Input{Workers: 1})
	m := newModel(f.net(), c.known, c.items, s.maskSeen, &recipe.Choices{})
	q := &recipe.Query{}
	for u := range data.UserIDs {
		if h := data.History(dataset.Index(u)); len(h) >= s.window {
			q.History = h[:s.window]
			break
		}
	}
	var dst []recipe.Scored
	for b.Loop() {
		var err error
		if dst, err = m.Recommend(context.Background(), q, 25, dataset.Set{}, dst); err != nil {
			b.Fatal(err)
		}
	}
}

// TestMovieLensBytes: on real data, with its sampled softmax and long windows,
// neither the number of workers nor an interruption changes a byte.
func TestMovieLensBytes(t *testing.T) {
	data := movielens(t)
	fit := func(workers int, c recipe.Checkpoint) ([]byte, error) {
		f := prepared(recipe.Input{Data: data, Seed: 3, Workers: workers})
		f.s.epochs, f.every, f.in.Checkpoint = 1, 50, c
		m, err := f.train(context.Background())
		if err != nil {
			return nil, err
		}
		return saved(t, m), nil
	}
	want, err := fit(1, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &memory{refuse: 2}
	if _, err := fit(2, c); !errors.Is(err, errKilled) {
		t.Fatalf("error %v, want that of the checkpoint", err)
	}
	c.refuse = 0
	for _, again := range []recipe.Checkpoint{nil, c} {
		got, err := fit(3, again)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(want, got) {
			t.Errorf("3 workers (killed before: %v) give other bytes than 1", again != nil)
		}
	}
}
