package experiment

import (
	"context"
	"maps"
	"math"
	"slices"
)

// Report is what came of an experiment so far.
type Report struct {
	Experiment
	Answers []int64 // by arm
	Events  []Compared
}

// Compared is the events of one type, by arm.
type Compared struct {
	Type  string
	Rates []Rate
}

// Rate is how many events came of an arm's answers.
type Rate struct {
	Events int64
	Per    Interval // events per answer
	Ratio  Interval // to the first arm's rate; zero for the first arm itself
}

// Interval is an estimate and where the truth lies in 95 of 100 experiments.
type Interval struct{ Estimate, Low, High float64 }

// Report counts what has come and compares the arms.
func (x *Experiments) Report(ctx context.Context, name string) (*Report, error) {
	r := x.named(name)
	if r == nil {
		return nil, ErrNotFound
	}
	if err := x.follow(ctx, r); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	out := &Report{Experiment: r.Experiment, Answers: slices.Clone(r.counts.Answers)}
	types := map[string]bool{}
	for _, by := range r.counts.Events {
		for t := range by {
			types[t] = true
		}
	}
	for _, t := range slices.Sorted(maps.Keys(types)) {
		c := Compared{Type: t}
		for arm := range r.Arms {
			c.Rates = append(c.Rates, rate(r.counts.Events[arm][t], out.Answers[arm], r.counts.Events[0][t], out.Answers[0]))
		}
		c.Rates[0].Ratio = Interval{}
		out.Events = append(out.Events, c)
	}
	return out, nil
}

// z is how many standard errors hold 95 of 100 cases.
const z = 1.959964

// rate compares an arm with the first one. Events are taken as those of a Poisson
// process: the error of a count n is √n, that of the log of a ratio of counts n
// and m is √(1/n+1/m) (Rothman, Greenland, Modern Epidemiology).
func rate(events, answers, firstEvents, firstAnswers int64) Rate {
	out := Rate{Events: events}
	if answers == 0 {
		return out
	}
	n, of := float64(events), float64(answers)
	// Both ends by the square root of the count, whose error is 1/2 whatever the
	// count: they are right for few events too, and never below zero.
	low, high := max(0, math.Sqrt(n)-z/2), math.Sqrt(n+1)+z/2
	if events == 0 {
		low = 0
	}
	out.Per = Interval{n / of, low * low / of, high * high / of}
	if events == 0 || firstEvents == 0 || firstAnswers == 0 {
		return out
	}
	ratio := out.Per.Estimate / (float64(firstEvents) / float64(firstAnswers))
	e := z * math.Sqrt(1/n+1/float64(firstEvents))
	out.Ratio = Interval{ratio, ratio * math.Exp(-e), ratio * math.Exp(e)}
	return out
}
