//go:build unix

package sequence

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"runtime"
	"strconv"
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

// BenchmarkScale trains on made-up interactions as a solution version does, once
// to choose and once on everything: USHER_EVENTS of them, 20 million by default,
// by a hundredth as many users and 100,000 items. It prints what it is told, CPU
// seconds, and the most memory that the process has had.
func BenchmarkScale(b *testing.B) {
	events, _ := strconv.Atoi(cmp.Or(os.Getenv("USHER_EVENTS"), "20000000"))
	data := shop(events, events/100, 100_000)
	start := time.Now()
	say := func(format string, args ...any) {
		var r syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
		fmt.Printf("%5.0f s %6.0f CPU-s %5.2f GiB  %s\n", time.Since(start).Seconds(), cpuSeconds(), float64(r.Maxrss)/(1<<20), fmt.Sprintf(format, args...))
	}
	say("%d events, %d users, %d items", events, data.Users(), data.Items())
	last := time.Now()
	in := recipe.Input{Data: data, Seed: 1, Workers: runtime.GOMAXPROCS(0)}
	in.Progress = func(done float64, note string) {
		if time.Since(last) > 20*time.Second || done == 0 {
			last = time.Now()
			say("%3.0f %% %s", 100*done, note)
		}
	}
	if n, err := strconv.Atoi(os.Getenv("USHER_EPOCHS")); err == nil { // a part of the training, to see what all would take
		values := map[string]float64{"epochs": float64(n), "weight_network": 1}
		for r := range rules {
			values["weight_"+rules[r].name] = .1
		}
		in.Tuned = &recipe.Choices{Values: values}
		c := newCorpus(data, nil)
		s := derive(c)
		say("settings %+v, memory estimate %.2f GiB, work %.2g", s, s.memory(c, in.Workers)/(1<<30), s.work(c.events, len(c.items)))
		train(b, in)
		say("%d epochs done", n)
		return
	}
	for b.Loop() {
		first := train(b, in)
		say("chosen: %v", sortedValues(first.Choices().Values))
		in.Tuned = first.Choices()
		train(b, in)
		say("fitted on everything")
	}
}
