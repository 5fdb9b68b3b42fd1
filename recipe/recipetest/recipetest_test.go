package recipetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"

	"usher/dataset"
	"usher/recipe"
	"usher/recipe/itemknn"
	"usher/recipe/popularity"
)

// faulty is a recipe with planted faults: functions that are not nil take the
// place of the sound ones.
type faulty struct {
	recipe.Recipe
	spec  func(recipe.Spec) recipe.Spec
	train func(context.Context, recipe.Input) (recipe.Model, error)
	load  func(io.ReaderAt, int64) (recipe.Model, error)
	model fault
}

type fault struct {
	recommend func(m recipe.Model, ctx context.Context, q *recipe.Query, k int, allow dataset.Set) ([]recipe.Scored, error)
	rank      func(m recipe.Model, ctx context.Context, q *recipe.Query, items []dataset.Index) ([]recipe.Scored, error)
	save      func(m recipe.Model, w io.Writer) error
	len       func(m recipe.Model) int
}

type faultyModel struct {
	recipe.Model
	fault
}

func (f faulty) Spec() recipe.Spec {
	if f.spec != nil {
		return f.spec(f.Recipe.Spec())
	}
	return f.Recipe.Spec()
}

func (f faulty) wrap(m recipe.Model, err error) (recipe.Model, error) {
	if err != nil {
		return nil, err
	}
	return faultyModel{m, f.model}, nil
}

func (f faulty) Train(ctx context.Context, in recipe.Input) (recipe.Model, error) {
	if f.train != nil {
		return f.wrap(f.train(ctx, in))
	}
	return f.wrap(f.Recipe.Train(ctx, in))
}

func (f faulty) Load(r io.ReaderAt, size int64) (recipe.Model, error) {
	if f.load != nil {
		return f.wrap(f.load(r, size))
	}
	return f.wrap(f.Recipe.Load(r, size))
}

func (m faultyModel) Recommend(ctx context.Context, q *recipe.Query, k int, allow dataset.Set, dst []recipe.Scored) ([]recipe.Scored, error) {
	if m.recommend != nil {
		return m.recommend(m.Model, ctx, q, k, allow)
	}
	return m.Model.Recommend(ctx, q, k, allow, dst)
}

func (m faultyModel) Rank(ctx context.Context, q *recipe.Query, items []dataset.Index, dst []recipe.Scored) ([]recipe.Scored, error) {
	if m.rank != nil {
		return m.rank(m.Model, ctx, q, items)
	}
	return m.Model.Rank(ctx, q, items, dst)
}

func (m faultyModel) Save(w io.Writer) error {
	if m.save != nil {
		return m.save(m.Model, w)
	}
	return m.Model.Save(w)
}

func (m faultyModel) Len() int {
	if m.len != nil {
		return m.len(m.Model)
	}
	return m.Model.Len()
}

// recorder notes that a test failed instead of failing.
type recorder struct {
	testing.TB
	failed atomic.Bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Logf(string, ...any)   {}
func (r *recorder) Error(...any)          { r.failed.Store(true) }
func (r *recorder) Errorf(string, ...any) { r.failed.Store(true) }
func (r *recorder) Fatal(...any)          { r.failed.Store(true); runtime.Goexit() }
func (r *recorder) Fatalf(string, ...any) { r.Fatal() }
func (r *recorder) Skip(...any)           { runtime.Goexit() }
func (r *recorder) run(f func(testing.TB)) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if recover() != nil { // a panic fails as well
				r.failed.Store(true)
			}
		}()
		f(r)
	}()
	<-done
	return r.failed.Load()
}

