// Package check holds the rules of the API model and reports broken ones in
// AWS's wording.
//
// Generated code walks a shape and calls one method a member. Invariants: (1) a
// shape that keeps all rules costs no allocation: paths and texts are made only
// for a rule that fails; (2) rules are reported in the order of the model, the
// first MaxReported with their text.
//
// Which error type carries the report is left to the generated code.
package check

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxReported bounds how many broken rules a message spells out.
const MaxReported = 20

// maxDepth bounds how deep shapes nest: more than any shape of the models.
const maxDepth = 16

// frame is a step of the path to the member that is being checked.
type frame struct {
	name  string // of a member, or a key of a map
	index int    // of a list's member, from 1
	key   bool   // name is a key
}

// Checker collects the broken rules of one value.
type Checker struct {
	depth  int
	path   [maxDepth]frame
	count  int
	broken []string
}

// Broken says whether a rule was broken.
func (c *Checker) Broken() bool { return c.count > 0 }

// Message gives all broken rules as one text; it is empty if there are none.
func (c *Checker) Message() string {
	if c.count == 0 {
		return ""
	}
	noun := "errors"
	if c.count == 1 {
		noun = "error"
	}
	text := strconv.Itoa(c.count) + " validation " + noun + " detected: " + strings.Join(c.broken, "; ")
	if more := c.count - len(c.broken); more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}

// Enter goes down to a member; Leave comes back.
func (c *Checker) Enter(name string) { c.push(frame{name: name}) }

// EnterItem goes down to the member of a list at index i, counted from 0.
func (c *Checker) EnterItem(i int) { c.push(frame{index: i + 1}) }

// EnterKey goes down to the value of a map at a key.
func (c *Checker) EnterKey(k string) { c.push(frame{name: k, key: true}) }

// Leave comes back from the last Enter.
func (c *Checker) Leave() { c.depth-- }

func (c *Checker) push(f frame) {
	c.path[c.depth] = f
	c.depth++
}

// where gives the path to the current member, as in tags.1.member.tagKey.
func (c *Checker) where() string {
	var parts []string
	for _, f := range c.path[:c.depth] {
		switch {
		case f.index > 0:
			parts = append(parts, strconv.Itoa(f.index), "member")
		case f.key:
			parts = append(parts, shorten(f.name), "member")
		default:
			parts = append(parts, f.name)
		}
	}
	return strings.Join(parts, ".")
}

func (c *Checker) fail(value, rule string) {
	c.count++
	if len(c.broken) < MaxReported {
		c.broken = append(c.broken, "Value "+value+" at '"+c.where()+"' failed to satisfy constraint: "+rule)
	}
}

// Missing reports that the member name, which has to be there, is not.
func (c *Checker) Missing(name string) {
	c.Enter(name)
	c.fail("null", "Member must not be null")
	c.Leave()
}

// shown is how many characters of a value a message repeats.
const shown = 120

func quote(s string) string { return "'" + shorten(s) + "'" }

// shorten cuts long values: a message is for people, and values may be private.
func shorten(s string) string {
	n := utf8.RuneCountInString(s)
	if n <= shown {
		return s
	}
	cut := 0
	for range shown / 2 {
		_, w := utf8.DecodeRuneInString(s[cut:])
		cut += w
	}
	return s[:cut] + "… (" + strconv.Itoa(n) + " characters)"
}
