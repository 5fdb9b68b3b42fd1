package train

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"sync"
	"testing"

	"usher/catalog"
	"usher/dataset"
	"usher/internal/seed"
	"usher/recipe"
)

// tuned is a version of aws-sims that searches its two hyperparameters.
func tuned(config string) func(*catalog.SolutionVersion) {
	return func(v *catalog.SolutionVersion) {
		v.Recipe, v.PerformHPO, v.Config = "aws-sims", true, []byte(config)
		v.Params = map[string]string{"popularity_discount_factor": "0.5", "min_cointeraction_count": "3"}
	}
}

const searchConfig = `{"hpoConfig":{"hpoResourceConfig":{"maxNumberOfTrainingJobs":"6","maxParallelTrainingJobs":"2"},
	"algorithmHyperParameterRanges":{"integerHyperParameterRanges":[{"name":"min_cointeraction_count","minValue":1,"maxValue":8}],
	"continuousHyperParameterRanges":[{"name":"training.popularity_discount_factor","minValue":0.2,"maxValue":0.4}]}}}`

// TestSearch: the candidate whose answers are best is chosen and stands in the
// version; all later fits use it, and they alone are told of an objective; the test users of the metrics are in no trial.
func TestSearch(t *testing.T) {
	r := openRig(t, "")
	r.shop(t)
	var mu sync.Mutex
	var tried []string
	users := map[string]int{} // with events, by the count tried; "" of what follows
	f := fake{spec: recipe.Spec{Name: "aws-sims"}, step: func(_ context.Context, s fakeStep) error {
		mu.Lock()
		defer mu.Unlock()
		p := s.in.Params["min_cointeraction_count"] + " " + s.in.Params["popularity_discount_factor"]
		if s.n == 0 {
			if searched := len(tried) < 6; searched != (s.in.Objective == nil) {
				t.Errorf("fit %d is for %v", len(tried), s.in.Objective)
			}
			tried = append(tried, p)
			for u := range s.in.Data.UserIDs {
				if len(s.in.Data.History(dataset.Index(u))) > 0 {
					users[p]++
				}
			}
		}
		return nil
	}, query: func(q *recipe.Query) []dataset.Index {
		if q.Now.IsZero() || q.Shown == nil {
			t.Errorf("user %d is asked about at no moment", q.User)
		}
		return nil
	}}
	r.run(t, r.local(f))
	r.request(t, tuned(`{"optimizationObjective":{"itemAttribute":"PRICE"},`+searchConfig[1:]))
	v := r.await(t, catalog.Active)
	if len(tried) != 6+2 {
		t.Fatalf("tried %q, want 6 trials and 2 fits", tried)
	}
	for i, p := range tried[:6] {
		var count int
		var discount float64
		if _, err := fmt.Sscan(p, &count, &discount); err != nil || count < 1 || count > 8 || discount < .2 || discount > .4 {
			t.Errorf("trial %d has %q (%v)", i, p, err)
		}
	}
	want := v.Tuned["min_cointeraction_count"] + " " + v.Tuned["popularity_discount_factor"]
	if tried[6] != want || tried[7] != want || len(v.Tuned) != 2 || v.Params["min_cointeraction_count"] != "3" {
		t.Errorf("trained with %q, tuned %v, given %v", tried[6:], v.Tuned, v.Params)
	}
	// 40 users: 4 test users of the metrics, and 4 of the others for the search. The
	// chosen one has been fitted to 32, to 36 and to all.
	if users[want] != 32+36+40 {
		t.Errorf("the three fits of the chosen one saw %d users together", users[want])
	}
}

// TestSearchGoesOn: a search that was broken off tries nothing twice and ends the
// same.
func TestSearchGoesOn(t *testing.T) {
	whole := func(stopAt int) (map[string]string, int) {
		r := openRig(t, t.TempDir())
		r.shop(t)
		var mu sync.Mutex
		fits := 0
		stop := make(chan struct{})
		f := fake{spec: recipe.Spec{Name: "aws-sims"}, step: func(ctx context.Context, s fakeStep) error {
			mu.Lock()
			first := s.n == s.from && s.from == 0
			if first {
				fits++
			}
			now := fits == stopAt && s.n == 2
			mu.Unlock()
			if now {
				close(stop)
				<-ctx.Done()
				return context.Cause(ctx)
			}
			return nil
		}}
		r.run(t, r.local(f))
		r.request(t, tuned(searchConfig))
		if stopAt > 0 {
			<-stop
			r.stop()
			mu.Lock()
			stopAt = -1
			mu.Unlock()
			r.run(t, r.local(f))
		}
		v := r.await(t, catalog.Active)
		return v.Tuned, fits
	}
	want, n := whole(0)
	got, m := whole(4)
	if !maps.Equal(got, want) || n != m || len(want) != 2 {
		t.Errorf("broken off: %v in %d fits, else %v in %d", got, m, want, n)
	}
}

