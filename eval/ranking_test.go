package eval

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"usher/dataset"
)

type list = []dataset.Index

func near(a, b float64) bool { return math.Abs(a-b) < 1e-12 }

// The worked example of AWS's guide: hits at ranks 2 and 5.
func TestMeasureWorkedExample(t *testing.T) {
	r := Measure(list{1, 2, 3, 4, 5}, list{5, 2})
	if r.ReciprocalRank != .5 || round(r.NDCG[0]) != .6241 || round(r.IdealNDCG[0]) != .6241 || r.Precision[0] != .4 {
		t.Errorf("got %+v", r)
	}
}

// The two ideals differ when not everything is found: hits at 2 and 5 of four.
func TestMeasureFoundAndTextbookIdeal(t *testing.T) {
	r := Measure(list{1, 2, 3, 4, 5, 6}, list{5, 8, 9, 2})
	if round(r.NDCG[0]) != .6241 || round(r.IdealNDCG[0]) != .3973 { // 1.01781/2.56161
		t.Errorf("got %+v", r)
	}
}

func TestMeasure(t *testing.T) {
	far := make(list, 40) // a hit at each of these ranks only
	for i := range far {
		far[i] = dataset.Index(100 + i)
	}
	for _, c := range []struct {
		name              string
		list, truth       list
		rr, ndcg25, prec5 float64
	}{
		{"nothing recommended", nil, list{1}, 0, 0, 0},
		{"nothing true", list{1, 2}, nil, 0, 0, 0},
		{"nothing found", list{1, 2}, list{3}, 0, 0, 0},
		{"first", list{3, 1}, list{3}, 1, 1, .2},
		{"short list of hits", list{3, 1}, list{1, 3, 7}, 1, 1, .4},
		{"rank 25 counts", far, list{124}, 1. / 25, 1 / math.Log2(26), 0},
		{"rank 26 does not", far, list{125}, 0, 0, 0},
		{"an item twice counts once", list{3, 3, 3}, list{3}, 1, 1, .2},
		{"a true item twice too", list{1, 3}, list{3, 3}, .5, 1 / math.Log2(3), .2},
	} {
		r := Measure(c.list, c.truth)
		if !near(r.ReciprocalRank, c.rr) || !near(r.NDCG[2], c.ndcg25) || !near(r.Precision[0], c.prec5) {
			t.Errorf("%s: got %+v", c.name, r)
		}
	}
}

// plain computes the same from the definitions, one cutoff at a time.
func plain(l, truth list, k int) (ndcg, ideal, precision float64) {
	var gain, found, best float64
	hits, relevant := 0, map[dataset.Index]bool{}
	for _, x := range truth {
		relevant[x] = true
	}
	for n := range min(k, len(relevant)) {
		best += 1 / math.Log2(2+float64(n))
	}
	for i, x := range l {
		if i < k && relevant[x] {
			gain += 1 / math.Log2(2+float64(i))
			found += 1 / math.Log2(2+float64(hits))
			hits++
		}
	}
	if hits == 0 {
		return 0, 0, 0
	}
	return gain / found, gain / best, float64(hits) / float64(k)
}

func TestMeasureEqualsDefinitions(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		var l, truth list
		for _, x := range r.Perm(60)[:r.IntN(40)] {
			l = append(l, dataset.Index(x))
		}
		for _, x := range r.Perm(60)[:r.IntN(12)] {
			truth = append(truth, dataset.Index(x))
		}
		got := Measure(l, truth)
		first := 0.
		if at := slices.IndexFunc(l, func(x dataset.Index) bool { return slices.Contains(truth, x) }); at >= 0 && at < 25 {
			first = 1 / float64(at+1)
		}
		if !near(got.ReciprocalRank, first) {
			t.Fatalf("%v of %v: reciprocal rank %v, want %v", l, truth, got.ReciprocalRank, first)
		}
		for c, k := range Cutoffs() {
			a, b, p := plain(l, truth, k)
			if !near(got.NDCG[c], a) || !near(got.IdealNDCG[c], b) || !near(got.Precision[c], p) {
				t.Fatalf("%v of %v at %d: got %+v, want %v %v %v", l, truth, k, got, a, b, p)
			}
		}
	}
}

func TestPlaces(t *testing.T) {
	if got := Place(list{4, 5, 6}, 5); got != 2 {
		t.Errorf("Place = %d", got)
	}
	if got := Place(list{4, 5, 6}, 9); got != 0 {
		t.Errorf("Place of a missing item = %d", got)
	}
	nan := float32(math.NaN())
	for _, c := range []struct {
		name   string
		scores []float32
		skip   func(dataset.Index) bool
		want   int
	}{
		{"best", []float32{1, 3, 2}, nil, 1},
		{"second", []float32{1, 3, 5}, nil, 2},
		{"all tie", []float32{3, 3, 3, 3}, nil, 4},
		{"skipped ones do not count", []float32{9, 3, 3, 3}, func(i dataset.Index) bool { return i == 0 || i == 2 }, 2},
		{"the target is never skipped", []float32{9, 3}, func(dataset.Index) bool { return true }, 1},
		{"not a number beats", []float32{nan, 3, 1}, nil, 2},
		{"a target that is none is last", []float32{1, nan, 1}, nil, 3},
	} {
		if got := PessimisticPlace(c.scores, 1, c.skip); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	for _, c := range []struct {
		k, rank   int
		hit, gain float64
	}{{10, 1, 1, 1}, {10, 3, 1, .5}, {10, 11, 0, 0}, {10, 0, 0, 0}} {
		if h, g := HitAt(c.k, c.rank), GainAt(c.k, c.rank); h != c.hit || g != c.gain {
			t.Errorf("rank %d at %d: hit %v, gain %v", c.rank, c.k, h, g)
		}
	}
}

func TestWeightedNDCG(t *testing.T) {
	gain := map[dataset.Index]float64{3: 1, 5: .5, 7: 0}
	if got := WeightedNDCG(list{3, 1, 5}, gain); math.Abs(got[0]-(1+.25)/(1+.5/math.Log2(3))) > 1e-12 || got[1] != got[0] {
		t.Errorf("in the best order: %v", got)
	}
	if a, b := WeightedNDCG(list{3, 5}, gain)[0], WeightedNDCG(list{5, 3, 3}, gain)[0]; a != 1 || !(b < 1) || b <= 0 {
		t.Errorf("the heavier first %v, the lighter first %v", a, b)
	}
	if got := WeightedNDCG(list{7, 9}, gain); got != [3]float64{} {
		t.Errorf("nothing found: %v", got)
	}
}
