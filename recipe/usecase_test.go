package recipe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"usher/dataset"
)

// askedFor is an algorithm that says what it was trained with.
type askedFor struct{ name string }

func (a askedFor) Spec() Spec { s, _ := SpecOf(a.name); return s }
func (a askedFor) Train(_ context.Context, in Input) (Model, error) {
	return nil, fmt.Errorf("%v", in.Params)
}
func (a askedFor) Load(io.ReaderAt, int64) (Model, error) { return nil, errors.New("loaded") }

// measuring has a measure of its own.
type measuring struct{ askedFor }

func (m measuring) Measure(_ context.Context, in Input) (map[string]float64, error) {
	return map[string]float64{"parameters": float64(len(in.Params))}, nil
}

func TestAs(t *testing.T) {
	r := As("aws-vod-more-like-x", askedFor{"aws-sims"}, Params{"popularity_discount_factor": "0.25"})
	if s := r.Spec(); s.Name != "aws-vod-more-like-x" || s.Domain != "VIDEO_ON_DEMAND" || s.Excludes != "Watch" {
		t.Errorf("spec %+v", s)
	}
	want := Defaults(slices.Concat(askedFor{"aws-sims"}.Spec().Algo, askedFor{"aws-sims"}.Spec().Feature))
	want["popularity_discount_factor"] = "0.25"
	_, err := r.Train(context.Background(), Input{Params: Params{"what": "the use case has"}})
	if err == nil || err.Error() != fmt.Sprint(want) {
		t.Errorf("trained with %v, want %v", err, want)
	}
	if _, err := r.Load(nil, 0); err == nil || err.Error() != "loaded" {
		t.Error(err)
	}
	if _, ok := r.(Measurer); ok {
		t.Error("it measures, and the algorithm does not")
	}
	m, ok := As("aws-vod-trending-now", measuring{askedFor{"aws-trending-now"}}, nil).(Measurer)
	if !ok {
		t.Fatal("it does not measure, and the algorithm does")
	}
	if got, err := m.Measure(context.Background(), Input{}); err != nil || got["parameters"] != 1 {
		t.Error(got, err)
	}
}

func TestExcluded(t *testing.T) {
	s, _ := SpecOf("aws-vod-top-picks")
	types := []string{"", "watch", "Click", "WATCH"}
	var history []dataset.Event
	for i := range 250 { // the older half: one spelling, then the other; clicks between
		history = append(history, dataset.Event{Item: dataset.Index(i), Type: uint16(1 + 2*(i/125))}, dataset.Event{Item: dataset.Index(1000 + i), Type: uint16(2 * (i % 2))})
	}
	got := map[dataset.Index]bool{}
	s.Excluded(history, types, func(i dataset.Index) { got[i] = true })
	for i := range dataset.Index(250) {
		want := i%125 >= 25 // the newest hundred of each type
		if got[i] != want {
			t.Errorf("item %d: %v, want %v", i, got[i], want)
		}
	}
	if len(got) != 200 {
		t.Errorf("%d items: clicks are not watched", len(got))
	}
	other, _ := SpecOf("aws-vod-most-popular")
	other.Excluded(history, types, func(dataset.Index) { t.Fatal("most popular leaves nothing out") })
	s.Excluded(history, types[:1], func(dataset.Index) { t.Fatal("nobody has watched anything") })
}

// The required events and automatic filters of the use cases, a line each
// (https://docs.aws.amazon.com/personalize/latest/dg/domain-use-cases.html).
func TestUseCases(t *testing.T) {
	want := map[string][2]string{
		"aws-ecomm-customers-who-viewed-x-also-viewed": {"View", "Purchase"},
		"aws-ecomm-frequently-bought-together":         {"Purchase", ""},
		"aws-ecomm-popular-items-by-purchases":         {"Purchase", ""},
		"aws-ecomm-popular-items-by-views":             {"View", ""},
		"aws-ecomm-recommended-for-you":                {"", "Purchase"},
		"aws-vod-because-you-watched-x":                {"Watch", "Watch"},
		"aws-vod-more-like-x":                          {"", "Watch"},
		"aws-vod-most-popular":                         {"Watch", ""},
		"aws-vod-top-picks":                            {"", "Watch"},
		"aws-vod-trending-now":                         {"", ""},
	}
	for _, s := range Table() {
		if w, ok := want[s.Name]; ok != (s.Domain != "") || s.Learns != w[0] || s.Excludes != w[1] {
			t.Errorf("%s learns from %q and excludes %q, want %q", s.Name, s.Learns, s.Excludes, w)
		}
	}
}
