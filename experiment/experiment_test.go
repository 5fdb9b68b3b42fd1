package experiment

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"usher/dataset"
	"usher/internal/worldtest"
)

// rig is a group with a log.
type rig struct{ *worldtest.Group }

func newRig(t *testing.T) *rig { return &rig{worldtest.New(t, nil).NewGroup("arn:group")} }

func (r *rig) open() *Experiments {
	r.Helper()
	x, err := Open(r.Context(), Options{Records: r.DB.Documents(), Logs: r.Logs.Log, Now: func() time.Time { return time.Unix(1_700_000_000, 0) }})
	if err != nil {
		r.Fatal(err)
	}
	return x
}

func (r *rig) event(kind, recommendation string) {
	r.Helper()
	r.Append(dataset.Change{Interaction: &dataset.Interaction{User: "u", Item: "i", Type: kind, Time: 1, RecommendationID: recommendation}})
}

func id(n int) string { return fmt.Sprintf("RID-%08d-0000-0000-0000-000000000000", n) }

var arms = []Arm{{"old", .7}, {"new", .3}}

// Users are split by their shares, each always to the same arm, and differently in
// another experiment.
func TestSplit(t *testing.T) {
	r := newRig(t)
	x := r.open()
	for _, name := range []string{"a", "b"} {
		list := []Arm{{"old " + name, .7}, {"new " + name, .3}}
		if _, err := x.Start(t.Context(), name, r.Record.ID, list); err != nil {
			t.Fatal(err)
		}
	}
	const users = 20_000
	fresh, both := 0, 0
	for u := range users {
		a := x.Split("old a", fmt.Sprint(u)).Campaign
		again := x.Split("old a", fmt.Sprint(u)).Campaign
		b := x.Split("old b", fmt.Sprint(u)).Campaign
		if a != again {
			t.Fatalf("user %d met %s, then %s", u, a, again)
		}
		if a == "new a" {
			fresh++
			if b == "new b" {
				both++
			}
		}
	}
	for what, c := range map[string][2]float64{"new": {float64(fresh), .3 * users}, "new in both": {float64(both), .09 * users}} {
		if math.Abs(c[0]-c[1]) > 5*math.Sqrt(c[1]) {
			t.Errorf("%s: %v of %d users, want about %v", what, c[0], users, c[1])
		}
	}
	for _, c := range [][2]string{{"old a", ""}, {"new a", "u"}, {"other", "u"}} {
		if got := x.Split(c[0], c[1]); got.Campaign != c[0] || got.Tag(id(1)) != id(1) {
			t.Errorf("campaign %s, user %q: answered by %s as %s", c[0], c[1], got.Campaign, got.Tag(id(1)))
		}
	}
}

// Events count for the arm whose answer they name, once, whatever ends the process
// in between; others do not count.
func TestCounts(t *testing.T) {
	r := newRig(t)
	r.event("click", id(1)) // before it began
	x := r.open()
	if _, err := x.Start(t.Context(), "e", r.Record.ID, arms); err != nil {
		t.Fatal(err)
	}
	dice := rand.New(rand.NewPCG(1, 2))
	answers, clicks := map[string]int64{}, map[string]int64{}
	var again []string
	for n := range 600 {
		a := x.Split("old", fmt.Sprint("user", n))
		rid, campaign := a.Tag(id(n)), a.Campaign
		a.Answered()
		if len(rid) != 40 || rid[:20] != id(n)[:20] {
			t.Fatalf("the id %s became %s", id(n), rid)
		}
		answers[campaign]++
		if dice.IntN(3) == 0 {
			r.event("click", rid)
			clicks[campaign]++
			again = append(again, rid)
		}
		switch n % 200 {
		case 50:
			r.event("click", id(n)) // of no arm
			r.event("click", "")
			r.event("click", again[len(again)-1]) // sent again, maybe to another process
			r.event("click", again[0])
		case 100:
			if err := x.Save(t.Context()); err != nil {
				t.Fatal(err)
			}
			x = r.open() // as after kill -9
		}
	}
	rep, err := x.Report(t.Context(), "e")
	if err != nil {
		t.Fatal(err)
	}
	if len(rep.Events) != 1 || rep.Events[0].Type != "click" {
		t.Fatalf("events %+v", rep.Events)
	}
	for i, a := range arms {
		if rep.Answers[i] != answers[a.Campaign] || rep.Events[0].Rates[i].Events != clicks[a.Campaign] {
			t.Errorf("%s: %d answers and %d clicks, want %d and %d", a.Campaign, rep.Answers[i], rep.Events[0].Rates[i].Events, answers[a.Campaign], clicks[a.Campaign])
		}
	}
	later, err := x.Report(t.Context(), "e")
	if err != nil || later.Events[0].Rates[0].Events != rep.Events[0].Rates[0].Events {
		t.Errorf("counted again: %+v, %v", later, err)
	}
	if err := x.End(t.Context(), "e"); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Report(t.Context(), "e"); !errors.Is(err, ErrNotFound) || len(r.open().List()) != 0 {
		t.Errorf("after its end: %v, %v", err, r.open().List())
	}
}

