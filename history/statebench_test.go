package history

import (
	"bytes"
	"fmt"
	"testing"

	"usher/dataset"
)

// BenchmarkReadState is what a start with 20 million interactions of 200,000 users
// takes most of its time for.
func BenchmarkReadState(b *testing.B) {
	const users, each = 200_000, 100
	k := newPacker(users, users*each)
	list := make([]event, each)
	s := &state{past: &interactions{}, types: []string{"view"}, tables: map[dataset.Type]*records{dataset.Items: newRecords(), dataset.Users: newRecords()}}
	for i := range 100_000 {
		s.items = append(s.items, fmt.Sprintf("item-%d", i))
	}
	for u := range users {
		s.users = append(s.users, fmt.Sprintf("user-%d", u))
		for i := range list {
			list[i] = event{Event: dataset.Event{Time: int64(1_700_000_000 + i), Item: dataset.Index((u*31 + i*977) % 100_000), Value: float32(i)}}
		}
		k.add(list)
	}
	s.past.bulk = k.out
	var file bytes.Buffer
	if err := s.write(&file); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := readState(bytes.NewReader(file.Bytes()), int64(file.Len())); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(file.Len())/users/each, "bytes/event")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/users/each, "ns/event")
}
