package train

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"usher/catalog"
	"usher/dataset"
	"usher/eval"
	"usher/internal/seed"
	"usher/recipe"
)

// The search for hyperparameters (performHPO) is successive halving (Jamieson and
// Talwalkar 2016): many candidates learn from a part of the training users, the
// better half from a larger part, the best few from all of them. They are judged on
// users that are held out of the training users, never on those that the metrics
// are about. What is chosen stands in the version (tunedHPOParams) and is what the
// rest of the training uses.
//
// Trials are made in a fixed order and each is in the checkpoint when it is over:
// a search that was killed goes on where it was, and ends the same.

// search says which hyperparameters to try.
type search struct {
	Ranges []searchRange `json:"ranges"`
	Jobs   int           `json:"jobs"` // fits at most
}

// searchRange is where one hyperparameter is looked for.
type searchRange struct {
	Name   string           `json:"name"`
	Kind   recipe.ParamKind `json:"kind"`
	Min    float64          `json:"min,omitempty"`
	Max    float64          `json:"max,omitempty"`
	Values []string         `json:"values,omitempty"`
}

// trial is one fit of a search.
type trial struct {
	Candidate int     `json:"candidate"`
	Rung      int     `json:"rung"`
	Score     float64 `json:"score"`
}

// jobsUsual is how many fits a search has when the customer does not say.
const jobsUsual = 16

// search gives the search that a version asks for; nil for none. Hyperparameters
// without a range of the customer's are looked for in the whole range that they
// may have, those that can only be tuned with one.
func (c *config) search(v *catalog.SolutionVersion) *search {
	spec, ok := recipe.SpecOf(v.Recipe)
	if !ok || !v.PerformHPO {
		return nil
	}
	out := &search{Jobs: jobsUsual}
	if n, err := strconv.Atoi(c.HpoConfig.HpoResourceConfig.MaxNumberOfTrainingJobs); err == nil {
		out.Jobs = n
	}
	given := c.ranges()
	for _, p := range slices.Concat(spec.Algo, spec.Feature) {
		if !p.Tunable {
			continue
		}
		r, ok := given[p.Name]
		if !ok && (p.HPOOnly || len(given) > 0) {
			continue
		}
		if !ok {
			r = searchRange{Min: p.Min, Max: p.Max, Values: p.Values}
			if p.Kind == recipe.Bool {
				r.Values = []string{"true", "false"}
			}
		}
		r.Name, r.Kind = p.Name, p.Kind
		out.Ranges = append(out.Ranges, r)
	}
	if len(out.Ranges) == 0 {
		return nil
	}
	return out
}

// ranges gives the customer's ranges by name.
func (c *config) ranges() map[string]searchRange {
	out := map[string]searchRange{}
	all := c.HpoConfig.AlgorithmHyperParameterRanges
	for _, r := range slices.Concat(all.IntegerHyperParameterRanges, all.ContinuousHyperParameterRanges) {
		out[recipe.PlainName(r.Name)] = searchRange{Min: r.MinValue, Max: r.MaxValue}
	}
	for _, r := range all.CategoricalHyperParameterRanges {
		out[recipe.PlainName(r.Name)] = searchRange{Values: r.Values}
	}
	return out
}

// candidates gives n settings: the one that was given, and others that lie evenly
// in each range (a Latin hypercube).
func (s *search) candidates(n int, given recipe.Params, from seed.Seed) []recipe.Params {
	out := []recipe.Params{s.clamped(given)}
	r := from.Branch("candidates").Rand()
	orders := make([][]int, len(s.Ranges))
	for k := range s.Ranges {
		orders[k] = r.Perm(max(1, n-1))
	}
	for i := range n - 1 {
		p := maps.Clone(given)
		if p == nil {
			p = recipe.Params{}
		}
		for k, g := range s.Ranges {
			p[g.Name] = g.at((float64(orders[k][i]) + r.Float64()) / float64(n-1))
		}
		if !slices.ContainsFunc(out, func(x recipe.Params) bool { return maps.Equal(x, p) }) {
			out = append(out, p)
		}
	}
	return out
}

// at gives the value at a part of the range, 0…1.
func (g searchRange) at(x float64) string {
	switch {
	case len(g.Values) > 0:
		return g.Values[min(len(g.Values)-1, int(x*float64(len(g.Values))))]
	case g.Kind == recipe.Int:
		return strconv.Itoa(int(min(g.Max, math.Floor(g.Min+x*(g.Max-g.Min+1)))))
	}
	return strconv.FormatFloat(math.Round((g.Min+x*(g.Max-g.Min))*1e6)/1e6, 'f', -1, 64)
}

