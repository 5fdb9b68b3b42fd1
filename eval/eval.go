// Package eval holds the splits of data and the ranking metrics that say how
// good a model is.
//
// A split gives the data to train on and a Case for each test user: what is
// known of him and what he did next. Whoever trains asks the model about each
// case and hands the ranked lists back: Measure judges one list, Tally sums
// over users and prints what GetSolutionMetrics shows. Interval says how far a
// mean can be trusted.
//
// Invariants: a split depends on the data and the seed only, never on the order
// of maps or on the numbering of users; no event of a test user is in the
// training data of Split; ties never count in a model's favour. Lists are plain
// indexes, best first: this room knows no recipes and no scores' meaning. What recipes
// alone can measure – segments, trends – is theirs.
package eval

import "usher/dataset"

// Case is one question of an evaluation with its right answers.
type Case struct {
	User  dataset.Index
	Input []dataset.Event // what the model may know of the user, oldest first; not to be changed
	Truth []dataset.Index // what came next: each item once, in the order of first occurrence
}

// QueryItem gives the item to ask a related-items recipe about: the last one of
// the input. AWS does not say how it measures such recipes; what was clicked
// last is what a page shows when it asks for related items. If the item comes
// again in the truth, that is a miss: such recipes never answer it.
func (c Case) QueryItem() dataset.Index {
	if len(c.Input) == 0 {
		return dataset.NoIndex
	}
	return c.Input[len(c.Input)-1].Item
}
