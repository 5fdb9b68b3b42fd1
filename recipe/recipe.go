// Package recipe says what a recommendation algorithm is, and holds the table
// of Amazon Personalize's recipes with their hyperparameters.
//
// An algorithm is a folder below this one. It implements Recipe, whose Train
// makes a Model from an Input, and it grows by second, small interfaces
// (Explainer, Segmenter) found by type assertion. A recipe knows numbers only:
// ids, ARNs and AWS's shapes stay above. I4: all that a model depends on is in
// Input; the same Input with the same kernels gives the same bytes, whatever
// Workers is.
package recipe

import (
	"context"
	"io"
	"math/rand/v2"
	"time"

	"usher/dataset"
	"usher/internal/seed"
)

// Recipe is one algorithm. It has no state of its own; all methods may be
// called concurrently.
type Recipe interface {
	// Spec is constant.
	Spec() Spec
	// Train learns a model. It returns soon after ctx is done.
	Train(ctx context.Context, in Input) (Model, error)
	// Load reads what Model.Save wrote. Damaged or foreign bytes give an error.
	Load(r io.ReaderAt, size int64) (Model, error)
}

// Input is everything a model depends on.
type Input struct {
	Data    *dataset.Snapshot
	Params  Params
	Weights []float64 // of events by their types' numbers, at most 1; nil: all count alike
	Seed    seed.Seed
	Workers int // goroutines; changes the speed only; 0 means one for each CPU

	// Objective is what answers are to bring besides relevance; nil: nothing. Recipes
	// that cannot weigh one take no notice.
	Objective *Objective

	// Tuned holds what an earlier fit chose on its validation part: the refit
	// on all data does not choose again. nil: choose.
	Tuned *Choices
	// Previous is the model of an earlier version, for incremental training; may be nil.
	Previous Model
	// Checkpoint lets a long fit go on where it was killed; may be nil.
	Checkpoint Checkpoint
	// Needs is told before the work about how many bytes of memory it takes; may be nil.
	Needs func(bytes int64)
	// Progress is told about once a second how far Train is, 0..1; may be nil.
	Progress func(done float64, note string)
}

// Choices is what a fit chose by itself (epochs, dropout, …) and what a person
// would like to know of it. The recipe alone knows the keys.
type Choices struct {
	Values map[string]float64
	Notes  []string
	Curve  []CurvePoint `json:",omitempty"` // how the fit went that chose
}

// CurvePoint is how good a model was on the validation part after an epoch, by
// NDCG@10.
type CurvePoint struct {
	Epoch int
	NDCG  float64
}

// Chooser is a Model that can tell what its training chose.
type Chooser interface{ Choices() *Choices }

// Checkpoint stores the state of an unfinished fit.
type Checkpoint interface {
	// Load gives what was saved last, nil when nothing was.
	Load() ([]byte, error)
	// Save replaces it durably.
	Save(state []byte) error
}

// Model answers. It does not change and is used concurrently.
type Model interface {
	// Len counts the items that the model knows; their indexes are below it.
	Len() int
	// Recommend appends to dst[:0] the k best items of allow, best first; fewer
	// when there are fewer. It asks allow for every item it returns.
	Recommend(ctx context.Context, q *Query, k int, allow dataset.Set, dst []Scored) ([]Scored, error)
	// Rank appends items to dst[:0], best first: a permutation of items, unknown
	// ones last and flagged NoScore.
	Rank(ctx context.Context, q *Query, items []dataset.Index, dst []Scored) ([]Scored, error)
	// Save writes the model for Load.
	Save(w io.Writer) error
}

// Query is one question to a model.
type Query struct {
	User    dataset.Index   // NoIndex for an unknown or absent user
	Item    dataset.Index   // the item of related-items questions; NoIndex when absent or unknown
	History []dataset.Event // what is known of the user now, oldest first
	// Context is what is known of the moment: texts by the names of columns of
	// interactions.
	Context map[string]string
	// Profile is the user's record, with the columns of ProfileSchema; nil: there is none.
	Profile       dataset.Row
	ProfileSchema *dataset.Schema
	// Shown gives what the user was shown until now and did not choose, oldest first;
	// nil: nothing is known of that. It is called by models that learnt from it.
	Shown func() []dataset.Exposure

	Now    time.Time
	Config Params     // campaign settings
	Rand   *rand.Rand // for exploration; may be nil
	Once   bool       // nobody asks about this history again: a Cacher need not keep it
}

// Flags says how an item came into an answer.
type Flags uint8

// The flags of a Scored item.
const (
	NoScore     Flags = 1 << iota // the score means nothing and is not shown
	Exploration                   // shown to learn about it
	Popular                       // fills up: popular, not personal
)

// Scored is an item of an answer. Score is what the API shows: for recipes
// whose Spec.Scores is true a probability over the items that were scored.
type Scored struct {
	Index dataset.Index
	Score float32
	Flags Flags
}
