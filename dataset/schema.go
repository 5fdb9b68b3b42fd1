package dataset

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

// ParseSchema reads Avro JSON text and checks it by the rules of Amazon
// Personalize for the dataset type that the text names and the domain.
// Errors are *SchemaError.
func ParseSchema(text, domain string) (*Schema, error) { panic("todo") }
