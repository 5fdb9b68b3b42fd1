package attribution

import (
	"fmt"
	"regexp"
	"strings"

	"usher/dataset"
)

// Expression is what a metric counts of an event.
type Expression struct {
	Dataset dataset.Type // Interactions or Items; "" for SAMPLECOUNT()
	Column  string       // as the schema has it
}

// expressions is the form of an expression, in any case and with blanks.
var expressions = regexp.MustCompile(`(?i)^\s*(?:SAMPLECOUNT\s*\(\s*\)|SUM\s*\(\s*(Items|Interactions)\s*\.\s*(\w+)\s*\))\s*$`)

// ParseExpression reads the expression of a metric. Its errors are texts for people.
func ParseExpression(text string) (Expression, error) {
	m := expressions.FindStringSubmatch(text)
	switch {
	case m == nil:
		return Expression{}, fmt.Errorf("%q is not an expression of a metric. Write SAMPLECOUNT(), SUM(Items.COLUMN) or SUM(Interactions.COLUMN)", text)
	case m[1] == "":
		return Expression{}, nil
	case strings.EqualFold(m[1], "Items"):
		return Expression{dataset.Items, m[2]}, nil
	}
	return Expression{dataset.Interactions, m[2]}, nil
}

// Check says what keeps an expression from being counted with these schemas, for
// people; nil if nothing does.
func (e Expression) Check(schemas map[dataset.Type]*dataset.Schema) error {
	events := schemas[dataset.Interactions]
	switch {
	case events == nil:
		return fmt.Errorf("the dataset group has no Interactions dataset. Create it first")
	case events.Column("EVENT_TYPE") < 0:
		return fmt.Errorf("the Interactions schema has no column EVENT_TYPE, by which events are told apart")
	case e.Dataset == "":
		return nil
	}
	s := schemas[e.Dataset]
	if s == nil {
		return fmt.Errorf("the dataset group has no %s dataset. Create it first", e.Dataset)
	}
	c := s.Column(e.Column)
	if c < 0 {
		return fmt.Errorf("the schema of %s has no column %q", e.Dataset, e.Column)
	}
	switch s.Fields[c].Kind {
	case dataset.Int, dataset.Long, dataset.Float, dataset.Double:
		return nil
	}
	return fmt.Errorf("the column %s of %s is of type %s, and only numbers can be summed", s.Fields[c].Name, e.Dataset, s.Fields[c].Kind)
}

// function is the word for an expression in reports.
func (e Expression) function() string {
	if e.Dataset == "" {
		return "samplecount"
	}
	return "sum"
}

// numberIn gives the number in a cell of a row; false where there is none.
func numberIn(row dataset.Row, column int) (float64, bool) {
	if column < 0 || column >= len(row) {
		return 0, false
	}
	return number(row[column])
}

// number gives the number in a cell; false where there is none.
func number(v dataset.Value) (float64, bool) {
	switch v.Kind {
	case dataset.Int, dataset.Long:
		return float64(v.Int), true
	case dataset.Float, dataset.Double:
		return v.Num, true
	}
	return 0, false
}
