// Package filter is the expression language of filters: which items of an answer
// stay, for example
//
//	INCLUDE ItemID WHERE Items.GENRES IN ($GENRE) AND Items.YEAR >= 1990
//	| EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("watch") IF CurrentUser.AGE < 18
//
// Compile reads a text and checks it against the schemas of a dataset group; the
// Program that it gives does not change and may be used concurrently. Narrow
// takes out of a set what the program does not let through.
//
// How it works. Every condition gives a bitmap over all items: of a Table's
// columns, which are inverted lists of texts and sorted numbers, made when they
// are first asked for; or of the user's events. Bitmaps are joined by AND and OR
// (AND binds stronger), then (union of the INCLUDEs) − (union of the EXCLUDEs) is
// what stays. Rows that came after a Table was made are judged one by one and
// their bits put right, so a new record counts at once.
//
// Invariants: what is null is in no list and fulfils no comparison, so NOT IN and
// != hold for it; a field of several categories (a|b|c) is IN a list when one of
// them is; texts are compared exactly, event types whatever their case.
//
// Behind the word USHER stands a language of usher's own, with more of everything
// (extension.go); it is evaluated as a tree of the same bitmaps (tree.go).
//
// Who may use which filter with which recipe is decided by serving and
// api/control, quotas likewise; this room knows neither ARNs nor models.
package filter

import "usher/dataset"

// Schemas are those of a dataset group's datasets.
type Schemas map[dataset.Type]*dataset.Schema

// Target is what a filter takes in or out.
type Target uint8

// The targets.
const (
	Items Target = iota
	Users
	Actions
)

// String is the target's word in expressions.
func (t Target) String() string { return [...]string{"ItemID", "UserID", "ActionID"}[t] }

// Program is a checked expression.
type Program struct {
	target      Target
	expressions []*expression
	fields      []string
	params      []string
	user, item  bool
	timed       bool // it looks at the clock
}

// expression is one INCLUDE or EXCLUDE: conditions joined by OR of those joined
// by AND, and what must hold of the current user for it to count at all.
type expression struct {
	include bool
	dataset dataset.Type // that its conditions are about
	any     [][]*condition
	when    []*condition
	params  []string
	text    string // as it was written

	tree, whenTree *node // of usher's own language, in the place of any and when; whenTree may be nil
}

// Target is what the filter takes in or out.
func (p *Program) Target() Target { return p.target }

// Fields are the distinct columns that the filter looks at, like "Items.GENRES".
func (p *Program) Fields() []string { return p.fields }

// Params are the names of its parameters, without $.
func (p *Program) Params() []string { return p.params }

// NeedsUser says whether it looks at the current user: at events or CurrentUser.
func (p *Program) NeedsUser() bool { return p.user }

// NeedsItem says whether it looks at CurrentItem.
func (p *Program) NeedsItem() bool { return p.item }

// Includes says whether the filter has an INCLUDE: only what it names can stay.
func (p *Program) Includes() bool {
	for _, e := range p.expressions {
		if e.include {
			return true
		}
	}
	return false
}

// At says for whom and when a filter is evaluated: CurrentUser and CurrentItem,
// NoIndex when absent or unknown, and the clock in Unix seconds.
type At struct {
	User, Item dataset.Index
	Now        int64
}

// Limits are how much of a user's past a filter looks at. The zero Limits look
// at all of it.
type Limits struct {
	Events int // the newest of each event type
}

// AWSLimits are those of Amazon Personalize. That it forgets a user's events after
// three months without any is not copied: data of years ago would have no past.
var AWSLimits = Limits{Events: 100}

// View is what is known of a dataset group at one moment.
type View struct {
	Schemas    Schemas
	Items      Records
	Users      Records
	Actions    Records
	Events     func(user dataset.Index) []dataset.Event // oldest first
	EventTypes []string                                 // by Event.Type
	Moments    Moments                                  // what events say in other columns; nil: nothing
	Limits     Limits
}

// Moments are what events say in the customer's own columns.
type Moments interface {
	// Column gives the number of a column, -1 if no event says anything in it.
	Column(name string) int
	// Cell gives what events with a number in Event.Context say in a column.
	Cell(moment uint32, column int) dataset.Value
	// Complete says whether nothing had to be left out.
	Complete() bool
}

// Records are the metadata of all items, users or actions: a table, and what
// changed since it was made, oldest first.
type Records struct {
	Table   *Table
	Changed []Change
	Row     func(i dataset.Index) dataset.Row // the record that counts, nil when there is none
	Number  func(id string) dataset.Index     // NoIndex when unknown
}

// Change is a record that replaces that of the same number; nil removes it.
type Change struct {
	Index dataset.Index
	Row   dataset.Row
}

// row gives a record, nil for NoIndex.
func (r Records) row(i dataset.Index) dataset.Row {
	if i == dataset.NoIndex || r.Row == nil {
		return nil
	}
	return r.Row(i)
}
