package filter

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"usher/dataset"
)

// operator is how a condition compares.
type operator uint8

const (
	in operator = iota // = is in with one value
	less
	lessEqual
	greater
	greaterEqual
)

// condition compares a column with values. Values are given by texts (which may
// be numbers), parameters and the current item.
type condition struct {
	dataset dataset.Type
	field   int // of the schema
	kind    dataset.Kind
	several bool // of several categories
	id      bool // the column that names the record
	event   bool // the type of an event
	op      operator
	negate  bool // NOT IN and !=
	all     bool // *: every event
	values  []operand
	current int // the field of the current item that is compared with; -1: none

	currentSeveral bool // it is of several categories

	match       matching
	eventColumn eventColumn // of interactions
	name        string      // of interactions: the column's
	seconds     int64       // of WITHIN
}

// operand is a value written down, or the name of a parameter.
type operand struct {
	s     string
	param bool
}

// parser reads tokens by the grammar. Methods named like a part of the grammar
// read it.
type parser struct {
	scanner
	tok     token // the next one
	schemas Schemas
	program *Program
	begun   bool // the target is known

	extended bool // usher's own language
	depth    int  // of parentheses
}

// Compile reads an expression and checks it against the schemas of a group's
// datasets. Mistakes are *SyntaxError.
func Compile(src string, schemas Schemas) (*Program, error) {
	p := &parser{scanner: scanner{src: src}, schemas: schemas, program: &Program{}}
	if err := p.filter(); err != nil {
		return nil, err
	}
	return p.program, nil
}

func (p *parser) advance() (err error) {
	p.tok, err = p.next()
	return err
}

// want is the error for a token that does not fit.
func (p *parser) want(what string) error { return p.fail(p.tok.at, p.tok.to, what) }

// refuse is the error for something that is well written but not allowed.
func (p *parser) refuse(at token, format string, args ...any) error {
	return &SyntaxError{Position: utf8.RuneCountInString(p.src[:at.at]) + 1, Got: clip(p.src[at.at:at.to]), Msg: fmt.Sprintf(format, args...)}
}

func (p *parser) invalid(at token, format string, args ...any) error {
	return p.refuse(at, "Invalid Expression: "+format, args...)
}

// keyword says whether the next token is that word, and takes it.
func (p *parser) keyword(w string) (bool, error) {
	if p.tok.kind != word || !strings.EqualFold(p.tok.s, w) {
		return false, nil
	}
	return true, p.advance()
}

// sign is keyword for symbols.
func (p *parser) sign(s string) (bool, error) {
	if p.tok.kind != symbol || p.tok.s != s {
		return false, nil
	}
	return true, p.advance()
}

func (p *parser) filter() error {
	if err := p.advance(); err != nil {
		return err
	}
	own, err := p.keyword(opener)
	if err != nil {
		return err
	}
	p.extended = p.extended || own
	for {
		from := p.tok.at
		if err := p.expression(); err != nil {
			return err
		}
		p.last().text = strings.TrimSpace(p.src[from:p.tok.at])
		if p.tok.kind == end {
			return nil
		}
		more, err := p.sign("|")
		if err != nil {
			return err
		}
		if !more {
			return p.want(p.behind())
		}
	}
}

// behind names what can follow the expression that was read last.
func (p *parser) behind() string {
	switch e := p.last(); {
	case e.whenTree != nil:
		return "AND, OR, | or the end"
	case e.when != nil:
		return "AND, | or the end"
	}
	return "AND, OR, IF, | or the end"
}

