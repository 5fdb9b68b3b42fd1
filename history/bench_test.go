package history

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"usher/dataset"
	"usher/eventlog"
)

// benchEvents is how many events the benchmarks apply at once.
const benchEvents = 1_000_000

// skewed draws small numbers more often, as popular items are.
func skewed(r *rand.Rand, n int) int { return int(float64(n) * r.Float64() * r.Float64()) }

// benchLog is the records of live events of 100,000 users with 20,000 items, in
// order of time but for one in ten, which comes late.
func benchLog(b *testing.B) []eventlog.Record {
	r := rand.New(rand.NewPCG(1, 1))
	recs := make([]eventlog.Record, benchEvents)
	for i := range recs {
		at := int64(i)
		if r.IntN(10) == 0 {
			at -= r.Int64N(100_000)
		}
		data, err := (&dataset.Change{Interaction: &dataset.Interaction{EventID: fmt.Sprintf("event-%d", i), User: fmt.Sprintf("user-%d", r.IntN(100_000)),
			Session: fmt.Sprintf("session-%d", i/20), Item: fmt.Sprintf("item-%d", skewed(r, 20_000)), Type: "watch", Time: at}}).Append(nil)
		if err != nil {
			b.Fatal(err)
		}
		recs[i] = eventlog.Record{Offset: eventlog.Offset(i + 1), Data: data}
	}
	return recs
}

func perEvent(b *testing.B) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchEvents, "ns/event")
}

// Applying a log, as every start does; Parse is the part that reading it takes.
func BenchmarkApplyLive(b *testing.B) {
	recs := benchLog(b)
	b.Run("Apply", func(b *testing.B) {
		for b.Loop() {
			g := newGroup(nil, nil)
			for _, rec := range recs {
				if err := g.apply(b.Context(), rec); err != nil {
					b.Fatal(err)
				}
			}
		}
		perEvent(b)
	})
	b.Run("Parse", func(b *testing.B) {
		for b.Loop() {
			for _, rec := range recs {
				if _, err := dataset.ParseChange(rec.Data); err != nil {
					b.Fatal(err)
				}
			}
		}
		perEvent(b)
	})
}

// Applying a part of a million rows to an empty group, and to one that has them
// already and replaces them; Locked is what requests wait for.
func BenchmarkApplyPart(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	p := &dataset.Part{Type: dataset.Interactions, Rows: benchEvents, EventTypes: []string{"watch"}}
	for u := range 100_000 {
		p.UserIDs = append(p.UserIDs, fmt.Sprintf("user-%d", u))
	}
	for i := range 20_000 {
		p.ItemIDs = append(p.ItemIDs, fmt.Sprintf("item-%d", i))
	}
	for i := range benchEvents {
		p.Users = append(p.Users, dataset.Index(r.IntN(len(p.UserIDs))))
		p.Items = append(p.Items, dataset.Index(skewed(r, len(p.ItemIDs))))
		p.Types = append(p.Types, 0)
		p.Times = append(p.Times, int64(i))
	}
	prepare := func(g *Group) func() {
		n := &numbering{newOverlay(g.mu.users), newOverlay(g.mu.items), newOverlay(g.mu.types)}
		change := g.events(p, nil, n, true)
		return func() {
			g.commit(dataset.Interactions, n, p)
			change()
		}
	}
	b.Run("First", func(b *testing.B) {
		for b.Loop() {
			prepare(newGroup(nil, nil))()
		}
		perEvent(b)
	})
	full := newGroup(nil, nil)
	prepare(full)()
	b.Run("Again", func(b *testing.B) {
		for b.Loop() {
			prepare(full)()
		}
		perEvent(b)
	})
	b.Run("Locked", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			change := prepare(newGroup(nil, nil))
			b.StartTimer()
			change()
		}
		perEvent(b)
	})
}

// Forgetting items of a group with a million put events: one that has events, which
// copies them all, and one that has none.
func BenchmarkForgetItems(b *testing.B) {
	g := newGroup(nil, nil)
	for _, rec := range benchLog(b) {
		if err := g.apply(b.Context(), rec); err != nil {
			b.Fatal(err)
		}
	}
	for name, id := range map[string]string{"Popular": "item-0", "Unknown": "nothing"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				g.withoutItems([]string{id}) // prepared beside requests, not carried out
			}
			perEvent(b)
		})
	}
}
