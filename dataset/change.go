package dataset

// Change is what one record of a group's log says. Exactly one field is set.
// Bulk data and live events have one order because both are Changes (I1).
type Change struct {
	Interaction *Interaction
	Item        *Entity // PutItems: the whole record replaces an earlier one
	User        *Entity // PutUsers: likewise
	Part        *PartCommitted
	Cleared     *Cleared
	Schema      *SchemaSet
}

// Interaction is one live event, checked against the schema.
type Interaction struct {
	EventID          string
	User             string // "" while the visitor is anonymous
	Session          string
	Item             string
	Type             string
	Time             int64    // Unix seconds
	Value            *float64 // EVENT_VALUE
	Impression       []string
	RecommendationID string
	Source           string // EVENT_ATTRIBUTION_SOURCE
	Properties       Row    // the schema's other fields, by Schema.Fields; null where absent
}

// Entity is one item or user record.
type Entity struct {
	ID  string
	Row Row // by Schema.Fields
}

// PartCommitted says that bulk data has become part of the group.
type PartCommitted struct {
	Type    Type
	Blob    string // a part file, see PartReader
	Replace bool   // FULL import: earlier bulk data of the dataset is gone
	Rows    int64
}

// Cleared says that a dataset was deleted with all its data.
type Cleared struct{ Type Type }

// SchemaSet says which schema the dataset's later records are written in.
type SchemaSet struct {
	Type   Type
	Text   string
	Domain string
}

// Append writes the change in its binary form behind b.
func (c *Change) Append(b []byte) ([]byte, error) { panic("todo") }

// ParseChange reads one change. Damaged bytes give an error, never a panic.
func ParseChange(b []byte) (*Change, error) { panic("todo") }
