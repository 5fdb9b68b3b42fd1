//go:build unix

package nn

import (
	"fmt"
	"testing"
)

// BenchmarkEncode is the query vector of a history of 200 events, of which nothing
// is kept, in CPU time.
func BenchmarkEncode(b *testing.B) {
	for _, d := range []int{64, 128} {
		n := New(Shape{Rows: 5001, Dim: d, Inner: 2 * d, Heads: 2, Blocks: 2, Window: 200, Tau: 15}, 1)
		run := func(b *testing.B) {
			tokens := make([]uint32, n.Window)
			for i := range tokens {
				tokens[i] = uint32(i*2477) % 5000
			}
			var e Encoder
			q := make([]float32, d)
			start := cpuSeconds()
			for b.Loop() {
				n.Encode(&e, tokens, q)
			}
			b.ReportMetric(1e6*(cpuSeconds()-start)/float64(b.N), "cpu-µs/op")
		}
		b.Run(fmt.Sprint(d), run)
		n.Project()
		b.Run(fmt.Sprintf("%d/projected", d), run)
	}
}