// Intervals hold the truth as often as they say: arms that do not differ are told
// apart in about one of twenty experiments, and their rates are where they are.
func TestIntervals(t *testing.T) {
	dice := rand.New(rand.NewPCG(5, 6))
	poisson := func(mean float64) (n int64) {
		for p := dice.ExpFloat64(); p < mean; p += dice.ExpFloat64() {
			n++
		}
		return n
	}
	const rounds = 4000
	for _, truth := range []float64{.01, .2} {
		told, covered := 0, 0
		for range rounds {
			a, b := poisson(truth*1000), poisson(truth*500)
			r := rate(b, 500, a, 1000)
			if r.Ratio.Estimate > 0 && (r.Ratio.Low > 1 || r.Ratio.High < 1) {
				told++
			}
			if r.Per.Low <= truth && truth <= r.Per.High {
				covered++
			}
		}
		if told > rounds*6/100 || covered < rounds*94/100 {
			t.Errorf("rate %v: %d of %d equal arms are told apart, %d intervals hold the rate", truth, told, rounds, covered)
		}
	}
	if r := rate(0, 0, 5, 10); r.Per != (Interval{}) || r.Ratio != (Interval{}) {
		t.Errorf("without answers: %+v", r)
	}
	if r := rate(200, 1000, 100, 1000); r.Ratio.Low < 1.5 || r.Ratio.High > 2.6 || r.Ratio.Estimate != 2 {
		t.Errorf("twice the rate: %+v", r)
	}
}

func TestMistakes(t *testing.T) {
	r := newRig(t)
	x := r.open()
	if _, err := x.Start(t.Context(), "taken", r.Record.ID, arms); err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]struct {
		name string
		arms []Arm
	}{
		"letters, digits":    {"a b", []Arm{{"x", .5}, {"y", .5}}},
		"2 to 10":            {"a", []Arm{{"x", 1}}},
		"add up to":          {"a", []Arm{{"x", .5}, {"y", .4}}},
		"above 0":            {"a", []Arm{{"x", 1.5}, {"y", -.5}}},
		"an arm twice":       {"a", []Arm{{"x", .5}, {"x", .5}}},
		"exists":             {"taken", []Arm{{"x", .5}, {"y", .5}}},
		"can be split once":  {"a", []Arm{{"old", .5}, {"y", .5}}},
		"share of y is NaN.": {"a", []Arm{{"x", .5}, {"y", math.NaN()}}},
	} {
		_, err := x.Start(context.Background(), c.name, r.Record.ID, c.arms)
		var inv *Invalid
		if !errors.As(err, &inv) || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", c, err, want)
		}
	}
	if err := x.End(t.Context(), "none"); !errors.Is(err, ErrNotFound) {
		t.Errorf("the end of none: %v", err)
	}
}
