package dataset

// Index is the number of a user or an item inside one dataset group (I1).
type Index uint32

// NoIndex stands for "no such user or item".
const NoIndex = ^Index(0)

// Event is one interaction with numbers instead of ids.
type Event struct {
	Time    int64   // Unix seconds
	Item    Index   // number of the item
	Value   float32 // EVENT_VALUE; NaN when absent
	Type    uint16  // number in the group's dictionary of event types
	Context uint32  // what is known of the moment: in snapshots a row of ContextTable, in a history a number of its own; 0: nothing
}

// Number gives EVENT_VALUE as people wrote it; false when it is absent.
func (e Event) Number() (float64, bool) { return shortest(float64(e.Value)) }

// Type is the kind of a dataset, spelled as in ARNs.
type Type string

// The five dataset types.
const (
	Interactions       Type = "INTERACTIONS"
	Items              Type = "ITEMS"
	Users              Type = "USERS"
	Actions            Type = "ACTIONS"
	ActionInteractions Type = "ACTION_INTERACTIONS"
)

// Events says whether rows of the type say what users did; the others are records
// of items, users or actions, of which one counts for each id.
func (t Type) Events() bool { return t == Interactions || t == ActionInteractions }
