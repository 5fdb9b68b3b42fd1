// Package evaluate measures recipes on data that lie in files: what `usher
// evaluate` prints and bench/quality commits.
//
// A Protocol cuts the data into rounds: what to learn from, and questions with
// their right answers. Every contender – recipes of the table, and plain counters
// to compare them with – trains and answers the same rounds. A recipe that
// chooses by itself is trained as a solution version is: once with a validation
// part of its own training data, once on all of it as chosen (not for the protocol
// AWS, which measures the first of the two, as GetSolutionMetrics does). Means over all
// questions come with bootstrap intervals over them.
//
// A recipe that makes user segments recommends nothing: it has its own measures alone.
//
// Invariants: no contender sees the answers of its round; all have the same
// questions in the same order; what is printed depends on data, options and seed
// only, but for seconds and memory; ties never count in a contender's favour.
//
// The metrics themselves are eval's. Files are opened by the caller, who hands in
// an fs.FS; the clock is handed in too.
package evaluate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"usher/dataset"
	"usher/eval"
	"usher/internal/seed"
	"usher/recipe"
)

// Options say what is measured, and how.
type Options struct {
	Recipes   []recipe.Recipe
	Params    recipe.Params     // of the recipes that have a hyperparameter of that name
	Counters  bool              // measure plain counters too
	Objective *recipe.Objective // of the recipes that can weigh one; nil: relevance alone
	Protocol  Protocol
	Rounds    int       // how many; 0: one
	Questions int       // of a round at most; 0: all
	Seed      seed.Seed // of the first round; the next one's is one more
	Workers   int       // goroutines; 0: one for each CPU
	Now       func() time.Time
	// Progress is told what is being done; may be nil.
	Progress func(note string)
}

// Run measures all contenders on the data.
func Run(ctx context.Context, data *dataset.Snapshot, opt Options) (*Report, error) {
	opt.Rounds = max(1, opt.Rounds)
	var rounds []Round
	for i := range opt.Rounds {
		r, err := opt.Protocol.round(data, opt.Seed+seed.Seed(i))
		if err != nil {
			return nil, err
		}
		rounds = append(rounds, r)
	}
	return RunRounds(ctx, data, rounds, opt)
}

// RunRounds measures all contenders on rounds that were cut before, for example
// by those who published a data set. data is all that is known, for the coverage.
func RunRounds(ctx context.Context, data *dataset.Snapshot, rounds []Round, opt Options) (*Report, error) {
	if err := opt.checkObjective(data); err != nil {
		return nil, err
	}
	out := &Report{Protocol: opt.Protocol, Data: describe(data), Seed: uint64(opt.Seed), Objective: opt.Objective}
	for i := range rounds {
		rounds[i].Questions = some(rounds[i].Questions, opt.Questions, opt.Seed+seed.Seed(i))
		out.Rounds++
		for _, q := range rounds[i].Questions {
			if q.Among.All() {
				out.Questions++
			}
		}
	}
	if out.Questions == 0 {
		return nil, fmt.Errorf("evaluate by %s: the data give no questions: too few users have two interactions or more", opt.Protocol)
	}
	for _, c := range contenders(opt) {
		row, err := c.measure(ctx, data, rounds, opt)
		var untrainable *trainError
		switch {
		case context.Cause(ctx) != nil:
			return nil, context.Cause(ctx)
		case errors.As(err, &untrainable):
			row = Row{Name: c.name, Error: untrainable.Error()}
		case err != nil:
			return nil, err
		}
		out.Rows = append(out.Rows, row)
	}
	return out, nil
}

// some draws most of the questions, in their order.
func some(all []Question, most int, from seed.Seed) []Question {
	if most <= 0 || len(all) <= most {
		return all
	}
	drawn := from.Branch("questions").Rand().Perm(len(all))[:most]
	slices.Sort(drawn)
	out := make([]Question, most)
	for i, j := range drawn {
		out[i] = all[j]
	}
	return out
}

// contender is something that can be trained and asked.
type contender struct {
	name    string
	spec    recipe.Spec
	counter bool
	train   func(ctx context.Context, in recipe.Input) (answerer, error)
	params  recipe.Params
	own     recipe.Measurer // measures that only this recipe has; nil: none
}

// answerer is what a contender has learnt: the part of a recipe.Model that is
// asked here.
type answerer interface {
	Recommend(ctx context.Context, q *recipe.Query, k int, allow dataset.Set, dst []recipe.Scored) ([]recipe.Scored, error)
}

// contenders gives the counters, the plainest first, and then the recipes.
func contenders(opt Options) []contender {
	var out []contender
	if opt.Counters {
		for _, c := range counters {
			out = append(out, contender{name: c.name, counter: true, train: c.train})
		}
	}
	for _, r := range opt.Recipes {
		spec := r.Spec()
		params := recipe.Defaults(slices.Concat(spec.Algo, spec.Feature))
		for name := range params {
			if v, ok := opt.Params[name]; ok {
				params[name] = v
			}
		}
		own, _ := r.(recipe.Measurer)
		out = append(out, contender{name: spec.Name, spec: spec, params: params, own: own,
			train: func(ctx context.Context, in recipe.Input) (answerer, error) { return train(ctx, r, opt.Protocol, in) }})
	}
	return out
}

