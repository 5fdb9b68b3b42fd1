//go:build unix

package sequence

import (
	"testing"

	"usher/dataset"
)

// BenchmarkObjective is what an objective adds to the CPU time of answers from 100,000
// items whose histories are encoded and whose rankings are not kept, with and without
// it by turns: of a network alone, whose answers are the cheapest.
func BenchmarkObjective(b *testing.B) {
	const items, dim = 100_000, 64
	plain, aimed := catalogue(items, dim), catalogue(items, dim)
	o := &objective{objectiveHead: objectiveHead{Attribute: "PRICE", Mean: 50, Spread: 29, Weight: .5}, values: make([]float32, items)}
	for r := range o.values {
		o.values[r] = float32(r % 100)
	}
	aimed.pursue(o)
	var spent [2]float64
	var answers [2]answer
	for which, m := range []*Model{plain, aimed} {
		a := &answers[which]
		a.own.query = make([]float32, dim)
		m.encode(a, []dataset.Event{{Item: 7}}, &a.own)
	}
	for b.Loop() {
		for which, m := range []*Model{plain, aimed} {
			from := cpuSeconds()
			m.best(&answers[which], &answers[which].own, nil, 25, dataset.Set{})
			spent[which] += cpuSeconds() - from
		}
	}
	b.ReportMetric(spent[1]/spent[0], "times")
}
