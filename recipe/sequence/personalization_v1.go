package sequence

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"

	"usher/dataset"
	"usher/recipe"
)

// The names of the first version's recipes in their ARNs. They are the same engine
// behind AWS's older hyperparameters, which bound it and choose whom it learns from.
const (
	PersonalizationV1Name = "aws-user-personalization"
	RankingV1Name         = "aws-personalized-ranking"
)

// PersonalizationV1 is aws-user-personalization. Exploration of new items is added
// where it is served, by the campaign's settings. It has no state.
type PersonalizationV1 struct{}

// Spec is the recipe's entry in the table.
func (PersonalizationV1) Spec() recipe.Spec { return specOf(PersonalizationV1Name) }

// Train learns a model, bounded by the hyperparameters of the first version.
func (PersonalizationV1) Train(ctx context.Context, in recipe.Input) (recipe.Model, error) {
	return trainV1(ctx, PersonalizationV1Name, in)
}

// Load reads what Model.Save wrote.
func (PersonalizationV1) Load(r io.ReaderAt, size int64) (recipe.Model, error) {
	return Recipe{}.Load(r, size)
}

// RankingV1 is aws-personalized-ranking: it learns what PersonalizationV1 learns of
// the same input. It has no state.
type RankingV1 struct{}

// Spec is the recipe's entry in the table.
func (RankingV1) Spec() recipe.Spec { return specOf(RankingV1Name) }

// Train learns what PersonalizationV1 learns of the same input, to the bit.
func (RankingV1) Train(ctx context.Context, in recipe.Input) (recipe.Model, error) {
	return trainV1(ctx, RankingV1Name, in)
}

// Load reads what Model.Save wrote.
func (RankingV1) Load(r io.ReaderAt, size int64) (recipe.Model, error) {
	return Recipe{}.Load(r, size)
}

func specOf(name string) recipe.Spec {
	s, ok := recipe.SpecOf(name)
	if !ok {
		panic("sequence: no entry " + name + " in the table of recipes")
	}
	return s
}

func trainV1(ctx context.Context, name string, in recipe.Input) (recipe.Model, error) {
	if in.Data == nil {
		return nil, fmt.Errorf("train %s: no data", name)
	}
	lo, hi := in.Params.Float("min_user_history_length_percentile"), 1.
	if _, ok := in.Params["max_user_history_length_percentile"]; ok {
		hi = in.Params.Float("max_user_history_length_percentile")
	}
	if lo > hi {
		return nil, fmt.Errorf("train %s: hyperparameter min_user_history_length_percentile is %v and max_user_history_length_percentile %v: nobody is left; give a minimum that is not above the maximum", name, lo, hi)
	}
	in.Data = ofLengths(in.Data, lo, hi)
	params := recipe.Params{"apply_recency_bias": in.Params["recency_mask"]}
	for k, v := range in.Params {
		params[k] = v
	}
	in.Params = params
	m, err := Recipe{}.Train(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}

// ofLengths gives the data of the users whose histories are not among the shortest
// or longest: from one percentile of their lengths, by nearest rank, to another.
func ofLengths(data *dataset.Snapshot, lo, hi float64) *dataset.Snapshot {
	var lengths []int
	for u := range data.UserIDs {
		if n := len(data.History(dataset.Index(u))); n > 0 {
			lengths = append(lengths, n)
		}
	}
	if len(lengths) == 0 || lo <= 0 && hi >= 1 {
		return data
	}
	slices.Sort(lengths)
	at := func(p float64) int {
		return lengths[min(len(lengths)-1, max(0, int(math.Ceil(p*float64(len(lengths))))-1))]
	}
	from, to := at(lo), at(hi)
	if lo <= 0 {
		from = 0
	}
	return data.With(func(_ dataset.Index, events []dataset.Event) []dataset.Event {
		if len(events) < from || len(events) > to {
			return nil
		}
		return events
	})
}

// bpttDefault stands for no bound: the network looks at as much of a history as
// the data's own rule says.
const bpttDefault = 32

// bound keeps the network within the hyperparameters of the first version, where
// these are given: no wider than hidden_dimension, no further back than bptt events
// where that is below its default.
func (s *settings) bound(p recipe.Params) {
	if h := p.Int("hidden_dimension"); h > 0 {
		for s.dim > 32 && s.dim > h {
			s.dim, s.inner = s.dim/2, s.inner/2
		}
	}
	if b := p.Int("bptt"); b > 0 && b < bpttDefault {
		s.window = min(s.window, max(8, b+1))
	}
}
