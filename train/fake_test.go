package train

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"usher/dataset"
	"usher/eval"
	"usher/internal/seed"
	"usher/recipe"
)

// fake is a recipe that works in steps, saves a checkpoint after each, and does
// at each what a test wants. Its model is the popular items and a digest of all
// that it depends on.
type fake struct {
	spec   recipe.Spec
	step   func(ctx context.Context, s fakeStep) error // may be nil
	query  func(q *recipe.Query) []dataset.Index       // answers instead of the popular items; may be nil
	saving func() error                                // inside Model.Save; may be nil

	unreadable bool // what Save wrote cannot be loaded
}

// fakeStep is a step about to be done.
type fakeStep struct {
	in   recipe.Input
	n    int // from 0
	from int // where this fit went on
}

func (s fakeStep) refit() bool { return s.in.Tuned != nil }

const fakeName = "fake"

// fakeSteps is how many steps the first fit has; the refit has one less.
const fakeSteps = 4

func (f fake) Spec() recipe.Spec {
	s := f.spec
	s.Name = cmp.Or(s.Name, fakeName)
	return s
}

// fakeState is a checkpoint of a fake's fit.
type fakeState struct {
	Step   int
	Digest seed.Seed
}

func (f fake) Train(ctx context.Context, in recipe.Input) (recipe.Model, error) {
	var at fakeState
	b, err := in.Checkpoint.Load()
	if err != nil {
		return nil, err
	}
	if b != nil {
		if err := json.Unmarshal(b, &at); err != nil {
			return nil, err
		}
	}
	steps, from := fakeSteps, at.Step
	if in.Tuned != nil {
		steps = int(in.Tuned.Values["steps"])
	}
	for ; at.Step < steps; at.Step++ {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		if f.step != nil {
			if err := f.step(ctx, fakeStep{in, at.Step, from}); err != nil {
				return nil, err
			}
		}
		at.Digest = at.Digest.Branch("step", uint64(at.Step), uint64(in.Seed), uint64(len(in.Data.Events)))
		for _, e := range in.Data.Events {
			at.Digest = at.Digest.Branch("", uint64(e.Item), uint64(e.Time))
		}
		b, err := json.Marshal(fakeState{at.Step + 1, at.Digest})
		if err != nil {
			return nil, err
		}
		if err := in.Checkpoint.Save(b); err != nil {
			return nil, err
		}
		in.Progress(float64(at.Step+1)/float64(steps), fmt.Sprintf("step %d", at.Step+1))
	}
	m := &fakeModel{Digest: at.Digest, Known: in.Data.Items(), fake: f, rewarded: in.Objective != nil}
	count := map[dataset.Index]int{}
	for _, e := range in.Data.Events {
		count[e.Item]++
	}
	for i := range count {
		m.Order = append(m.Order, i)
	}
	slices.SortFunc(m.Order, func(a, b dataset.Index) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a, b))
	})
	return m, nil
}

func (f fake) Load(r io.ReaderAt, size int64) (recipe.Model, error) {
	if f.unreadable {
		return nil, errors.New("model file is damaged")
	}
	m := &fakeModel{fake: f}
	return m, json.NewDecoder(io.NewSectionReader(r, 0, size)).Decode(m)
}

type fakeModel struct {
	Digest seed.Seed
	Known  int
	Order  []dataset.Index
	fake   fake

	rewarded bool // it was trained for an objective
}

func (m *fakeModel) Len() int { return m.Known }

func (m *fakeModel) Choices() *recipe.Choices {
	return &recipe.Choices{Values: map[string]float64{"steps": fakeSteps - 1}, Notes: []string{"one step less"}}
}

func (m *fakeModel) Recommend(_ context.Context, q *recipe.Query, k int, allow dataset.Set, dst []recipe.Scored) ([]recipe.Scored, error) {
	want := eval.ListLength
	if m.rewarded {
		want = eval.RewardedList
	}
	if k != want || !allow.All() {
		return nil, fmt.Errorf("fake: %d of all items are to be asked for", want)
	}
	order := m.Order
	if m.fake.query != nil {
		order = m.fake.query(q)
	}
	dst = dst[:0]
	for _, i := range order[:min(k, len(order))] {
		dst = append(dst, recipe.Scored{Index: i})
	}
	return dst, nil
}

func (m *fakeModel) Rank(context.Context, *recipe.Query, []dataset.Index, []recipe.Scored) ([]recipe.Scored, error) {
	return nil, errors.New("fake: nobody ranks here")
}

func (m *fakeModel) Save(w io.Writer) error {
	if m.fake.saving != nil {
		if err := m.fake.saving(); err != nil {
			return err
		}
	}
	return json.NewEncoder(w).Encode(m)
}
