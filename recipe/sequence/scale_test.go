//go:build unix

package sequence

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"usher/dataset"
	"usher/internal/seed"
	"usher/recipe"
)

// shop is made-up interactions in order of time: of its users few do much (the
// number of events falls with the square root of the rank), its items are had by
// Zipf's law, and half of the events follow the one before among neighbours.
func shop(events, users, items int) *dataset.Snapshot {
	r := seed.Seed(7).Branch("shop").Rand()
	data := snapshot(items, nil)
	data.Start = make([]int64, users+1)
	data.UserIDs = make([]string, users)
	for range events {
		u := r.Float64()
		data.Start[1+int(float64(users)*u*u)]++
	}
	for u := range users {
		data.Start[u+1] += data.Start[u]
	}
	data.Events = make([]dataset.Event, events)
	for u := range users {
		before := 0
		for i := data.Start[u]; i < data.Start[u+1]; i++ {
			item := int(math.Pow(float64(items), r.Float64())) - 1
			if r.IntN(2) == 0 {
				item = (before + 1 + r.IntN(8)) % items
			}
			data.Events[i] = dataset.Event{Item: dataset.Index(item), Time: 1_600_000_000 + i%30_000_000, Value: float32(math.NaN())}
			before = item
		}
	}
	return data
}

// scaleSteps is how many steps of a training are taken to see what all would cost.
const scaleSteps = 30

// BenchmarkScale is a solution version of large data: USHER_EVENTS made-up
// interactions, 20 million by default, by a hundredth as many users with 100,000
// items. It takes some steps of the network's training and counts with every rule,
// and prints what the whole would cost, choosing and refit, in CPU seconds, and
// the most memory that the process has had. With USHER_WHOLE it trains to the end.
func BenchmarkScale(b *testing.B) {
	events, _ := strconv.Atoi(cmp.Or(os.Getenv("USHER_EVENTS"), "20000000"))
	data := shop(events, events/100, 100_000)
	in := recipe.Input{Data: data, Seed: 1, Workers: runtime.GOMAXPROCS(0)}
	start := time.Now()
	say := func(format string, args ...any) {
		var r syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
		fmt.Printf("%5.0f s %6.0f CPU-s %5.2f GiB  %s\n", time.Since(start).Seconds(), cpuSeconds(), float64(r.Maxrss)/(1<<20), fmt.Sprintf(format, args...))
	}
	say("%d events, %d users, %d items", events, data.Users(), data.Items())
	for b.Loop() {
		if os.Getenv("USHER_WHOLE") != "" {
			wholeScale(b, in, say)
		} else {
			projectScale(b, in, say)
		}
	}
}

// shorten takes the shortcuts that 20 million events with 100,000 items take, in
// proportion (afford).
func (s *settings) shorten() {
	whole := settings{dim: 128, inner: 256, heads: 2, blocks: 2, window: 200, sample: 4427, planned: 6}
	cut := whole
	cut.afford(large(200_000, 100, 100_000))
	if s.dim > cut.dim {
		s.narrow()
	}
	s.sample = s.sample * cut.sample / whole.sample
	s.planned = s.planned * cut.planned / whole.planned
	s.epochs = s.planned
}

