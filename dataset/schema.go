package dataset

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Kind is the type of a field's values.
type Kind string

// The kinds of values, spelled as in Avro.
const (
	String  Kind = "string"
	Int     Kind = "int"
	Long    Kind = "long"
	Float   Kind = "float"
	Double  Kind = "double"
	Boolean Kind = "boolean"
)

// Field is one column of a schema.
type Field struct {
	Name        string
	Kind        Kind
	Nullable    bool
	Categorical bool
	Textual     bool
	ItemName    bool
}

// Schema says which columns a dataset has. It does not change.
type Schema struct {
	Type   Type
	Domain string // "", "ECOMMERCE" or "VIDEO_ON_DEMAND"
	Fields []Field
}

// SchemaError says what is wrong with a schema's text, where, and how to mend it.
type SchemaError struct{ Msg string }

func (e *SchemaError) Error() string { return e.Msg }

func schemaError(format string, args ...any) error {
	return &SchemaError{fmt.Sprintf(format, args...)}
}

const (
	maxSchemaChars = 20_000
	maxFieldName   = 150
)

// ParseSchema reads Avro JSON text and checks it by the rules of Amazon
// Personalize for the dataset type that the text names and the domain.
// Errors are *SchemaError.
func ParseSchema(text, domain string) (*Schema, error) {
	if n := utf8.RuneCountInString(text); n > maxSchemaChars {
		return nil, schemaError("The schema has %d characters. At most %d are allowed.", n, maxSchemaChars)
	}
	if _, ok := domainRules[domain]; !ok {
		return nil, schemaError("The domain %s is unknown. Use ECOMMERCE or VIDEO_ON_DEMAND, or none for a custom dataset group.", shorten(domain))
	}
	var record struct {
		Type   json.RawMessage   `json:"type"`
		Name   string            `json:"name"`
		Fields []json.RawMessage `json:"fields"`
	}
	d := json.NewDecoder(strings.NewReader(text))
	if err := d.Decode(&record); err != nil {
		return nil, schemaError("The schema is not a JSON object of an Avro record: %v.", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, schemaError("The schema has text behind its JSON object, at byte %d. Remove it.", d.InputOffset())
	}
	if string(record.Type) != `"record"` {
		return nil, schemaError(`The schema's "type" must be "record".`)
	}
	t, ok := typeOfRecord(record.Name)
	if !ok {
		return nil, schemaError(`The schema's "name" is %s. It must be the dataset type: Interactions, Items, Users, Actions or ActionInteractions.`, shorten(record.Name))
	}
	if len(record.Fields) == 0 {
		return nil, schemaError(`The schema has no "fields". List the columns of the dataset there.`)
	}
	s := &Schema{Type: t, Domain: domain, Fields: make([]Field, len(record.Fields))}
	for i, raw := range record.Fields {
		f, err := parseField(i, raw)
		if err != nil {
			return nil, err
		}
		s.Fields[i] = f
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	return s, nil
}

func typeOfRecord(name string) (Type, bool) {
	switch strings.ToLower(name) {
	case "interactions":
		return Interactions, true
	case "items":
		return Items, true
	case "users":
		return Users, true
	case "actions":
		return Actions, true
	case "actioninteractions", "action_interactions":
		return ActionInteractions, true
	}
	return "", false
}

var fieldName = regexp.MustCompile(`^[A-Za-z_][A-Za-z\d_]*$`)

// parseField reads one member of "fields". Attributes that Avro or others know
// and we do not (doc, default, aliases) are let through.
func parseField(i int, raw json.RawMessage) (Field, error) {
	var in struct {
		Name        string          `json:"name"`
		Type        json.RawMessage `json:"type"`
		Categorical json.RawMessage `json:"categorical"`
		Textual     json.RawMessage `json:"textual"`
		ItemName    json.RawMessage `json:"itemName"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return Field{}, schemaError(`Field %d of the schema is not an object with a "name" and a "type": %v.`, i+1, err)
	}
	if in.Name == "" {
		return Field{}, schemaError(`Field %d of the schema has no "name".`, i+1)
	}
	if len(in.Name) > maxFieldName || !fieldName.MatchString(in.Name) {
		return Field{}, schemaError("The field name %s is not allowed. Use letters, digits and _, beginning with a letter or _, at most %d characters.", shorten(in.Name), maxFieldName)
	}
	f := Field{Name: in.Name}
	var err error
	if f.Kind, f.Nullable, err = parseType(in.Name, in.Type); err != nil {
		return Field{}, err
	}
	for _, a := range []struct {
		name string
		raw  json.RawMessage
		to   *bool
	}{{"categorical", in.Categorical, &f.Categorical}, {"textual", in.Textual, &f.Textual}, {"itemName", in.ItemName, &f.ItemName}} {
		switch string(a.raw) {
		case "true":
			*a.to = true
		case "", "false", "null":
		default:
			return Field{}, schemaError("Field %s: %q must be true or false, without quotes.", f.Name, a.name)
		}
	}
	return f, nil
}

// parseType reads "string", ["string"], ["null", "string"] or ["string", "null"].
func parseType(name string, raw json.RawMessage) (k Kind, nullable bool, err error) {
	var v any
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &v); err != nil {
			return "", false, schemaError("Field %s: the type is not JSON: %v.", name, err)
		}
	}
	list, union := v.([]any)
	if !union {
		list = []any{v}
	}
	for _, x := range list {
		text, ok := x.(string)
		if !ok {
			if x == nil {
				return "", false, schemaError(`Field %s has no "type". Give string, int, long, float, double or boolean.`, name)
			}
			return "", false, schemaError("Field %s: records, arrays, maps and other nested types are not allowed; a schema is flat. Give string, int, long, float, double or boolean.", name)
		}
		switch Kind(text) {
		case String, Int, Long, Float, Double, Boolean:
			if k != "" {
				return "", false, schemaError(`Field %s: a union holds one type and "null", for example ["null", %q].`, name, k)
			}
			k = Kind(text)
		case "null":
			if nullable {
				return "", false, schemaError(`Field %s: the union names "null" twice.`, name)
			}
			nullable = true
		default:
			return "", false, schemaError("Field %s: the type %s is not supported. Use string, int, long, float, double or boolean.", name, shorten(text))
		}
	}
	if k == "" {
		return "", false, schemaError(`Field %s: a type besides "null" is missing, for example ["null", "string"].`, name)
	}
	return k, nullable, nil
}

// Column gives the position of the field of that name, whatever its case, or -1.
func (s *Schema) Column(name string) int {
	for i := range s.Fields {
		if strings.EqualFold(s.Fields[i].Name, name) {
			return i
		}
	}
	return -1
}

// ID gives the position of the column that names a record: ITEM_ID of items,
// ACTION_ID of actions, USER_ID of users and of both kinds of interactions.
func (s *Schema) ID() int {
	switch s.Type {
	case Items:
		return s.Column("ITEM_ID")
	case Actions:
		return s.Column("ACTION_ID")
	}
	return s.Column("USER_ID")
}

// Property gives the position of the field that a property of PutEvents, PutItems
// or PutUsers fills, or -1: numRatings is NUM_RATINGS. Case and underscores do not
// count, and ParseSchema has seen to it that no two fields differ only by them.
func (s *Schema) Property(key string) int {
	want := bare(key)
	if want == "" {
		return -1
	}
	for i := range s.Fields {
		if sameBare(s.Fields[i].Name, want) {
			return i
		}
	}
	return -1
}

// sameBare says whether bare(name) is want, without making it.
func sameBare(name, want string) bool {
	for i := range len(name) {
		c := name[i]
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		default:
			continue
		}
		if want == "" || want[0] != c {
			return false
		}
		want = want[1:]
	}
	return want == ""
}

// bare drops all but letters and digits, and the case.
func bare(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		}
		return -1
	}, name)
}