// The suite is only worth something if each of its tests can fail.
func TestEachContractFindsItsFault(t *testing.T) {
	sims := itemknn.Recipe{}
	recommend := func(f func(got []recipe.Scored, q *recipe.Query, k int) []recipe.Scored) fault {
		return fault{recommend: func(m recipe.Model, ctx context.Context, q *recipe.Query, k int, allow dataset.Set) ([]recipe.Scored, error) {
			got, err := m.Recommend(ctx, q, k, allow, nil)
			return f(got, q, k), err
		}}
	}
	rank := func(f func(got []recipe.Scored) []recipe.Scored) fault {
		return fault{rank: func(m recipe.Model, ctx context.Context, q *recipe.Query, items []dataset.Index) ([]recipe.Scored, error) {
			got, err := m.Rank(ctx, q, items, nil)
			return f(got), err
		}}
	}
	var calls atomic.Int64
	for _, c := range []struct {
		contract, fault string
		recipe          faulty
	}{
		{"spec", "another type", faulty{spec: func(s recipe.Spec) recipe.Spec { s.Type = recipe.UserPersonalization; return s }}},
		{"spec", "another name", faulty{spec: func(s recipe.Spec) recipe.Spec { s.Name = "aws-simz"; return s }}},
		{"classes", "popular items for everything", faulty{train: func(ctx context.Context, in recipe.Input) (recipe.Model, error) {
			in.Params = nil
			return popularity.Recipe{}.Train(ctx, in)
		}}},
		{"allow", "allow is not asked", faulty{model: fault{recommend: func(m recipe.Model, ctx context.Context, q *recipe.Query, k int, _ dataset.Set) ([]recipe.Scored, error) {
			return m.Recommend(ctx, q, k, dataset.Set{}, nil)
		}}}},
		{"allow", "only the first five are looked at", faulty{model: fault{recommend: func(m recipe.Model, ctx context.Context, q *recipe.Query, k int, allow dataset.Set) ([]recipe.Scored, error) {
			got, err := m.Recommend(ctx, q, 5, dataset.Set{}, nil)
			return slices.DeleteFunc(got, func(x recipe.Scored) bool { return !allow.Has(x.Index) }), err
		}}}},
		{"k", "one too many", faulty{model: recommend(func(got []recipe.Scored, _ *recipe.Query, k int) []recipe.Scored {
			return append(got, recipe.Scored{Index: 25, Flags: recipe.NoScore})
		})}},
		{"k", "an item twice", faulty{model: recommend(func(got []recipe.Scored, _ *recipe.Query, k int) []recipe.Scored {
			if len(got) > 1 {
				got[len(got)-1] = got[0]
			}
			return got
		})}},
		{"k", "an item beyond Len", faulty{model: recommend(func(got []recipe.Scored, _ *recipe.Query, k int) []recipe.Scored {
			if len(got) > 0 {
				got[0].Index = items + cold
			}
			return got
		})}},
		{"k", "Len counts items with events only", faulty{model: fault{len: func(recipe.Model) int { return items }}}},
		{"unknown", "nothing for unknown items", faulty{model: recommend(func(got []recipe.Scored, q *recipe.Query, _ int) []recipe.Scored {
			if q.Item >= items {
				return nil
			}
			return got
		})}},
		{"unknown", "a panic", faulty{model: recommend(func(got []recipe.Scored, q *recipe.Query, _ int) []recipe.Scored {
			_ = make([]int, items+cold)[min(q.Item, 1<<20)]
			return got
		})}},
		{"asked item", "the item itself", faulty{model: recommend(func(got []recipe.Scored, q *recipe.Query, _ int) []recipe.Scored {
			return append(got, recipe.Scored{Index: q.Item, Flags: recipe.NoScore})
		})}},
		{"asked item", "popular items without the flag", faulty{model: recommend(func(got []recipe.Scored, _ *recipe.Query, _ int) []recipe.Scored {
			for i := range got {
				got[i].Flags = recipe.NoScore
			}
			return got
		})}},
		{"scores", "a score where the recipe has none", faulty{model: rank(func(got []recipe.Scored) []recipe.Scored {
			got[0].Flags = 0
			return got
		})}},
		{"scores", "not a number", faulty{
			spec: func(s recipe.Spec) recipe.Spec { s.Scores = true; return s },
			model: recommend(func(got []recipe.Scored, _ *recipe.Query, _ int) []recipe.Scored {
				for i := range got {
					got[i] = recipe.Scored{Index: got[i].Index, Score: float32(math.NaN())}
				}
				return got
			})}},
		{"rank", "an item is lost", faulty{model: rank(func(got []recipe.Scored) []recipe.Scored { return got[:max(0, len(got)-1)] })}},
		{"rank", "unknown items first", faulty{model: rank(func(got []recipe.Scored) []recipe.Scored { slices.Reverse(got); return got })}},
		{"answers of stopped requests", "the context is not asked", faulty{model: fault{recommend: func(m recipe.Model, _ context.Context, q *recipe.Query, k int, allow dataset.Set) ([]recipe.Scored, error) {
			return m.Recommend(context.Background(), q, k, allow, nil)
		}}}},
		{"concurrent answers", "answers depend on those before", faulty{model: recommend(func(got []recipe.Scored, _ *recipe.Query, _ int) []recipe.Scored {
			if calls.Add(1)%100 == 99 {
				slices.Reverse(got)
			}
			return got
		})}},
		{"load", "another model is read", faulty{load: func(r io.ReaderAt, size int64) (recipe.Model, error) {
			return sims.Train(context.Background(), recipe.Input{Data: Checkerboard()})
		}, train: func(ctx context.Context, in recipe.Input) (recipe.Model, error) {
			in.Data = in.Data.With(func(u dataset.Index, e []dataset.Event) []dataset.Event { return e[:len(e)/2] })
			return sims.Train(ctx, in)
		}}},
		{"damaged bytes", "the checksum is not read", faulty{load: func(r io.ReaderAt, size int64) (recipe.Model, error) {
			return sims.Train(context.Background(), recipe.Input{Data: Checkerboard()})
		}}},
		{"failing readers and writers", "errors of writing are lost", faulty{model: fault{save: func(m recipe.Model, w io.Writer) error {
			_ = m.Save(w)
			return nil
		}}}},
		{"workers", "the number of workers counts", faulty{train: func(ctx context.Context, in recipe.Input) (recipe.Model, error) {
			if in.Workers != 1 {
				in.Data = in.Data.With(func(u dataset.Index, e []dataset.Event) []dataset.Event { return e[:len(e)/2] })
			}
			return sims.Train(ctx, in)
		}}},
		{"stopped training", "the context is not asked", faulty{train: func(_ context.Context, in recipe.Input) (recipe.Model, error) {
			return sims.Train(context.Background(), in)
		}}},
		{"stopped training", "it is asked once only", faulty{train: func(ctx context.Context, in recipe.Input) (recipe.Model, error) {
			if err := context.Cause(ctx); err != nil {
				return nil, err
			}
			return sims.Train(context.Background(), in)
		}}},
		{"resumed training", "what was done before is forgotten", faulty{train: func(ctx context.Context, in recipe.Input) (recipe.Model, error) {
			if in.Checkpoint == nil {
				return sims.Train(ctx, in)
			}
			state, err := in.Checkpoint.Load()
			if err = errors.Join(err, in.Checkpoint.Save([]byte("half"))); err != nil {
				return nil, err
			}
			if bytes.Equal(state, []byte("half")) {
				in.Data = in.Data.With(func(u dataset.Index, e []dataset.Event) []dataset.Event { return e[len(e)/2:] })
			}
			return sims.Train(ctx, in)
		}}},
		{"data without interactions", "a panic", faulty{train: func(ctx context.Context, in recipe.Input) (recipe.Model, error) {
			_ = in.Data.UserIDs
			return sims.Train(ctx, in)
		}}},
		{"nothing is changed", "the list is sorted", faulty{model: fault{rank: func(m recipe.Model, ctx context.Context, q *recipe.Query, items []dataset.Index) ([]recipe.Scored, error) {
			slices.Sort(items)
			return m.Rank(ctx, q, items, nil)
		}}}},
		{"nothing is changed", "the data are changed", faulty{train: func(ctx context.Context, in recipe.Input) (recipe.Model, error) {
			m, err := sims.Train(ctx, in)
			in.Data.Events[0].Item = 5
			return m, err
		}}},
	} {
		if c.recipe.Recipe == nil {
			c.recipe.Recipe = sims
		}
		s := newSuite(t, c.recipe, nil)
		tests := s.tests()
		at := slices.IndexFunc(tests, func(x contract) bool { return x.name == c.contract })
		if at < 0 {
			t.Fatalf("there is no contract %q", c.contract)
		}
		if r := (&recorder{TB: t}); !r.run(tests[at].test) {
			t.Errorf("%q does not find: %s", c.contract, c.fault)
		}
	}
}

func TestCheckerboardIsFair(t *testing.T) {
	data := Checkerboard()
	had := map[dataset.Index]int{}
	for u := range dataset.Index(users) {
		mine := map[dataset.Index]bool{}
		for _, e := range data.History(u) {
			if mine[e.Item] || int(e.Item)%classes != int(u)%classes {
				t.Errorf("user %d has item %d again, or it is of the other class", u, e.Item)
			}
			mine[e.Item] = true
			had[e.Item]++
		}
	}
	for i := range dataset.Index(items + cold) {
		want := (users - 1) * events / items
		if i >= items {
			want = 0
		}
		if had[i] != want {
			t.Errorf("item %d has %d users, want %d", i, had[i], want)
		}
	}
}
