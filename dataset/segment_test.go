package dataset

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
)

// loggedOf gives records of all kinds of changes.
func loggedOf(t testing.TB, n int) (recs []Logged) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		c := Change{Interaction: &Interaction{User: fmt.Sprint("u", r.IntN(50)), Session: fmt.Sprint("s", r.IntN(50)), Item: fmt.Sprint("i", r.IntN(99)), Type: "view", Time: int64(1000 + r.IntN(99))}}
		x := Logged{Offset: uint64(10 + 3*i), Time: int64(i), ID: fmt.Sprint("e", i)}
		switch i % 5 {
		case 0:
			c.Interaction.EventID = x.ID
		case 1:
			v := r.Float64()
			c.Interaction.EventID, c.Interaction.Value, x.ID = "other", &v, ""
		case 2:
			c.Interaction.User, c.Interaction.Impression, c.Interaction.RecommendationID = "", []string{"a", "", "b"}, "rid"
		case 3:
			c.Interaction.Properties = Row{{}, {Kind: String, Str: "x"}, {Kind: Double, Num: 1.5}}
		case 4:
			c = Change{Item: &Entity{ID: "i", Row: Row{{Kind: String, Str: "i"}, {Kind: Long, Num: 3, Int: 3}}}}
		}
		var err error
		if x.Data, err = c.Append(nil); err != nil {
			t.Fatal(err)
		}
		recs = append(recs, x)
	}
	return recs
}

func segmentFile(t testing.TB, recs []Logged) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteSegment(&b, recs); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func readLogged(b []byte) (recs []Logged, err error) {
	for x, err := range ReadSegment(bytes.NewReader(b), int64(len(b))) {
		if err != nil {
			return recs, err
		}
		recs = append(recs, x)
	}
	return recs, nil
}

func TestSegmentsComeBack(t *testing.T) {
	for _, n := range []int{0, 1, 7, 3000} {
		want := loggedOf(t, n)
		b := segmentFile(t, want)
		got, err := readLogged(b)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%d records came back as %d, %v", n, len(got), err)
		}
		if !bytes.Equal(segmentFile(t, got), b) {
			t.Errorf("%d records: other bytes the second time", n)
		}
	}
}

// TestSegmentsOfAllSorts: columns may be null everywhere, nowhere, or from some row
// on.
func TestSegmentsOfAllSorts(t *testing.T) {
	all := loggedOf(t, 3000)
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 8))
		var recs []Logged
		for len(recs) < 1500 && r.IntN(40) > 0 { // stretches of one kind, as in life
			kind := r.IntN(5)
			for range 1 + r.IntN(400) {
				x := all[5*r.IntN(600)+kind]
				x.Offset = uint64(len(recs) + 1)
				recs = append(recs, x)
			}
		}
		got, err := readLogged(segmentFile(t, recs))
		if err != nil || !reflect.DeepEqual(got, recs) {
			t.Fatalf("seed %d: %d records came back as %d, %v", seed, len(recs), len(got), err)
		}
	}
}

func TestSegmentsStop(t *testing.T) {
	b := segmentFile(t, loggedOf(t, 10))
	n := 0
	for range ReadSegment(bytes.NewReader(b), int64(len(b))) {
		if n++; n == 3 {
			break
		}
	}
	defer func() {
		if recover() != "mine" {
			t.Error("a reader's panic was taken for damage")
		}
	}()
	for range ReadSegment(bytes.NewReader(b), int64(len(b))) {
		panic("mine")
	}
}

// TestSegmentDamage flips bits: what is read is right or an error comes.
func TestSegmentDamage(t *testing.T) {
	want := loggedOf(t, 300)
	whole := segmentFile(t, want)
	found := 0
	for at := 0; at < len(whole); at += 1 + len(whole)/700 {
		b := bytes.Clone(whole)
		b[at] ^= 1 << (at % 8)
		got, err := readLogged(b)
		switch {
		case err != nil:
			found++
		case !reflect.DeepEqual(got, want):
			t.Fatalf("byte %d: %d other records without an error", at, len(got))
		}
	}
	if found < 300 {
		t.Errorf("only %d damages were found", found)
	}
}

func FuzzReadSegment(f *testing.F) {
	f.Add(segmentFile(f, loggedOf(f, 20)))
	f.Add([]byte("PAR1"))
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = readLogged(b) })
}

func BenchmarkSegment(b *testing.B) {
	recs := loggedOf(b, 100_000)
	file := segmentFile(b, recs)
	b.Run("Write", func(b *testing.B) {
		for b.Loop() {
			segmentFile(b, recs)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1e5, "ns/record")
		b.ReportMetric(float64(len(file))/1e5, "bytes/record")
	})
	b.Run("Read", func(b *testing.B) {
		for b.Loop() {
			if got, err := readLogged(file); err != nil || len(got) != len(recs) {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1e5, "ns/record")
	})
}