// train trains as a solution version is trained: AWS measures the model that did
// the choosing, customers are answered by the one that has seen all.
func train(ctx context.Context, r recipe.Recipe, p Protocol, in recipe.Input) (answerer, error) {
	m, err := r.Train(ctx, in)
	if err != nil {
		return nil, err
	}
	chooser, ok := m.(recipe.Chooser)
	if p == AWS || !ok || chooser.Choices() == nil || len(chooser.Choices().Values) == 0 {
		return m, nil
	}
	in.Tuned = chooser.Choices()
	return r.Train(ctx, in)
}

// trainError is why a contender could not be trained: the others still can.
type trainError struct{ err error }

func (e *trainError) Error() string { return e.err.Error() }
func (e *trainError) Unwrap() error { return e.err }

// measure takes the protocol's measures of a contender that recommends, and the
// recipe's own, which are of all the data.
func (c *contender) measure(ctx context.Context, data *dataset.Snapshot, rounds []Round, opt Options) (row Row, err error) {
	row = Row{Name: c.name, Counter: c.counter, Segments: c.spec.Type == recipe.UserSegmentation}
	if !row.Segments {
		if err := c.compete(ctx, data, rounds, opt, &row); err != nil {
			return row, err
		}
	}
	if c.own == nil {
		return row, nil
	}
	opt.say("%s: its own measures", c.name)
	row.Own, err = c.own.Measure(ctx, recipe.Input{Data: recipe.Learnt(data, c.spec.Learns, nil), Params: c.params, Seed: opt.Seed, Workers: opt.Workers})
	if err != nil {
		return row, &trainError{err}
	}
	return row, nil
}

// compete trains and asks in all rounds.
func (c *contender) compete(ctx context.Context, data *dataset.Snapshot, rounds []Round, opt Options, row *Row) error {
	values := map[valueKey][]float64{}
	coverage := 0.
	for i := range rounds {
		r := &rounds[i]
		where := fmt.Sprintf("round %d of %d", i+1, len(rounds))
		t0 := opt.Now()
		m, peak, err := c.learn(ctx, r, opt.Seed+seed.Seed(i), where, opt)
		if err != nil {
			return &trainError{err}
		}
		t1 := opt.Now()
		if chooser, ok := m.(recipe.Chooser); ok && i == 0 && chooser.Choices() != nil {
			row.Curve = chooser.Choices().Curve
		}
		row.MemoryMB = max(row.MemoryMB, peak)
		opt.say("%s: %d questions, %s", c.name, len(r.Questions), where)
		a := asking{model: m, spec: c.spec, round: r, protocol: opt.Protocol, workers: opt.Workers, types: data.EventTypes, items: data.Items()}
		lists, err := a.lists(ctx)
		if err != nil {
			return err
		}
		row.TrainSeconds += t1.Sub(t0).Seconds()
		row.AskSeconds += opt.Now().Sub(t1).Seconds()
		coverage += judge(data, r, lists, opt.Protocol, values)
		row.Reward += opt.reward(data, lists) / float64(len(rounds))
	}
	row.take(values, opt)
	row.Coverage = coverage / float64(len(rounds))
	return nil
}

// valueKey names the values of a metric, over all questions or over a part of them.
type valueKey struct{ part, metric string }

// take puts the means of values into the row.
func (r *Row) take(values map[valueKey][]float64, opt Options) {
	names := opt.Protocol.metrics()
	for _, name := range names {
		r.Metrics = append(r.Metrics, Metric{name, eval.Bootstrap(values[valueKey{"", name}], opt.Seed)})
	}
	for _, part := range opt.Protocol.parts() {
		if v := values[valueKey{part, names[0]}]; len(v) > 0 {
			r.Parts = append(r.Parts, Part{part, len(v), Metric{names[0], eval.Bootstrap(v, opt.Seed)}})
		}
	}
}

// learn trains a contender on a round. It gives the megabytes that it took, too.
func (c *contender) learn(ctx context.Context, r *Round, from seed.Seed, where string, opt Options) (answerer, float64, error) {
	opt.say("%s: training, %s", c.name, where)
	var p peak
	p.begin()
	m, err := c.train(ctx, recipe.Input{Data: recipe.Learnt(r.Train, c.spec.Learns, nil), Params: c.params, Objective: opt.objective(c.spec), Seed: from, Workers: opt.Workers,
		Progress: func(_ float64, note string) {
			p.look()
			opt.say("%s: %s, %s", c.name, note, where)
		}})
	p.look()
	return m, p.megabytes(), err
}

// judge adds the metrics of a round's lists to values, and gives their coverage.
func judge(data *dataset.Snapshot, r *Round, lists [][]dataset.Index, p Protocol, values map[valueKey][]float64) float64 {
	tally := eval.NewTally(data)
	for i, q := range r.Questions {
		parts := q.Parts
		if q.Among.All() {
			tally.Add(lists[i], q.Truth)
			parts = append([]string{""}, parts...)
		}
		for name, v := range p.judge(lists[i], q.Truth) {
			for _, part := range parts {
				values[valueKey{part, name}] = append(values[valueKey{part, name}], v)
			}
		}
	}
	return tally.Coverage()
}

func (o *Options) say(format string, args ...any) {
	if o.Progress != nil {
		o.Progress(fmt.Sprintf(format, args...))
	}
}
