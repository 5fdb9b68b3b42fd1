package filter

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"usher/dataset"
)

// usher's own language is that of AWS behind the word USHER, and more: conditions
// are joined by AND, OR, NOT and parentheses as deep as one likes, those of items
// and of interactions in one expression; BETWEEN, LIKE and IS NULL; boolean and
// textual columns; EVENT (…), which speaks of single events by type, value, time,
// age and the customer's own columns.
//
//	USHER INCLUDE ItemID WHERE (Items.YEAR BETWEEN 1990 AND 1999 OR Items.TITLE LIKE "Star%")
//	AND NOT EVENT (Interactions.EVENT_TYPE = "watch" AND WITHIN 30 DAYS)

// opener is the word that begins an expression of usher's own language.
const opener = "USHER"

// CompileExtended is Compile for expressions of usher's own language whether or
// not they begin with its word.
func CompileExtended(src string, schemas Schemas) (*Program, error) {
	p := &parser{scanner: scanner{src: src}, schemas: schemas, program: &Program{}, extended: true}
	if err := p.filter(); err != nil {
		return nil, err
	}
	return p.program, nil
}

// junction is how a node joins others.
type junction uint8

const (
	leafNode  junction = iota
	allOf              // AND
	anyOf              // OR
	noneOf             // NOT, of one node
	someEvent          // there is an event that fulfils the one node
)

// node is a condition, or several that are joined.
type node struct {
	is   junction
	kids []*node
	leaf *condition
}

// matching is what a condition does with its values.
type matching uint8

const (
	compares matching = iota
	between           // two values
	like              // patterns
	isNull
	within // seconds before now
)

// deepest is how deep parentheses go: each is a call of a function.
const deepest = 50

// either reads nodes joined by OR.
func (p *parser) either(leaf func() (*node, error)) (*node, error) {
	return p.joined("OR", anyOf, func() (*node, error) {
		return p.joined("AND", allOf, func() (*node, error) { return p.single(leaf) })
	})
}

// joined reads nodes with a word between them.
func (p *parser) joined(word string, is junction, read func() (*node, error)) (*node, error) {
	out := &node{is: is}
	for {
		kid, err := read()
		if err != nil {
			return nil, err
		}
		out.kids = append(out.kids, kid)
		more, err := p.keyword(word)
		if err != nil {
			return nil, err
		}
		if !more && len(out.kids) == 1 {
			return kid, nil
		}
		if !more {
			return out, nil
		}
	}
}

// single reads a condition, one in parentheses or one with NOT before it.
func (p *parser) single(leaf func() (*node, error)) (*node, error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > deepest {
		return nil, p.invalid(p.tok, "conditions are nested deeper than %d.", deepest)
	}
	not, err := p.keyword("NOT")
	if err != nil {
		return nil, err
	}
	if not {
		kid, err := p.single(leaf)
		return &node{is: noneOf, kids: []*node{kid}}, err
	}
	if p.tok.kind == symbol && p.tok.s == "(" {
		return p.enclosed(leaf)
	}
	return leaf()
}

// enclosed reads nodes in parentheses.
func (p *parser) enclosed(leaf func() (*node, error)) (*node, error) {
	open, err := p.sign("(")
	if err == nil && !open {
		err = p.want("(")
	}
	if err != nil {
		return nil, err
	}
	out, err := p.either(leaf)
	if err != nil {
		return nil, err
	}
	closed, err := p.sign(")")
	if err == nil && !closed {
		err = p.want("AND, OR or )")
	}
	return out, err
}

// targetLeaf reads a condition on what is filtered, or on events.
func (p *parser) targetLeaf(e *expression) (*node, error) {
	event, err := p.keyword("EVENT")
	if err != nil {
		return nil, err
	}
	if event {
		p.program.user = p.program.user || p.program.target != Users
		kid, err := p.enclosed(func() (*node, error) { return p.eventLeaf(e) })
		return &node{is: someEvent, kids: []*node{kid}}, err
	}
	c, err := p.condition(e)
	if err != nil {
		return nil, err
	}
	out := &node{leaf: c}
	if c.ofEvents() {
		out = &node{is: someEvent, kids: []*node{out}}
	}
	return out, nil
}

// eventLeaf reads a condition on one event.
func (p *parser) eventLeaf(e *expression) (*node, error) {
	at := p.tok
	age, err := p.keyword("WITHIN")
	if err != nil {
		return nil, err
	}
	if age {
		seconds, err := p.duration()
		p.program.timed = true
		return &node{leaf: &condition{dataset: dataset.Interactions, match: within, seconds: seconds, current: -1}}, err
	}
	c, err := p.condition(e)
	if err == nil && !c.ofEvents() {
		err = p.invalid(at, "inside EVENT (…) only columns of Interactions can be compared, and WITHIN.")
	}
	return &node{leaf: c}, err
}

