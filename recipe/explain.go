package recipe

import (
	"context"

	"usher/dataset"
)

// Explainer is a Model that can say what made it answer with an item.
type Explainer interface {
	// Explain says what speaks for an item in the answer to a question: nothing
	// that is told of other models, only what this one computes. Of an item that
	// it does not know it gives an Explanation with the Basis Unknown.
	Explain(ctx context.Context, q *Query, item dataset.Index) (*Explanation, error)
}

// Basis is what an answer rests on.
type Basis string

// The bases.
const (
	Unknown    Basis = "unknown"    // the item was not in the training
	Personal   Basis = "personal"   // the user's events
	Beginning  Basis = "beginning"  // what users begin with: nothing is known of this one
	Repeated   Basis = "repeated"   // the user has had it, and it comes behind all that he has not
	Neighbours Basis = "neighbours" // it is near the item that was asked about
	Trend      Basis = "trend"      // it grows
	Popularity Basis = "popularity" // many have had it
)

// Explanation says why an item is where it is.
type Explanation struct {
	Basis Basis
	Place int // among all items, from 1; 0 where it is far behind
	// Probability is the score that the API shows; 0 for recipes without scores.
	Probability float64
	// Parts add up to the model's own score of the item, or are counts that it
	// goes by.
	Parts []Part
	// Events are those of the question's history that matter most, the strongest
	// first, and Without is the probability if none of them had happened. It is
	// lower than Probability when there are any.
	Events  []Influence
	Without float64
}

// Part is a named number.
type Part struct {
	Name  string
	Value float64
}

// Influence is what one event of a history does for an item.
type Influence struct {
	At     int     // in Query.History
	Effect float64 // by how much the log of the probability falls without the event
}