func (p *parser) expression() error {
	e := &expression{}
	var err error
	if e.include, err = p.keyword("INCLUDE"); err != nil {
		return err
	}
	if !e.include {
		exclude, err := p.keyword("EXCLUDE")
		if err != nil {
			return err
		}
		if !exclude {
			return p.want("INCLUDE or EXCLUDE")
		}
	}
	if err := p.target(); err != nil {
		return err
	}
	where, err := p.keyword("WHERE")
	if err != nil {
		return err
	}
	if !where {
		return p.want("WHERE")
	}
	if p.extended {
		e.tree, err = p.either(func() (*node, error) { return p.targetLeaf(e) })
	} else {
		err = p.conditions(e)
	}
	if err != nil {
		return err
	}
	p.program.expressions = append(p.program.expressions, e)
	on, err := p.keyword("IF")
	if err != nil || !on {
		return err
	}
	if p.extended {
		e.whenTree, err = p.either(func() (*node, error) { return p.userLeaf(e) })
		return err
	}
	return p.userConditions(e)
}

// last is the expression that was read last.
func (p *parser) last() *expression {
	return p.program.expressions[len(p.program.expressions)-1]
}

func (p *parser) target() error {
	for _, t := range []Target{Items, Users, Actions} {
		if p.tok.kind != word || !strings.EqualFold(p.tok.s, t.String()) {
			continue
		}
		if p.begun && p.program.target != t {
			return p.invalid(p.tok, "all expressions of a filter must be about the same; the one before | is about %s, this one about %s.", p.program.target, t)
		}
		p.begun, p.program.target = true, t
		return p.advance()
	}
	return p.want("ItemID, UserID or ActionID")
}

func (p *parser) conditions(e *expression) error {
	for {
		var all []*condition
		for {
			c, err := p.condition(e)
			if err != nil {
				return err
			}
			all = append(all, c)
			and, err := p.keyword("AND")
			if err != nil {
				return err
			}
			if !and {
				break
			}
		}
		e.any = append(e.any, all)
		or, err := p.keyword("OR")
		if err != nil || !or {
			return err
		}
	}
}

// condition reads one condition behind WHERE.
func (p *parser) condition(e *expression) (*condition, error) {
	at := p.tok
	c := &condition{current: -1}
	if err := p.column(c, at); err != nil {
		return nil, err
	}
	if e.dataset == "" {
		e.dataset = c.dataset
	}
	if e.dataset != c.dataset && !p.extended {
		return nil, p.invalid(at, "an expression is about one dataset, and this one about %s and %s. Join two expressions with |.", e.dataset, c.dataset)
	}
	return c, p.comparison(e, c)
}

// datasets are the words before the dot.
var datasets = map[string]dataset.Type{
	"interactions": dataset.Interactions, "items": dataset.Items, "users": dataset.Users, "actions": dataset.Actions,
	"action_interactions": dataset.ActionInteractions, "action": dataset.Actions, // AWS's guide spells it so once
}

// about are the datasets that expressions of a target can look at.
var about = map[Target][]dataset.Type{
	Items:   {dataset.Items, dataset.Interactions},
	Users:   {dataset.Users, dataset.Interactions},
	Actions: {dataset.Actions, dataset.ActionInteractions},
}

// column reads dataset.NAME.
func (p *parser) column(c *condition, at token) error {
	name := p.tok.s
	t, ok := datasets[strings.ToLower(name)]
	if p.tok.kind != word || !ok {
		return p.want("a column, like Items.GENRES or Interactions.EVENT_TYPE,")
	}
	if !slices.Contains(about[p.program.target], t) {
		return p.invalid(at, "a filter of %s cannot look at %s, only at %s or %s.", p.program.target, name, about[p.program.target][0], about[p.program.target][1])
	}
	if err := p.advance(); err != nil {
		return err
	}
	c.dataset = t
	return p.member(c, name)
}

