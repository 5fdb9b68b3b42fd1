package recipe

import (
	"context"

	"usher/dataset"
)

// Segmenter is a Model that finds users for items: segments.
type Segmenter interface {
	Model
	// Knows says whether the training had events of an item.
	Knows(item dataset.Index) bool
	// Segment appends to dst[:0] the k users of users who are most likely to have to
	// do with one of the items next, the likeliest first: users of the training, whose
	// number is Scored.Index. Items that the model does not know are passed over.
	Segment(ctx context.Context, items []dataset.Index, users dataset.Set, k int, dst []Scored) ([]Scored, error)
}
