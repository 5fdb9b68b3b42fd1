package recipe

import "usher/dataset"

// Meeter is a Model that can recommend items which came after its training, by
// their metadata.
type Meeter interface {
	Model
	// Meet gives the model that knows these items too, and newer records of items
	// that it has met: row gives an item's record, nil when there is none, with the
	// columns of s. Items without a record that says something stay unknown. It
	// does not change the receiver.
	Meet(s *dataset.Schema, items []dataset.Index, row func(dataset.Index) dataset.Row) Model
}