// clamped gives the setting that was given, moved into the ranges.
func (s *search) clamped(given recipe.Params) recipe.Params {
	p := maps.Clone(given)
	if p == nil {
		p = recipe.Params{}
	}
	for _, g := range s.Ranges {
		switch {
		case len(g.Values) > 0:
			if !slices.Contains(g.Values, p[g.Name]) {
				p[g.Name] = g.Values[0]
			}
		default:
			x, err := strconv.ParseFloat(p[g.Name], 64)
			if err != nil {
				p[g.Name] = g.at(.5)
			} else if x < g.Min || x > g.Max {
				p[g.Name] = strconv.FormatFloat(min(g.Max, max(g.Min, x)), 'f', -1, 64)
			}
		}
	}
	return p
}

// rungs are the parts of the training users that a candidate learns from, one
// after the other; after each the better half goes on. Small data are used whole.
func rungs(events int) []float64 {
	if events < wholeMost {
		return []float64{1}
	}
	return []float64{.25, .5, 1}
}

// wholeMost is below how many events each candidate learns from everything: a
// quarter of less says too little.
const wholeMost = 50_000

// first gives how many candidates a search begins with, so that all its fits
// together are not more than it may have.
func (s *search) first(rungs int) int {
	n := max(1, s.Jobs)
	for ; n > 1; n-- {
		sum, left := 0, n
		for range rungs {
			sum += left
			left = max(1, left/2)
		}
		if sum <= s.Jobs {
			break
		}
	}
	return n
}

// tune finds the hyperparameters to train with.
func (c *child) tune(ctx context.Context, r recipe.Recipe, part *dataset.Snapshot, from seed.Seed) error {
	s := c.req.Search
	if s == nil || c.at.Tuned != nil {
		return nil
	}
	rest, cases := eval.Split(part, from.Branch("search"))
	parts := rungs(len(part.Events))
	all := s.candidates(s.first(len(parts)), c.req.Params, from.Branch("search"))
	alive := make([]int, len(all))
	for i := range alive {
		alive[i] = i
	}
	done := 0
	for rung, share := range parts {
		q := quiz{ofUsers(rest, share, from), part, sample(cases, from)}
		scores := map[int]float64{}
		for _, i := range alive {
			done++
			c.report(stageSearch, float64(done-1)/float64(s.Jobs), fmt.Sprintf("fit %d of at most %d", done, s.Jobs))
			score, err := c.try(ctx, r, q, all[i], trial{Candidate: i, Rung: rung})
			if err != nil {
				return err
			}
			scores[i] = score
		}
		slices.SortStableFunc(alive, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
		if rung+1 < len(parts) {
			alive = alive[:max(1, len(alive)/2)]
		}
	}
	c.at.Tuned = map[string]string{}
	for _, g := range s.Ranges {
		c.at.Tuned[g.Name] = all[alive[0]][g.Name]
	}
	return c.save(ctx)
}

// quiz is what a trial learns from, and what it is asked, of all the data that the
// search may see: they tell the moments of the questions.
type quiz struct {
	data, all *dataset.Snapshot
	cases     []eval.Case
}

// try makes one fit of the search, unless it is in the checkpoint.
func (c *child) try(ctx context.Context, r recipe.Recipe, q quiz, p recipe.Params, t trial) (float64, error) {
	for _, old := range c.at.Trials {
		if old.Candidate == t.Candidate && old.Rung == t.Rung {
			return old.Score, nil
		}
	}
	if len(q.data.Events) > 0 && len(q.cases) > 0 {
		m, err := c.fitWith(ctx, r, q.data, stageSearch, p)
		if err != nil {
			return 0, err
		}
		a := asking{model: m, spec: r.Spec(), workers: c.req.Workers, progress: func(float64) {}}
		if t.Score, err = a.gain(ctx, q.all, q.cases); err != nil {
			return 0, err
		}
	}
	c.at.Trials, c.at.Fit = append(c.at.Trials, t), ""
	return t.Score, c.save(ctx)
}

// ofUsers gives the data of a part of the users, always the same ones.
func ofUsers(s *dataset.Snapshot, share float64, from seed.Seed) *dataset.Snapshot {
	if share >= 1 {
		return s
	}
	from = from.Branch("rung")
	return s.With(func(u dataset.Index, events []dataset.Event) []dataset.Event {
		if float64(from.Branch(s.UserIDs[u]))/math.MaxUint64 < share {
			return events
		}
		return nil
	})
}
