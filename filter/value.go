package filter

import (
	"slices"
	"strings"

	"usher/dataset"
)

// scalar reads the value behind a comparison sign.
func (p *parser) scalar(e *expression, c *condition) error {
	if p.tok.kind == word && strings.EqualFold(p.tok.s, "CurrentItem") {
		return p.currentItem(c)
	}
	open, err := p.sign("(")
	if err != nil {
		return err
	}
	if err := p.value(e, c, false); err != nil {
		return err
	}
	if open {
		return p.closing()
	}
	return nil
}

// truths are the words for the numbers in columns of truth values.
var truths = map[string]string{"true": "1", "false": "0"}

// value reads a text, a number or a parameter; listed ones stand behind IN.
func (p *parser) value(e *expression, c *condition, listed bool) error {
	at := p.tok
	switch at.kind {
	case param:
		if c.negate && listed && !p.extended {
			return p.refuse(at, "Invalid input symbol: $%s. Placeholders are not allowed with NOT_IN operator.", at.s)
		}
		for _, list := range []*[]string{&e.params, &p.program.params} {
			if !slices.Contains(*list, at.s) {
				*list = append(*list, at.s)
			}
		}
		c.values = append(c.values, operand{at.s, true})
	case text, number:
		if c.kind == dataset.Boolean {
			return p.truth(c)
		}
		if c.kind != dataset.String {
			if _, err := parseNumber(at.s); err != nil {
				return p.want("a number, because the column holds numbers,")
			}
		}
		if c.event && at.s == "*" {
			c.all = true
		}
		c.values = append(c.values, operand{at.s, false})
	case word:
		if c.kind == dataset.Boolean {
			return p.truth(c)
		}
		return p.want("a text in double quotes, a number or a parameter")
	default:
		return p.want("a text in double quotes, a number or a parameter")
	}
	return p.advance()
}

// truth reads a truth value: a word, the same in quotes, or its number.
func (p *parser) truth(c *condition) error {
	number, ok := truths[strings.ToLower(p.tok.s)]
	switch {
	case p.tok.s == "0" || p.tok.s == "1":
		number = p.tok.s
	case !ok:
		return p.want("true, false or a parameter")
	}
	c.values = append(c.values, operand{number, false})
	return p.advance()
}

// currentItem reads CurrentItem.NAME.
func (p *parser) currentItem(c *condition) error {
	at := p.tok
	if err := p.advance(); err != nil {
		return err
	}
	if c.dataset != dataset.Items {
		return p.invalid(at, "CurrentItem can be compared with columns of Items only.")
	}
	dot, err := p.sign(".")
	if err != nil {
		return err
	}
	if !dot || p.tok.kind != word {
		return p.want("a dot and the name of a column")
	}
	f, s, err := p.field(dataset.Items, p.tok, "CurrentItem")
	if err != nil {
		return err
	}
	if (s.Fields[f].Kind == dataset.String) != (c.kind == dataset.String) {
		return p.invalid(p.tok, "CurrentItem.%s and the column that it is compared with must both hold strings or both numbers.", s.Fields[f].Name)
	}
	c.current, c.currentSeveral, p.program.item = f, s.Fields[f].Categorical, true
	name := string(dataset.Items) + "." + strings.ToUpper(s.Fields[f].Name)
	if !slices.Contains(p.program.fields, name) {
		p.program.fields = append(p.program.fields, name)
	}
	return p.advance()
}