// TestSearchConfig: whose ranges count.
func TestSearchConfig(t *testing.T) {
	names := func(recipe, config string, hpo bool) (out []string, jobs int) {
		v := &catalog.SolutionVersion{Recipe: recipe, PerformHPO: hpo, Config: []byte(config)}
		c, err := parseConfig(v)
		if err != nil {
			t.Fatal(err)
		}
		s := c.search(v)
		if s == nil {
			return nil, 0
		}
		for _, r := range s.Ranges {
			out = append(out, fmt.Sprintf("%s %g-%g %v", r.Name, r.Min, r.Max, r.Values))
		}
		return out, s.Jobs
	}
	for _, c := range []struct {
		recipe, config string
		hpo            bool
		want           []string
		jobs           int
	}{
		{"aws-sims", searchConfig, false, nil, 0},
		{"aws-popularity-count", "", true, nil, 0},
		{"aws-sims", "", true, []string{"popularity_discount_factor 0-1 []", "min_cointeraction_count 0-10 []"}, jobsUsual},
		{"aws-sims", searchConfig, true, []string{"popularity_discount_factor 0.2-0.4 []", "min_cointeraction_count 1-8 []"}, 6},
		{"aws-user-personalization", `{"hpoConfig":{"algorithmHyperParameterRanges":{"categoricalHyperParameterRanges":[{"name":"recency_mask","values":["true"]}]}}}`,
			true, []string{"recency_mask 0-0 [true]"}, jobsUsual},
	} {
		if got, jobs := names(c.recipe, c.config, c.hpo); !slices.Equal(got, c.want) || jobs != c.jobs {
			t.Errorf("%s %s: %q in %d jobs, want %q in %d", c.recipe, c.config, got, jobs, c.want, c.jobs)
		}
	}
}

// TestCandidates: each range is covered evenly, what was given comes first, and
// there are no more fits than allowed.
func TestCandidates(t *testing.T) {
	s := &search{Jobs: 40, Ranges: []searchRange{{Name: "n", Kind: recipe.Int, Min: 1, Max: 10}, {Name: "x", Kind: recipe.Float, Min: -1, Max: 1}, {Name: "b", Kind: recipe.Bool, Values: []string{"true", "false"}}}}
	all := s.candidates(21, recipe.Params{"n": "99", "x": "0.5", "b": "false", "other": "1"}, 1)
	if p := all[0]; p["n"] != "10" || p["x"] != "0.5" || p["b"] != "false" || p["other"] != "1" {
		t.Errorf("the given one became %v", p)
	}
	n, tenths := map[string]int{}, map[int]int{}
	for _, p := range all[1:] {
		n[p["n"]]++
		x, err := strconv.ParseFloat(p["x"], 64)
		if err != nil || x < -1 || x > 1 {
			t.Fatal(p)
		}
		tenths[int(math.Floor((x+1)*5))]++
	}
	for i := 1; i <= 10; i++ {
		if n[strconv.Itoa(i)] != 2 || tenths[i-1] != 2 {
			t.Errorf("%d comes %d times, tenth %d of x %d times; want 2", i, n[strconv.Itoa(i)], i, tenths[i-1])
		}
	}
	if !slices.EqualFunc(all, s.candidates(21, recipe.Params{"n": "99", "x": "0.5", "b": "false", "other": "1"}, 1), func(a, b recipe.Params) bool { return maps.Equal(a, b) }) {
		t.Error("the same search has other candidates")
	}
	for jobs := 1; jobs <= 40; jobs++ {
		s.Jobs = jobs
		for _, rungs := range []int{1, 3} {
			first := s.first(rungs)
			sum, left := 0, first
			for range rungs {
				sum += left
				left = max(1, left/2)
			}
			if sum > max(jobs, rungs) || first < 1 || rungs == 1 && first != jobs {
				t.Errorf("%d jobs, %d rungs: %d begin, %d fits", jobs, rungs, first, sum)
			}
		}
	}
}

// TestRungs: users of a smaller part are in the larger one.
func TestRungs(t *testing.T) {
	var users []string
	var events [][]dataset.Event
	for u := range 1000 {
		users, events = append(users, fmt.Sprint(u)), append(events, []dataset.Event{{Item: 0}})
	}
	s := dataset.NewSnapshot(users, []string{"x"}, []string{""}, events)
	quarter, half := ofUsers(s, .25, seed.Seed(1)), ofUsers(s, .5, seed.Seed(1))
	if n := len(quarter.Events); n < 200 || n > 300 {
		t.Errorf("a quarter of 1000 users is %d", n)
	}
	for u := range users {
		if len(quarter.History(dataset.Index(u))) > len(half.History(dataset.Index(u))) {
			t.Fatalf("user %d is in a quarter and not in the half", u)
		}
	}
	if len(rungs(100)) != 1 || len(rungs(1e6)) != 3 {
		t.Error("small data are cut, or large ones not")
	}
}
