// Package conformance judges a server by the models of the APIs: every answer
// member by member, as it stands on the wire, and every input broken at each of
// its members.
//
// Model is read from usher/wire/model, which was made from AWS's own and which
// the server's code is generated from; the judgement here is written against the
// JSON and shares no code with that generator, so a mistake there shows. Problems
// says what is wrong with an answer; Broken gives inputs that must be refused,
// made from one that is good, so that a constraint that nobody checks lets a call
// through that would otherwise be refused for another reason. The test walks
// through every operation of a running server with both.
//
// What an operation does beyond its shapes is left to the tests of the rooms.
package conformance

import (
	"encoding/json"
	"fmt"
)

// Model is one API.
type Model struct {
	Service      string      `json:"service"`
	Protocol     string      `json:"protocol"`
	TargetPrefix string      `json:"targetPrefix"`
	Operations   []Operation `json:"operations"`
	Shapes       []*Shape    `json:"shapes"`

	shapes map[string]*Shape
}

// Operation is a call.
type Operation struct {
	Name   string   `json:"name"`
	Path   string   `json:"path"`
	Input  string   `json:"input"`
	Output string   `json:"output"` // "": the answer has no body
	Errors []string `json:"errors"`
}

// Shape is a type.
type Shape struct {
	Name    string   `json:"name"`
	Type    string   `json:"type"`
	Key     string   `json:"key"`
	Value   string   `json:"value"`
	Member  string   `json:"member"`
	Min     *float64 `json:"min"`
	Max     *float64 `json:"max"`
	Pattern string   `json:"pattern"`
	Enum    []string `json:"enum"`
	Status  int      `json:"status"` // of an exception
	Members []Member `json:"members"`
}

// Member is a member of a structure.
type Member struct {
	Name      string `json:"name"`
	Shape     string `json:"shape"`
	Required  bool   `json:"required"`
	JSONValue bool   `json:"jsonvalue"` // JSON in a string
}

// ParseModel reads a model.
func ParseModel(text []byte) (*Model, error) {
	m := &Model{shapes: map[string]*Shape{}}
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("parse model: %w", err)
	}
	for _, s := range m.Shapes {
		m.shapes[s.Name] = s
	}
	return m, nil
}

// Shape gives the shape of that name; it panics when there is none, for names
// come from the model.
func (m *Model) Shape(name string) *Shape {
	s := m.shapes[name]
	if s == nil {
		panic("conformance: the model of " + m.Service + " has no shape " + name)
	}
	return s
}
