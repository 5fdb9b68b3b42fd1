// Package generate writes the packages of the three APIs from the stripped
// models in wire/model.
//
// Package takes one model and gives the files of one package: plain structs in
// the form of the AWS SDK for Go, functions that append, read and check them,
// the routes and a client. Invariants: (1) the same model gives the same bytes;
// (2) members and operations keep the order of the model; (3) a construct that
// the generator does not know is an error, never left out.
//
// It touches no files: its test compares what is committed with what it gives,
// and writes it with -update. What the generated code stands on is left to
// packages wire, codec and check.
package generate

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Model is a stripped model of wire/model.
type Model struct {
	Service      string      `json:"service"` // name of the Go package
	Title        string      `json:"title"`
	Version      string      `json:"version"`
	Protocol     string      `json:"protocol"` // awsJson1.1 or restJson1
	SigningName  string      `json:"signingName"`
	TargetPrefix string      `json:"targetPrefix"`
	Operations   []Operation `json:"operations"`
	Shapes       []*Shape    `json:"shapes"`

	byName map[string]*Shape
}

// Operation is a call of the API.
type Operation struct {
	Name   string   `json:"name"`
	Method string   `json:"method"`
	Path   string   `json:"path"`
	Input  string   `json:"input"`
	Output string   `json:"output"` // empty: the answer has no body
	Errors []string `json:"errors"`
}

// Shape is a type of the API.
type Shape struct {
	Name      string   `json:"name"`
	Type      string   `json:"type"`
	Key       string   `json:"key"`    // of a map
	Value     string   `json:"value"`  // of a map
	Member    string   `json:"member"` // of a list
	Min       *float64 `json:"min"`
	Max       *float64 `json:"max"`
	Pattern   string   `json:"pattern"`
	Enum      []string `json:"enum"`
	Sensitive bool     `json:"sensitive"`
	Status    int      `json:"status"` // of an exception
	Members   []Member `json:"members"`

	goName  string
	output  bool // of an operation: its lists are always written
	checked bool // part of an input
	used    bool // part of an input or output
}

// Member is a member of a structure.
type Member struct {
	Name      string `json:"name"`
	Shape     string `json:"shape"`
	Required  bool   `json:"required"`
	JSONValue bool   `json:"jsonvalue"`
}

// Parse reads a model and checks that it holds nothing unknown.
func Parse(text []byte) (*Model, error) {
	m := &Model{byName: map[string]*Shape{}}
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(m); err != nil {
		return nil, fmt.Errorf("parse model: %w", err)
	}
	if m.Protocol != "awsJson1.1" && m.Protocol != "restJson1" {
		return nil, fmt.Errorf("parse model of %s: unknown protocol %q", m.Service, m.Protocol)
	}
	for _, s := range m.Shapes {
		m.byName[s.Name] = s
		s.goName = upper(s.Name)
	}
	for _, op := range m.Operations {
		if op.Method != "POST" || m.byName[op.Input] == nil {
			return nil, fmt.Errorf("parse model of %s: operation %s: only POST with an input is known", m.Service, op.Name)
		}
		m.byName[op.Input].goName = op.Name + "Input"
		if err := m.mark(op.Input, true); err != nil {
			return nil, err
		}
		if op.Output != "" {
			m.byName[op.Output].goName, m.byName[op.Output].output = op.Name+"Output", true
			if err := m.mark(op.Output, false); err != nil {
				return nil, err
			}
		}
	}
	return m, nil
}

// mark notes what is part of an input or output.
func (m *Model) mark(name string, checked bool) error {
	s := m.byName[name]
	if s == nil {
		return fmt.Errorf("parse model of %s: shape %q is missing", m.Service, name)
	}
	if s.used && (s.checked || !checked) {
		return nil
	}
	s.used, s.checked = true, s.checked || checked
	var parts []string
	switch s.Type {
	case "structure":
		for _, part := range s.Members {
			parts = append(parts, part.Shape)
		}
	case "list":
		parts = []string{s.Member}
	case "map":
		parts = []string{s.Key, s.Value}
	case "string", "integer", "double", "float", "boolean", "timestamp":
	default:
		return fmt.Errorf("parse model of %s: shape %s has the unknown type %q", m.Service, s.Name, s.Type)
	}
	for _, part := range parts {
		if err := m.mark(part, checked); err != nil {
			return err
		}
	}
	return nil
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// Shape gives a shape by its name in the model.
func (m *Model) Shape(name string) *Shape { return m.byName[name] }

// scalars are Go's names for the scalar types.
var scalars = map[string]string{
	"string": "string", "integer": "int32", "double": "float64", "float": "float32", "boolean": "bool", "timestamp": "time.Time",
}

// goType gives the Go type of a shape as a member of a list or map.
func (m *Model) goType(name string) string {
	switch s := m.byName[name]; {
	case len(s.Enum) > 0, s.Type == "structure":
		return s.goName
	case s.Type == "list":
		return "[]" + m.goType(s.Member)
	case s.Type == "map":
		return "map[string]" + m.goType(s.Value)
	default:
		return scalars[s.Type]
	}
}

// pointer says whether a member of this shape is a pointer in its structure.
func (s *Shape) pointer() bool { return len(s.Enum) == 0 && s.Type != "list" && s.Type != "map" }

// fieldType gives the Go type of a member of a structure.
func (m *Model) fieldType(name string) string {
	if m.byName[name].pointer() {
		return "*" + m.goType(name)
	}
	return m.goType(name)
}

// present is the condition under which a field of this shape is there.
func (s *Shape) present(field string) string {
	if len(s.Enum) > 0 {
		return field + ` != ""`
	}
	return field + " != nil"
}
