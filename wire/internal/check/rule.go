package check

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// None stands for a bound that a rule has not.
const None = -1 << 62

// Text is the rule of a string.
type Text struct {
	Min, Max int // characters; None
	Pattern  *Pattern
}

// Enum is the rule of a string with fixed values.
type Enum []string

// Number is the rule of a number.
type Number struct{ Min, Max int }

// Size is the rule of a list or map.
type Size struct{ Min, Max int }

// Text checks a string.
func (c *Checker) Text(v string, r *Text) {
	n := len(v)
	if (r.Min != None && n < r.Min*utf8.UTFMax) || (r.Max != None && n > r.Max) {
		n = utf8.RuneCountInString(v) // bytes decide the clear cases
		if r.Max != None && n > r.Max {
			c.fail(quote(v), longest(r.Max))
		}
		if r.Min != None && n < r.Min {
			c.fail(quote(v), shortest(r.Min))
		}
	}
	if r.Pattern != nil && !r.Pattern.Match(v) {
		c.fail(quote(v), "Member must satisfy regular expression pattern: "+r.Pattern.Source)
	}
}

func longest(n int) string { return "Member must have length less than or equal to " + strconv.Itoa(n) }

func shortest(n int) string {
	return "Member must have length greater than or equal to " + strconv.Itoa(n)
}

// Key checks a key of the map that the Checker stands at.
func (c *Checker) Key(k string, r *Text) {
	var inner Checker
	inner.Text(k, r)
	c.key(k, &inner)
}

// EnumKey checks a key of the map that the Checker stands at.
func (c *Checker) EnumKey(k string, r Enum) {
	var inner Checker
	inner.Enum(k, r)
	c.key(k, &inner)
}

// key reports broken rules of a key the way AWS does: as rules of the map.
func (c *Checker) key(k string, inner *Checker) {
	if inner.count == 0 {
		return
	}
	rules := make([]string, len(inner.broken))
	for i, b := range inner.broken {
		_, rules[i], _ = strings.Cut(b, "' failed to satisfy constraint: ")
	}
	c.fail(quote(k), "Map keys must satisfy constraint: ["+strings.Join(rules, ", ")+"]")
}

// Enum checks a string with fixed values.
func (c *Checker) Enum(v string, r Enum) {
	if !slices.Contains(r, v) {
		c.fail(quote(v), "Member must satisfy enum value set: ["+strings.Join(r, ", ")+"]")
	}
}

// Number checks a number. What is no number keeps no bound.
func (c *Checker) Number(v float64, r *Number) {
	if r.Max != None && !(v <= float64(r.Max)) {
		c.fail("'"+number(v)+"'", "Member must have value less than or equal to "+strconv.Itoa(r.Max))
	}
	if r.Min != None && !(v >= float64(r.Min)) {
		c.fail("'"+number(v)+"'", "Member must have value greater than or equal to "+strconv.Itoa(r.Min))
	}
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// Size checks how many members a list or map has.
func (c *Checker) Size(n int, r *Size) {
	// A list that is too long was read only one member beyond its bound, so the
	// number of members is not told.
	if r.Max != None && n > r.Max {
		c.fail("'[…]'", longest(r.Max))
	}
	if r.Min != None && n < r.Min {
		c.fail("'[]'", shortest(r.Min))
	}
}
