//go:build unix

package sequence

import "testing"

// BenchmarkSimilarUsers asks for what similar users had, in data as sparse as Beauty
// and in the densest for which this is tried.
func BenchmarkSimilarUsers(b *testing.B) {
	for _, c := range []struct {
		name                       string
		users, kinds, each, events int
	}{
		{"22000 users of 9 events, 12000 items", 22_000, 60, 200, 9},
		{"1000 users of 50 events, 1000 items", 1000, 5, 200, 50},
	} {
		b.Run(c.name, func(b *testing.B) {
			k := newUserKNN(newCorpus(snapshot(c.kinds*c.each, tastes(c.users, c.kinds, c.each, c.events)), nil))
			out := make([]float32, c.kinds*c.each)
			var q asked
			q.room(len(out))
			q.look(k.history(7))
			b.ReportMetric(float64(4*(len(k.users)+len(k.start)+len(k.items)+len(k.length)+len(k.rarity)+len(k.hadStart)+len(k.had)))/1e6, "MB")
			start := cpuSeconds()
			for b.Loop() {
				q.touched, q.many = q.touched[:0], false
				q.similar(k)
				q.evidence(1, out)
			}
			b.ReportMetric(1e6*(cpuSeconds()-start)/float64(b.N), "cpu-µs/op")
		})
	}
}