// member reads .NAME and finds the column of that name.
func (p *parser) member(c *condition, of string) error {
	dot, err := p.sign(".")
	if err != nil {
		return err
	}
	if !dot {
		return p.want("a dot and the name of a column")
	}
	at := p.tok
	if at.kind != word {
		return p.want("the name of a column")
	}
	f, s, err := p.field(c.dataset, at, of)
	if err != nil {
		return err
	}
	def := s.Fields[f]
	c.field, c.kind, c.several, c.id = f, def.Kind, def.Categorical, f == s.ID()
	if c.dataset == dataset.Interactions || c.dataset == dataset.ActionInteractions {
		column, ok := p.ofEvent(s, f)
		switch {
		case !ok && p.extended:
			return p.invalid(at, "%s.%s cannot be filtered by. Of interactions all columns can but the ids, IMPRESSION and RECOMMENDATION_ID.", of, def.Name)
		case !ok:
			return p.invalid(at, "%s.%s: of interactions only EVENT_TYPE can be filtered by.", of, def.Name)
		}
		c.event, c.eventColumn, c.name = column == typeColumn, column, def.Name
		p.program.user = p.program.user || p.program.target != Users
	}
	name := string(c.dataset) + "." + strings.ToUpper(def.Name)
	if !slices.Contains(p.program.fields, name) {
		p.program.fields = append(p.program.fields, name)
	}
	return p.advance()
}

// field finds a column that can be filtered by.
func (p *parser) field(t dataset.Type, at token, of string) (int, *dataset.Schema, error) {
	s := p.schemas[t]
	if s == nil {
		return 0, nil, p.invalid(at, "%s.%s: the dataset group has no dataset of type %s. Create it first.", of, at.s, t)
	}
	f := s.Column(at.s)
	if f < 0 {
		var names []string
		for _, x := range s.Fields {
			names = append(names, x.Name)
		}
		return 0, nil, p.invalid(at, "the %s schema has no column %q. It has %s.", t, clip(at.s), clip(strings.Join(names, ", ")))
	}
	switch def := s.Fields[f]; {
	case p.extended:
	case def.Kind == dataset.Boolean:
		return 0, nil, p.invalid(at, "%s.%s is a boolean column. Columns of strings and numbers can be filtered by; for example, make it a categorical string.", of, def.Name)
	case def.Textual:
		return 0, nil, p.invalid(at, "%s.%s is a textual column. Columns of other strings and of numbers can be filtered by.", of, def.Name)
	}
	return f, s, nil
}

// comparisons are the signs that need an order, and those that do not.
var comparisons = map[string]operator{"=": in, "!=": in, "<": less, "<=": lessEqual, ">": greater, ">=": greaterEqual}

// comparison reads what stands behind a column.
func (p *parser) comparison(e *expression, c *condition) error {
	not, err := p.keyword("NOT")
	if err != nil {
		return err
	}
	if further, err := p.furtherComparison(e, c, not); further || err != nil {
		return err
	}
	set, err := p.keyword("IN")
	switch {
	case err != nil:
		return err
	case set:
		c.negate = not
		return p.set(e, c)
	case not:
		return p.want("IN")
	}
	op, ok := comparisons[p.tok.s]
	if p.tok.kind != symbol || !ok {
		return p.want("IN, NOT IN, =, !=, <, <=, > or >=")
	}
	if op != in && c.kind == dataset.String {
		return p.invalid(p.tok, "%s compares numbers, but the column before it holds strings. Use =, !=, IN or NOT IN.", p.tok.s)
	}
	c.op, c.negate = op, p.tok.s == "!="
	if err := p.advance(); err != nil {
		return err
	}
	return p.scalar(e, c)
}

// set reads what stands behind IN: a list in parentheses, or a column of the
// current item.
func (p *parser) set(e *expression, c *condition) error {
	if p.tok.kind == word && strings.EqualFold(p.tok.s, "CurrentItem") {
		return p.currentItem(c)
	}
	open, err := p.sign("(")
	if err != nil {
		return err
	}
	if !open {
		return p.want("a list in parentheses")
	}
	star := p.tok
	if all, err := p.sign("*"); err != nil {
		return err
	} else if all {
		if !c.event {
			return p.invalid(star, "* stands for every event type and cannot be compared with other columns.")
		}
		c.all = true
		return p.closing()
	}
	for {
		if err := p.value(e, c, true); err != nil {
			return err
		}
		comma, err := p.sign(",")
		if err != nil {
			return err
		}
		if !comma {
			return p.closing()
		}
	}
}

func (p *parser) closing() error {
	closed, err := p.sign(")")
	if err == nil && !closed {
		err = p.want("a comma or )")
	}
	return err
}
