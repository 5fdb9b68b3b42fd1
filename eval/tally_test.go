package eval

import (
	"maps"
	"math"
	"testing"

	"usher/dataset"
	"usher/internal/seed"
)

func TestTallyPrintsAWSMetrics(t *testing.T) {
	// Items 0…7: 0…5 have events, 6 has a record only, 7 has neither.
	events := make([][]dataset.Event, 1)
	for i := range 6 {
		events[0] = append(events[0], dataset.Event{Item: dataset.Index(i)})
	}
	d := dataset.NewSnapshot([]string{"u"}, make([]string, 8), []string{""}, events)
	d.ItemTable = dataset.NewTable(&dataset.Schema{})
	d.ItemTable.Set(6, dataset.Row{})
	y := NewTally(d)
	for _, v := range y.Metrics() {
		if v != 0 {
			t.Errorf("nobody was asked: %v", y.Metrics())
		}
	}
	y.Add(list{1, 2, 3, 4, 5}, list{2, 5})
	y.Add(list{6, 2, 7}, list{0}) // 7 is not of the catalogue
	r := y.Add(list{0, 2}, list{0})
	if r.ReciprocalRank != 1 {
		t.Errorf("Add gives %+v", r)
	}
	if y.Users() != 3 {
		t.Errorf("%d users", y.Users())
	}
	want := map[string]float64{
		"coverage":                   1,
		"mean_reciprocal_rank_at_25": .5,
		"normalized_discounted_cumulative_gain_at_5":  .5414,
		"normalized_discounted_cumulative_gain_at_10": .5414,
		"normalized_discounted_cumulative_gain_at_25": .5414,
		"precision_at_5":  .2,
		"precision_at_10": .1,
		"precision_at_25": .04,
	}
	if got := y.Metrics(); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestCoverageCountsTheFirst25(t *testing.T) {
	var all list
	events := make([][]dataset.Event, 1)
	for i := range 50 {
		all = append(all, dataset.Index(i))
		events[0] = append(events[0], dataset.Event{Item: dataset.Index(i)})
	}
	y := NewTally(dataset.NewSnapshot([]string{"u"}, make([]string, 50), []string{""}, events))
	y.Add(all, nil)
	if y.Coverage() != .5 {
		t.Errorf("coverage %v", y.Coverage())
	}
	y.Add(all[30:40], nil)
	if y.Coverage() != .7 {
		t.Errorf("coverage %v", y.Coverage())
	}
}

func TestBootstrap(t *testing.T) {
	if got := Bootstrap(nil, 1); got != (Interval{}) {
		t.Errorf("no values: %v", got)
	}
	if got := Bootstrap([]float64{2, 2, 2}, 1); got != (Interval{2, 2, 2}) {
		t.Errorf("equal values: %v", got)
	}
	// The interval of draws from a known distribution holds its mean 19 times of 20.
	const runs, n = 200, 60
	held := 0
	for run := range runs {
		r := seed.Seed(1).Branch("values", uint64(run)).Rand()
		values := make([]float64, n)
		for i := range values {
			values[i] = r.Float64()
		}
		x := Bootstrap(values, seed.Seed(run))
		if x.Low > .5 || x.High < .5 {
			continue
		}
		held++
		// The theory: width 2·1.96·σ/√n, σ = √(1/12).
		if w := x.High - x.Low; math.Abs(w/(2*1.96*math.Sqrt(1./12/n))-1) > .4 {
			t.Errorf("run %d: width %v", run, w)
		}
	}
	if held < 180 || held == runs {
		t.Errorf("the mean is inside %d times of %d", held, runs)
	}
	values := []float64{0, 0, 1, 0, 1, 1, 0, 0, .5}
	if a, b := Bootstrap(values, 3), Bootstrap(values, 3); a != b {
		t.Errorf("the same seed gives %v and %v", a, b)
	}
}
