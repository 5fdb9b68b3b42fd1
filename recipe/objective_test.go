package recipe

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"usher/dataset"
)

func TestParseObjective(t *testing.T) {
	o, err := ParseObjective("PRICE:low")
	if err != nil || *o != (Objective{Attribute: "PRICE", Sensitivity: Low}) {
		t.Error(o, err)
	}
	for _, text := range []string{"", "PRICE", ":LOW", "PRICE:much", "PRICE:"} {
		if _, err := ParseObjective(text); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", text)) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestCosts: each sensitivity may cost more than the one before.
func TestCosts(t *testing.T) {
	before := -1.
	for _, s := range []Sensitivity{Off, Low, Medium, High} {
		cost, ok := s.Cost()
		if !ok || cost <= before || cost >= 1 {
			t.Errorf("%s may cost %v, %v", s, cost, ok)
		}
		before = cost
	}
}

// TestObjectiveValue: numbers of the column are values, whatever the case of its name;
// what is missing, no number or of another type is none.
func TestObjectiveValue(t *testing.T) {
	s := &dataset.Schema{Type: dataset.Items, Fields: []dataset.Field{
		{Name: "ITEM_ID", Kind: dataset.String}, {Name: "PRICE", Kind: dataset.Double}, {Name: "STARS", Kind: dataset.Long}, {Name: "ADULT", Kind: dataset.Boolean}}}
	row := func(price float64) dataset.Row {
		return dataset.Row{{Kind: dataset.String, Str: "i"}, {Kind: dataset.Double, Num: price}, {Kind: dataset.Long, Num: 4, Int: 4}, {Kind: dataset.Boolean, Num: 1}}
	}
	for _, c := range []struct {
		column string
		schema *dataset.Schema
		row    dataset.Row
		want   float64
		ok     bool
	}{
		{"price", s, row(2.5), 2.5, true},
		{"PRICE", s, row(-1), -1, true},
		{"stars", s, row(0), 4, true},
		{"adult", s, row(0), 0, false},
		{"ITEM_ID", s, row(0), 0, false},
		{"WEIGHT", s, row(0), 0, false},
		{"price", s, row(math.NaN()), 0, false},
		{"price", s, row(math.Inf(1)), 0, false},
		{"price", s, dataset.Row{{Kind: dataset.String, Str: "i"}, {}}, 0, false},
		{"price", s, row(1)[:1], 0, false}, // of an older schema
		{"price", s, nil, 0, false},
		{"price", nil, row(1), 0, false},
	} {
		if got, ok := (Objective{Attribute: c.column}).Value(c.schema, c.row); got != c.want || ok != c.ok {
			t.Errorf("%s of %v: %v, %v, want %v, %v", c.column, c.row, got, ok, c.want, c.ok)
		}
	}
}
