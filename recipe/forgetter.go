package recipe

import "usher/dataset"

// Forgetter is a Model that keeps something of each user. Models that have only
// counted users together are none.
type Forgetter interface {
	Model
	// Forget gives a model without what it keeps of some users, or the model itself
	// where there is nothing of them. Numbers stay, and so do the others' answers, but
	// for what the forgotten ones had part in.
	Forget(users []dataset.Index) Model
}