// BenchmarkShortcuts is what these shortcuts cost: it prints what the validation part
// says with them, and BenchmarkQuality with the same USHER_SEED what it says without.
func BenchmarkShortcuts(b *testing.B) {
	from, _ := strconv.Atoi(cmp.Or(os.Getenv("USHER_SEED"), "1"))
	for _, set := range benchmarks {
		b.Run(set.name, func(b *testing.B) {
			data, _ := set.load(b)
			in := recipe.Input{Data: data, Seed: seed.Seed(from), Workers: 2}
			for b.Loop() {
				m, err := shaped(in, (*settings).shorten).train(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				fmt.Printf("%s with shortcuts: %v\n", set.name, sortedValues(m.Choices().Values))
			}
		})
	}
}

// projectScale measures parts and says what the whole would cost.
func projectScale(b *testing.B, in recipe.Input, say func(string, ...any)) {
	c := newCorpus(in.Data, nil)
	s := derive(c)
	say("settings %+v", s)
	say("memory estimate %.2f GiB, work %.2g", s.memory(c, in.Workers)/(1<<30), s.work(c.events, len(c.items)))
	f := newFit(c, s, nil, seed.Seed(1), in)
	before := cpuSeconds()
	for i := range scaleSteps {
		if _, err := f.tr.Step(b.Context(), f.steps.step(i), 1e-3, seed.Seed(i)); err != nil {
			b.Fatal(err)
		}
	}
	step := (cpuSeconds() - before) / scaleSteps
	steps := f.steps.perEpoch * s.planned
	say("network: %d steps of %.0f CPU-ms", steps, 1000*step)
	f.state()
	before = cpuSeconds()
	want := [len(rules)]bool{}
	for r := range want {
		want[r] = true
	}
	if _, err := count(b.Context(), c, want, in.Workers); err != nil {
		b.Fatal(err)
	}
	counted := cpuSeconds() - before
	say("counters: %.0f CPU-s", counted)
	fit := float64(steps)*step + counted
	say("choosing and refit without measuring and weighing: %.0f CPU-s, %.0f minutes of two processors", 2*fit, fit/60)
}

// wholeScale trains as a solution version does.
func wholeScale(b *testing.B, in recipe.Input, say func(string, ...any)) {
	last := time.Now()
	in.Progress = func(done float64, note string) {
		if time.Since(last) > 20*time.Second || done == 0 {
			last = time.Now()
			say("%3.0f %% %s", 100*done, note)
		}
	}
	first := train(b, in)
	say("chosen: %v", sortedValues(first.Choices().Values))
	in.Tuned = first.Choices()
	train(b, in)
	say("fitted on everything")
}

// BenchmarkCatalogue is answers of 25 items by a network of so many items whose
// histories are encoded, and whose rankings are not kept: one at a time, and eight
// at once. It gives the time and the CPU time of each answer.
func BenchmarkCatalogue(b *testing.B) {
	for _, c := range []struct{ items, dim int }{{100_000, 64}, {100_000, 128}, {1_000_000, 128}} {
		m := catalogue(c.items, c.dim)
		for _, atOnce := range []int{1, 8} {
			b.Run(fmt.Sprintf("%d x %d, %d at once", c.items, c.dim, atOnce), func(b *testing.B) {
				answers := make([]answer, atOnce)
				for i := range answers {
					a := &answers[i]
					a.own.query = make([]float32, c.dim)
					m.encode(a, []dataset.Event{{Item: dataset.Index(i)}}, &a.own)
				}
				start := cpuSeconds()
				for b.Loop() {
					var wg sync.WaitGroup
					for i := range answers {
						m.scanner.expect(&answers[i].lookup)
					}
					for i := range answers {
						wg.Go(func() { m.best(&answers[i], &answers[i].own, nil, 25, dataset.Set{}) })
					}
					wg.Wait()
				}
				each := 1e6 / float64(b.N*atOnce)
				b.ReportMetric(each*b.Elapsed().Seconds(), "µs/answer")
				b.ReportMetric(each*(cpuSeconds()-start), "cpu-µs/answer")
			})
		}
	}
}

// BenchmarkRank puts 500 of 100,000 items into order for a history of 200 events,
// of which nothing is kept, in CPU time.
func BenchmarkRank(b *testing.B) {
	for _, dim := range []int{64, 128} {
		m := catalogue(100_000, dim)
		q := &recipe.Query{History: make([]dataset.Event, 200)}
		for i := range q.History {
			q.History[i] = dataset.Event{Item: dataset.Index(i * 491), Time: int64(i)}
		}
		list := make([]dataset.Index, 500)
		for i := range list {
			list[i] = dataset.Index(i * 199)
		}
		for _, kept := range []bool{false, true} {
			b.Run(fmt.Sprintf("%d, kept %v", dim, kept), func(b *testing.B) {
				if kept {
					m.Cache(1 << 20)
				}
				var dst []recipe.Scored
				start := cpuSeconds()
				for b.Loop() {
					dst, _ = m.Rank(b.Context(), q, list, dst)
				}
				b.ReportMetric(1e6*(cpuSeconds()-start)/float64(b.N), "cpu-µs/op")
			})
		}
	}
}
