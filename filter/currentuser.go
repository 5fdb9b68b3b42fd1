package filter

import (
	"strings"

	"usher/dataset"
)

// userConditions reads what stands behind IF.
func (p *parser) userConditions(e *expression) error {
	for {
		c, err := p.userCondition(e)
		if err != nil {
			return err
		}
		e.when = append(e.when, c)
		and, err := p.keyword("AND")
		if err != nil {
			return err
		}
		if !and {
			if p.tok.kind == word && strings.EqualFold(p.tok.s, "OR") {
				return p.want("AND, | or the end (conditions behind IF cannot be joined by OR)")
			}
			return nil
		}
	}
}

// userCondition reads one condition behind IF.
func (p *parser) userCondition(e *expression) (*condition, error) {
	at := p.tok
	user, err := p.keyword("CurrentUser")
	if err != nil {
		return nil, err
	}
	if !user {
		return nil, p.fail(at.at, at.to, "CurrentUser")
	}
	if p.program.target == Users {
		return nil, p.invalid(at, "CurrentUser is for filters of items and actions; those of users compare Users.")
	}
	p.program.user = true
	c := &condition{current: -1, dataset: dataset.Users}
	if err := p.member(c, "CurrentUser"); err != nil {
		return nil, err
	}
	if err := p.comparison(e, c); err != nil {
		return nil, err
	}
	if c.current >= 0 {
		return nil, p.invalid(at, "CurrentUser cannot be compared with CurrentItem.")
	}
	return c, nil
}