// units are the words behind the number of WITHIN.
var units = map[string]int64{"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 7 * 86400}

// duration reads a number and a unit.
func (p *parser) duration() (seconds int64, err error) {
	at := p.tok
	n, err := strconv.ParseFloat(at.s, 64)
	if at.kind != number || err != nil || n < 0 || n > 1e9 {
		return 0, p.want("a number of days, hours or the like")
	}
	if err := p.advance(); err != nil {
		return 0, err
	}
	unit, ok := units[strings.TrimSuffix(strings.ToLower(p.tok.s), "s")]
	if p.tok.kind != word || !ok {
		return 0, p.want("SECONDS, MINUTES, HOURS, DAYS or WEEKS")
	}
	return int64(math.Round(n * float64(unit))), p.advance()
}

// userLeaf reads a condition behind IF.
func (p *parser) userLeaf(e *expression) (*node, error) {
	c, err := p.userCondition(e)
	return &node{leaf: c}, err
}

// furtherComparison reads what only usher's language has behind a column. It says
// whether there was something.
func (p *parser) furtherComparison(e *expression, c *condition, not bool) (bool, error) {
	switch {
	case !p.extended || p.tok.kind != word:
		return false, nil
	case strings.EqualFold(p.tok.s, "BETWEEN"):
		return true, p.between(e, c, not)
	case strings.EqualFold(p.tok.s, "LIKE"):
		return true, p.like(e, c, not)
	case strings.EqualFold(p.tok.s, "IS") && !not:
		return true, p.null(c)
	}
	return false, nil
}

func (p *parser) between(e *expression, c *condition, not bool) error {
	if c.kind == dataset.String {
		return p.invalid(p.tok, "BETWEEN compares numbers, but the column before it holds strings.")
	}
	c.match, c.op, c.negate = between, greaterEqual, not
	if err := p.advance(); err != nil {
		return err
	}
	if err := p.value(e, c, false); err != nil {
		return err
	}
	and, err := p.keyword("AND")
	if err == nil && !and {
		err = p.want("AND and the second value of BETWEEN")
	}
	if err != nil {
		return err
	}
	return p.value(e, c, false)
}

func (p *parser) like(e *expression, c *condition, not bool) error {
	if c.kind != dataset.String || c.id {
		return p.invalid(p.tok, "LIKE compares texts; the column before it holds numbers or ids.")
	}
	c.match, c.negate = like, not
	if err := p.advance(); err != nil {
		return err
	}
	return p.value(e, c, false)
}

func (p *parser) null(c *condition) error {
	at := p.tok
	if err := p.advance(); err != nil {
		return err
	}
	not, err := p.keyword("NOT")
	if err != nil {
		return err
	}
	word, err := p.keyword("NULL")
	switch {
	case err != nil:
		return err
	case !word:
		return p.want("NULL or NOT NULL")
	case c.id:
		return p.invalid(at, "ids are never null.")
	}
	c.match, c.negate = isNull, not
	return nil
}

// ofEvents says whether a condition is about events.
func (c *condition) ofEvents() bool {
	return c.dataset == dataset.Interactions || c.dataset == dataset.ActionInteractions
}

// eventColumn is a column of interactions as it is known of each event.
type eventColumn uint8

const (
	typeColumn eventColumn = iota
	valueColumn
	timeColumn
	ownColumn // the customer's own, and reserved ones that an event has no place for
)

// ofEvent says whether the column of interactions at a position can be compared, and
// which one it is.
func (p *parser) ofEvent(s *dataset.Schema, field int) (at eventColumn, ok bool) {
	switch s.Fields[field].Name {
	case "EVENT_TYPE":
		return typeColumn, true
	case "EVENT_VALUE":
		return valueColumn, p.extended
	case "TIMESTAMP":
		return timeColumn, p.extended
	}
	return ownColumn, p.extended && slices.Contains(s.OwnColumns(), field)
}

// matchesPattern says whether a text is like a pattern, in which % stands for any
// text and _ for any character; behind a backslash both stand for themselves.
func matchesPattern(pattern, s string) bool {
	want, have := []rune(pattern), []rune(s)
	star, from := -1, 0 // the last %, and where the text behind it may begin
	at, i := 0, 0
	for i < len(have) {
		switch {
		case at < len(want) && want[at] == '%':
			star, from = at, i
			at++
			continue
		case at < len(want) && want[at] == '_':
			at, i = at+1, i+1
			continue
		case at < len(want) && literal(want, at) == have[i]:
			at, i = at+width(want, at), i+1
			continue
		}
		if star < 0 {
			return false
		}
		from++
		at, i = star+1, from
	}
	for at < len(want) && want[at] == '%' {
		at++
	}
	return at == len(want)
}

// width is how many runes of a pattern stand for one character.
func width(pattern []rune, at int) int {
	if pattern[at] == '\\' && at+1 < len(pattern) {
		return 2
	}
	return 1
}

// literal gives the character that a place of a pattern stands for.
func literal(pattern []rune, at int) rune { return pattern[at+width(pattern, at)-1] }
