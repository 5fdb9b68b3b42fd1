package dataset

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Change is what one record of a group's log says. Exactly one field is set.
// Bulk data and live events have one order because both are Changes (I1).
type Change struct {
	Interaction *Interaction
	Item        *Entity // PutItems: the whole record replaces an earlier one
	User        *Entity // PutUsers: likewise
	Part        *PartCommitted
	Cleared     *Cleared
	Schema      *SchemaSet
	Forgotten   *Forgotten
	Visit       *Interaction // what is left of one whose item was deleted: user and session, and so whose the session is

	Action            *Entity      // PutActions: likewise
	ActionInteraction *Interaction // what a user did with the action that Item names
}

// Event gives the live event that the change is, nil where it is none.
func (c *Change) Event() *Interaction {
	if c.Interaction != nil {
		return c.Interaction
	}
	return c.ActionInteraction
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

// Forgotten says that users, or items, were deleted: all that is known of them up to
// here is gone, and their numbers are not given again. Who comes with such an id
// later is somebody else. Once the records before it are rewritten it has no ids any
// more.
type Forgotten struct{ Users, Items []string }

// SchemaSet says which schema the dataset's later records are written in.
type SchemaSet struct {
	Type   Type
	Text   string
	Domain string
}

// changeVersion is the first byte of each change. A change of another version is
// refused: this process is older than the one that wrote it.
const changeVersion = 1

// Codes of changes. They are on disk: never renumber them.
const (
	codeInteraction = 1 + iota
	codeItem
	codeUser
	codePart
	codeCleared
	codeSchema
	codeAction
	codeActionInteraction
	codeForgotten
	codeForgottenItems
	codeVisit
)

// Append writes the change in its binary form behind b: version, code, members in
// the order of the struct. A change without exactly one field is an error.
func (c *Change) Append(b []byte) ([]byte, error) {
	set := 0
	for _, on := range []bool{c.Interaction != nil, c.Item != nil, c.User != nil, c.Part != nil, c.Cleared != nil, c.Schema != nil,
		c.Action != nil, c.ActionInteraction != nil, c.Forgotten != nil, c.Visit != nil} {
		if on {
			set++
		}
	}
	if set != 1 {
		return nil, fmt.Errorf("write change: %d fields are set, want 1", set)
	}
	b = append(b, changeVersion)
	switch {
	case c.Interaction != nil:
		return c.Interaction.append(append(b, codeInteraction))
	case c.Item != nil:
		return c.Item.append(append(b, codeItem))
	case c.User != nil:
		return c.User.append(append(b, codeUser))
	case c.Action != nil:
		return c.Action.append(append(b, codeAction))
	case c.ActionInteraction != nil:
		return c.ActionInteraction.append(append(b, codeActionInteraction))
	case c.Part != nil:
		b = appendString(append(b, codePart), string(c.Part.Type))
		b = appendString(b, c.Part.Blob)
		b = appendBool(b, c.Part.Replace)
		return binary.AppendVarint(b, c.Part.Rows), nil
	case c.Cleared != nil:
		return appendString(append(b, codeCleared), string(c.Cleared.Type)), nil
	case c.Forgotten != nil:
		return c.Forgotten.append(b)
	case c.Visit != nil:
		return appendString(appendString(append(b, codeVisit), c.Visit.User), c.Visit.Session), nil
	}
	b = appendString(append(b, codeSchema), string(c.Schema.Type))
	b = appendString(b, c.Schema.Text)
	return appendString(b, c.Schema.Domain), nil
}

func (f *Forgotten) append(b []byte) ([]byte, error) {
	code, ids := byte(codeForgotten), f.Users
	if len(f.Items) > 0 {
		if len(f.Users) > 0 {
			return nil, errors.New("write change: users and items are forgotten by changes of their own")
		}
		code, ids = codeForgottenItems, f.Items
	}
	b = binary.AppendUvarint(append(b, code), uint64(len(ids)))
	for _, id := range ids {
		b = appendString(b, id)
	}
	return b, nil
}

func (x *Interaction) append(b []byte) ([]byte, error) {
	for _, s := range []string{x.EventID, x.User, x.Session, x.Item, x.Type} {
		b = appendString(b, s)
	}
	b = binary.AppendVarint(b, x.Time)
	b = appendBool(b, x.Value != nil)
	if x.Value != nil {
		if math.IsNaN(*x.Value) || math.IsInf(*x.Value, 0) {
			return nil, fmt.Errorf("write change: event value %v is not a number", *x.Value)
		}
		b = appendFloat(b, *x.Value)
	}
	b = binary.AppendUvarint(b, uint64(len(x.Impression)))
	for _, s := range x.Impression {
		b = appendString(b, s)
	}
	b = appendString(b, x.RecommendationID)
	b = appendString(b, x.Source)
	return appendRow(b, x.Properties)
}

func (e *Entity) append(b []byte) ([]byte, error) {
	return appendRow(appendString(b, e.ID), e.Row)
}

// ParseChange reads one change. Damaged bytes give an error, never a panic.
func ParseChange(b []byte) (*Change, error) {
	d := &decoder{b: b}
	if v := d.byte(); d.err == nil && v != changeVersion {
		return nil, fmt.Errorf("read change: version %d, want %d", v, changeVersion)
	}
	c := &Change{}
	switch code := d.byte(); code {
	case codeInteraction:
		c.Interaction = d.interaction()
	case codeItem:
		c.Item = &Entity{d.string(), d.row()}
	case codeUser:
		c.User = &Entity{d.string(), d.row()}
	case codeAction:
		c.Action = &Entity{d.string(), d.row()}
	case codeActionInteraction:
		c.ActionInteraction = d.interaction()
	case codePart:
		c.Part = &PartCommitted{Type: Type(d.string()), Blob: d.string(), Replace: d.bool(), Rows: d.varint()}
	case codeCleared:
		c.Cleared = &Cleared{Type(d.string())}
	case codeSchema:
		c.Schema = &SchemaSet{Type: Type(d.string()), Text: d.string(), Domain: d.string()}
	case codeForgotten:
		c.Forgotten = &Forgotten{Users: d.strings()}
	case codeForgottenItems:
		c.Forgotten = &Forgotten{Items: d.strings()}
	case codeVisit:
		c.Visit = &Interaction{User: d.string(), Session: d.string()}
	default:
		d.fail()
	}
	if d.err == nil && len(d.b) > 0 {
		d.err = errors.New("bytes behind its end")
	}
	if d.err != nil {
		return nil, fmt.Errorf("read change: %w", d.err)
	}
	return c, nil
}

// IsBulk says whether the bytes of a change say that bulk data was committed or
// cleared, without reading them.
func IsBulk(b []byte) bool {
	return len(b) > 1 && b[0] == changeVersion && (b[1] == codePart || b[1] == codeCleared)
}

func (d *decoder) interaction() *Interaction {
	x := &Interaction{
		EventID: d.string(), User: d.string(), Session: d.string(), Item: d.string(), Type: d.string(),
		Time: d.varint(),
	}
	if d.bool() {
		v := d.float()
		x.Value = &v
	}
	x.Impression = d.strings()
	x.RecommendationID, x.Source, x.Properties = d.string(), d.string(), d.row()
	return x
}

func (d *decoder) strings() (list []string) {
	for range d.count() {
		list = append(list, d.string())
	}
	return list
}
