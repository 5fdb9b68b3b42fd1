// Package recipetest is the contract of recipe.Recipe as a test suite, run by
// every recipe: recipetest.Run(t, Recipe{}).
//
// It trains on a small generated checkerboard, where it is known who likes
// what, and checks what the interfaces of package recipe promise: answers obey
// allow and k, rankings are permutations, whatever is unknown is answered, a
// saved model loads and a damaged one does not, the number of workers and an
// interruption change no byte, a stopped training stops, answers do not disturb
// one another. What an algorithm finds beyond that is left to its own tests.
package recipetest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"

	"usher/dataset"
	"usher/internal/seed"
	"usher/recipe"
)

// The checkerboard. Users and items are of two classes, even and odd; users
// have items of their own class only.
const (
	users   = 73 // the last one has no events
	items   = 24
	cold    = 3 // items behind them that have no events
	events  = 8 // of each user, each of another item: 8 of the 12 of his class
	classes = 2
)

// Checkerboard gives the data of the suite. User u's events are of 8 of the 12
// items i below 24 with i%2 == u%2, in an order of his own; all items have the
// same number of users. Items 24 to 26 and user 72 have no events.
func Checkerboard() *dataset.Snapshot {
	userIDs, itemIDs := make([]string, users), make([]string, items+cold)
	for i := range itemIDs {
		itemIDs[i] = fmt.Sprintf("item %d", i)
	}
	history := make([][]dataset.Event, users)
	for u := range users {
		userIDs[u] = fmt.Sprintf("user %d", u)
		if u == users-1 {
			break
		}
		r := seed.Seed(1).Branch("order", uint64(u)).Rand()
		for j, slot := range r.Perm(events) {
			item := u%classes + classes*((u/classes+slot)%(items/classes))
			history[u] = append(history[u], dataset.Event{Time: int64(1000*j + u), Item: dataset.Index(item)})
		}
	}
	return dataset.NewSnapshot(userIDs, itemIDs, []string{""}, history)
}

// Option changes what Run does.
type Option func(*suite)

// WithParams trains with these hyperparameters instead of the defaults.
func WithParams(p recipe.Params) Option { return func(s *suite) { s.params = p } }

// suite is what the tests share.
type suite struct {
	recipe recipe.Recipe
	spec   recipe.Spec
	params recipe.Params
	data   *dataset.Snapshot
	model  recipe.Model // trained by one worker
	bytes  []byte       // as it is saved
}

// Run checks that r keeps the contract.
func Run(t *testing.T, r recipe.Recipe, options ...Option) {
	t.Helper()
	s := newSuite(t, r, options)
	for _, c := range s.tests() {
		t.Run(c.name, func(t *testing.T) { c.test(t) })
	}
}

// newSuite trains the shared model.
func newSuite(t testing.TB, r recipe.Recipe, options []Option) *suite {
	s := &suite{recipe: r, spec: r.Spec(), data: Checkerboard()}
	s.params = recipe.Defaults(slices.Concat(s.spec.Algo, s.spec.Feature))
	for _, o := range options {
		o(s)
	}
	var err error
	if s.model, err = r.Train(context.Background(), s.input()); err != nil {
		t.Fatalf("train on the checkerboard: %v", err)
	}
	s.bytes = saved(t, s.model)
	return s
}

// contract is one promise.
type contract struct {
	name string
	test func(testing.TB)
}

func (s *suite) tests() []contract {
	return []contract{
		{"spec", s.testSpec},
		{"classes", s.testClasses},
		{"allow", s.testAllow},
		{"k", s.testK},
		{"unknown", s.testUnknown},
		{"asked item", s.testAskedItem},
		{"scores", s.testScores},
		{"rank", s.testRank},
		{"explanations", s.testExplanations},
		{"answers of stopped requests", s.testStoppedAnswers},
		{"concurrent answers", s.testConcurrent},
		{"load", s.testLoad},
		{"damaged bytes", s.testDamaged},
		{"failing readers and writers", s.testFailing},
		{"workers", s.testWorkers},
		{"stopped training", s.testStoppedTraining},
		{"resumed training", s.testResumed},
		{"data without interactions", s.testNoInteractions},
		{"nothing is changed", s.testReadOnly},
	}
}

// input gives what the shared model was trained on.
func (s *suite) input() recipe.Input {
	return recipe.Input{Data: s.data, Params: s.params, Seed: 1, Workers: 1}
}

// query asks for a user of the data and about the last item of his history.
func (s *suite) query(u dataset.Index) *recipe.Query {
	h := s.data.History(u)
	q := &recipe.Query{User: u, Item: dataset.NoIndex, History: h}
	if len(h) > 0 {
		q.Item = h[len(h)-1].Item
	}
	return q
}

// answer is Recommend on a model, without errors.
func answer(t testing.TB, m recipe.Model, q *recipe.Query, k int, allow dataset.Set) []recipe.Scored {
	t.Helper()
	got, err := m.Recommend(context.Background(), q, k, allow, nil)
	if err != nil {
		t.Fatalf("recommend %d items for user %d, item %d: %v", k, q.User, q.Item, err)
	}
	return got
}

func ranking(t testing.TB, m recipe.Model, q *recipe.Query, list []dataset.Index) []recipe.Scored {
	t.Helper()
	got, err := m.Rank(context.Background(), q, list, nil)
	if err != nil {
		t.Fatalf("rank %v for user %d, item %d: %v", list, q.User, q.Item, err)
	}
	return got
}

func indexes(list []recipe.Scored) []dataset.Index {
	out := make([]dataset.Index, len(list))
	for at, x := range list {
		out[at] = x.Index
	}
	return out
}

func saved(t testing.TB, m recipe.Model) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := m.Save(&b); err != nil {
		t.Fatalf("save: %v", err)
	}
	return b.Bytes()
}
