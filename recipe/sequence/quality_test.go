//go:build unix

package sequence

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"usher/dataset"
	"usher/eval"
	"usher/internal/seed"
	"usher/recipe"
)

func cpuSeconds() float64 {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return float64(r.Utime.Sec+r.Stime.Sec) + 1e-6*float64(r.Utime.Usec+r.Stime.Usec)
}

// benchmark is a public data set with its protocol: what to learn from, what to
// ask, how far down the list is looked, and whether items of the history count.
type benchmark struct {
	name  string
	load  func(testing.TB) (*dataset.Snapshot, []question)
	k     int
	mask  bool
	gain  func(k, rank int) float64
	label string
}

var benchmarks = []benchmark{
	{"ml-100k", leaveOneOut(movielens), 10, true, eval.GainAt, "HR@10 NDCG@10"},
	{"beauty", leaveOneOut(func(tb testing.TB) *dataset.Snapshot { return wholeLines(tb, "s3rec-amazon/Beauty.txt.gz") }),
		10, true, eval.GainAt, "HR@10 NDCG@10"},
	{"ml-1m", leaveOneOut(func(tb testing.TB) *dataset.Snapshot { return pairLines(tb, "ml-1m/ml-1m_sas.txt.gz") }),
		10, true, eval.GainAt, "HR@10 NDCG@10"},
	{"video", leaveOneOut(func(tb testing.TB) *dataset.Snapshot { return pairLines(tb, "sasrec-video/Video.txt.gz") }),
		10, true, eval.GainAt, "HR@10 NDCG@10"},
	{"diginetica", sessions, 20, false, func(k, rank int) float64 { return eval.HitAt(k, rank) / float64(max(1, rank)) }, "P@20 MRR@20"},
}

// leaveOneOut asks for each user's last item.
func leaveOneOut(load func(testing.TB) *dataset.Snapshot) func(testing.TB) (*dataset.Snapshot, []question) {
	return func(tb testing.TB) (*dataset.Snapshot, []question) {
		all := load(tb)
		var ask []question
		data := all.With(func(_ dataset.Index, e []dataset.Event) []dataset.Event {
			if len(e) < 2 {
				return e
			}
			ask = append(ask, question{e[:len(e)-1], e[len(e)-1].Item})
			return e[:len(e)-1]
		})
		return data, ask
	}
}

// measure asks a model all questions, cut at k; with mask what the user had
// before is filtered. It gives hits and gains with their 95 % intervals. Equal
// scores do not arise.
func (s *benchmark) measure(tb testing.TB, m recipe.Model, ask []question) (hits, gains eval.Interval) {
	allow := dataset.NewSet(m.Len())
	allow.Fill(m.Len())
	var got []recipe.Scored
	h, g := make([]float64, len(ask)), make([]float64, len(ask))
	for i, q := range ask {
		for _, e := range q.history {
			if s.mask {
				allow.Remove(e.Item)
			}
		}
		var err error
		got, err = m.Recommend(context.Background(), &recipe.Query{User: dataset.NoIndex, History: q.history}, s.k, allow, got)
		if err != nil {
			tb.Fatal(err)
		}
		rank := eval.Place(indexes(got), q.target)
		h[i], g[i] = eval.HitAt(s.k, rank), s.gain(s.k, rank)
		for _, e := range q.history {
			if int(e.Item) < m.Len() {
				allow.Add(e.Item)
			}
		}
	}
	return eval.Bootstrap(h, 1), eval.Bootstrap(g, 1)
}

// ablations are the model and its parts alone.
func ablations(m *Model) map[string]*Model {
	out := map[string]*Model{"all": m}
	if m.blend != nil {
		out["network alone"] = newModel(m.net, m.known, m.items, m.maskSeen, m.chosen)
		counters := newModel(m.net, m.known, m.items, m.maskSeen, m.chosen)
		b := *m.blend
		b.weights[netFeature] = 0
		counters.blend = &b
		out["counters alone"] = counters
	}
	return out
}

// BenchmarkQuality trains as a solution version does: once with the validation
// part, once on everything, and prints what the validation part says. The test
// parts are asked only when USHER_TEST is set: they are not for tuning.
// USHER_SEED is the seed, 1 by default.
func BenchmarkQuality(b *testing.B) {
	from, _ := strconv.Atoi(cmp.Or(os.Getenv("USHER_SEED"), "1"))
	for _, set := range benchmarks {
		b.Run(set.name, func(b *testing.B) {
			data, ask := set.load(b)
			for b.Loop() {
				set.run(b, data, ask, seed.Seed(from))
			}
		})
	}
}

func (s *benchmark) run(b *testing.B, data *dataset.Snapshot, ask []question, from seed.Seed) {
	in := recipe.Input{Data: data, Seed: from, Workers: 2, Params: recipe.Params{"apply_recency_bias": "true"}}
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
		return
	}
	in.Tuned = first.Choices()
	again := train(b, in)
	fmt.Printf("refit: %.1f s, %.1f CPU-s\n", time.Since(t1).Seconds(), cpuSeconds()-c1)
	for name, m := range ablations(again) {
		h, g := s.measure(b, m, ask)
		fmt.Printf("test, seed %d, %s, %s: %.4f [%.4f, %.4f] %.4f [%.4f, %.4f]\n", from, name, s.label,
			h.Mean, h.Low, h.High, g.Mean, g.Low, g.High)
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
	w := prior()
	for r := range rules {
		w[ruleFeature+r] = .1
	}
	m.blend = newBlend(w, counted(b, c, 1))
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
