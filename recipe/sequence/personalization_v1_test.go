package sequence

import (
	"bytes"
	"strings"
	"testing"

	"usher/dataset"
	"usher/internal/seed"
	"usher/recipe"
	"usher/recipe/recipetest"
)

func TestPersonalizationV1Contract(t *testing.T) { recipetest.Run(t, PersonalizationV1{}) }

func TestRankingV1Contract(t *testing.T) { recipetest.Run(t, RankingV1{}) }

// defaultsV1 are the parameters of a solution that gives none.
func defaultsV1(change ...string) recipe.Params {
	spec := PersonalizationV1{}.Spec()
	p := recipe.Defaults(append(spec.Algo[:len(spec.Algo):len(spec.Algo)], spec.Feature...))
	for i := 0; i < len(change); i += 2 {
		p[change[i]] = change[i+1]
	}
	return p
}

// With its defaults the first version learns what the second learns.
func TestV1LearnsWhatV2Learns(t *testing.T) {
	in := recipe.Input{Data: snapshot(12, chain(12, 20, 6, 2)), Seed: seed.Seed(9), Workers: 1}
	in.Params = recipe.Params{"apply_recency_bias": "true"}
	want, err := Recipe{}.Train(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	in.Params = defaultsV1()
	for _, r := range []recipe.Recipe{PersonalizationV1{}, RankingV1{}} {
		got, err := r.Train(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(saved(t, got), saved(t, want)) {
			t.Errorf("%s: the models differ", r.Spec().Name)
		}
	}
	if _, err := (PersonalizationV1{}).Train(t.Context(), recipe.Input{Data: in.Data, Params: defaultsV1("min_user_history_length_percentile", "1")}); err == nil || !strings.Contains(err.Error(), "nobody is left") {
		t.Errorf("a minimum above the maximum: %v", err)
	}
}

func TestV1Bounds(t *testing.T) {
	for _, c := range []struct {
		params      recipe.Params
		dim, window int
	}{
		{nil, 128, 200},
		{defaultsV1(), 128, 200},
		{defaultsV1("hidden_dimension", "127"), 64, 200},
		{defaultsV1("hidden_dimension", "32", "bptt", "2"), 32, 8},
		{defaultsV1("bptt", "20"), 128, 21},
	} {
		s := settings{dim: 128, inner: 256, window: 200}
		s.bound(c.params)
		if s.dim != c.dim || s.inner != 2*c.dim || s.window != c.window {
			t.Errorf("%v: dim %d, inner %d, window %d; want %d, %d", c.params, s.dim, s.inner, s.window, c.dim, c.window)
		}
	}
}

func TestV1LeavesOutExtremeHistories(t *testing.T) {
	histories := make([][]int, 10)
	for u := range histories {
		histories[u] = make([]int, u+1)
	}
	data := snapshot(1, histories)
	for _, c := range []struct {
		lo, hi     float64
		users, all int // users with events, and these
	}{{0, 1, 10, 55}, {0, .99, 10, 55}, {0, .9, 9, 45}, {.2, .8, 7, 35}, {.5, .5, 1, 5}} {
		got := ofLengths(data, c.lo, c.hi)
		users := 0
		for u := range got.UserIDs {
			if len(got.History(dataset.Index(u))) > 0 {
				users++
			}
		}
		if users != c.users || len(got.Events) != c.all {
			t.Errorf("from %v to %v: %d users, %d events; want %d, %d", c.lo, c.hi, users, len(got.Events), c.users, c.all)
		}
	}
}
