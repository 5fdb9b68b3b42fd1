package train

import (
	"context"
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"sync"
	"time"

	"usher/dataset"
	"usher/eval"
	"usher/internal/seed"
	"usher/recipe"
)

// casesMax bounds how many test users are asked about: the standard error of a
// mean over so many is at most half a hundredth.
const casesMax = 10_000

// sample draws casesMax of the cases, in their order.
func sample(cases []eval.Case, from seed.Seed) []eval.Case {
	if len(cases) <= casesMax {
		return cases
	}
	drawn := from.Branch("cases").Rand().Perm(len(cases))[:casesMax]
	slices.Sort(drawn)
	out := make([]eval.Case, casesMax)
	for i, j := range drawn {
		out[i] = cases[j]
	}
	return out
}

// asking asks a model about test users.
type asking struct {
	model    recipe.Model
	spec     recipe.Spec
	weights  []float64 // of events by their types; nil: all count alike
	workers  int
	progress func(done float64)

	objective *recipe.Objective // nil: none
}

// block is how many cases a worker takes at once.
const block = 64

// measure gives the metrics by AWS's keys.
func (a *asking) measure(ctx context.Context, all *dataset.Snapshot, cases []eval.Case) (map[string]float64, error) {
	lists, err := a.lists(ctx, all, cases)
	if err != nil {
		return nil, err
	}
	metrics := tallied(all, cases, lists).Metrics()
	if a.weights != nil {
		maps.Copy(metrics, a.weighted(all, cases, lists))
	}
	if a.objective != nil {
		metrics["average_rewards_at_k"] = a.rewards(all, cases, lists)
	}
	return metrics, nil
}

// gain gives the textbook's NDCG@25, which counts both how many of the right items
// are found and how far in front: what a search for hyperparameters goes by.
func (a *asking) gain(ctx context.Context, all *dataset.Snapshot, cases []eval.Case) (float64, error) {
	lists, err := a.lists(ctx, all, cases)
	if err != nil {
		return 0, err
	}
	return tallied(all, cases, lists).Mean().IdealNDCG[len(eval.Cutoffs())-1], nil
}

func tallied(all *dataset.Snapshot, cases []eval.Case, lists [][]dataset.Index) *eval.Tally {
	tally := eval.NewTally(all)
	for i, c := range cases {
		tally.Add(lists[i], c.Truth)
	}
	return tally
}

// lists gives the answers. Each case's list depends on the case alone and lists
// are counted in the order of cases: any number of workers gives the same.
func (a *asking) lists(ctx context.Context, all *dataset.Snapshot, cases []eval.Case) ([][]dataset.Index, error) {
	a.progress(0)
	lists := make([][]dataset.Index, len(cases))
	workers := a.workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	var wg sync.WaitGroup
	var mu struct {
		sync.Mutex
		next, done int
		err        error
	}
	for range workers {
		wg.Go(func() {
			for {
				mu.Lock()
				from := mu.next
				mu.next += block
				stop := from >= len(cases) || mu.err != nil
				mu.Unlock()
				if stop {
					return
				}
				to := min(from+block, len(cases))
				err := a.ask(ctx, all, cases[from:to], lists[from:to])
				mu.Lock()
				mu.done += to - from
				if mu.err == nil {
					mu.err = err
				}
				a.progress(float64(mu.done) / float64(len(cases)))
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause
	}
	if mu.err != nil {
		return nil, &permanent{mu.err}
	}
	return lists, nil
}

// weighted gives the NDCG in which an item gains what the user's event with it
// weighs, the largest of several.
func (a *asking) weighted(all *dataset.Snapshot, cases []eval.Case, lists [][]dataset.Index) map[string]float64 {
	var sum [3]float64
	for i, c := range cases {
		gain := map[dataset.Index]float64{}
		for _, e := range all.History(c.User)[len(c.Input):] {
			gain[e.Item] = max(gain[e.Item], a.weights[e.Type])
		}
		for k, x := range eval.WeightedNDCG(lists[i], gain) {
			sum[k] += x / float64(len(cases))
		}
	}
	out := map[string]float64{}
	for k, n := range eval.Cutoffs() {
		out[fmt.Sprintf("normalized_discounted_cumulative_gain_with_event_weights_at_%d", n)] = math.Round(sum[k]*1e4) / 1e4
	}
	return out
}

// rewards gives AWS's measure of an objective.
func (a *asking) rewards(all *dataset.Snapshot, cases []eval.Case, lists [][]dataset.Index) float64 {
	reward := func(i dataset.Index) float64 {
		x, _ := a.objective.Of(all.ItemTable, i)
		return x
	}
	var sum float64
	var users int
	for i, c := range cases {
		if x, ok := eval.Reward(lists[i], c.Truth, reward); ok {
			sum, users = sum+x, users+1
		}
	}
	return math.Round(sum/float64(max(1, users))*1e4) / 1e4
}

// length is how many recommendations are asked for.
func (a *asking) length() int {
	if a.objective != nil {
		return eval.RewardedList
	}
	return eval.ListLength
}

// ask puts the answers to some cases into lists, as the model gives them in
// serving: the user is one that it was not trained on, what is known of him is
// the input.
func (a *asking) ask(ctx context.Context, all *dataset.Snapshot, cases []eval.Case, lists [][]dataset.Index) error {
	var dst []recipe.Scored
	for i, c := range cases {
		q := recipe.Query{User: c.User, Item: dataset.NoIndex, History: c.Input, Context: all.Context(c.User, len(c.Input))}
		q.Profile, q.ProfileSchema = all.Profile(c.User)
		if a.spec.NeedsItem {
			q.Item = c.QueryItem()
		}
		if h := all.History(c.User); len(c.Input) < len(h) { // the moment of the question, not of the measuring
			q.Now = time.Unix(h[len(c.Input)].Time, 0).UTC()
			q.Shown = func() []dataset.Exposure { return all.Shown.Before(c.User, h[len(c.Input)].Time) }
		}
		var err error
		if dst, err = a.model.Recommend(ctx, &q, a.length(), a.allowed(all, c.Input), dst); err != nil {
			return err
		}
		lists[i] = make([]dataset.Index, len(dst))
		for j, s := range dst {
			lists[i][j] = s.Index
		}
	}
	return nil
}

// allowed gives the items that the automatic filter of a use case leaves.
func (a *asking) allowed(all *dataset.Snapshot, input []dataset.Event) (left dataset.Set) {
	a.spec.Excluded(input, all.EventTypes, func(i dataset.Index) {
		if left.All() {
			left = dataset.NewSet(all.Items())
			left.Fill(all.Items())
		}
		left.Remove(i)
	})
	return left
}
