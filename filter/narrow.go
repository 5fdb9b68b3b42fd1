package filter

import (
	"errors"
	"fmt"

	"usher/dataset"
)

// Narrow takes out of allow what the filter does not let through. allow has to
// be a set with room for all records of the target, not the one that holds
// everything. args are the values of the parameters as the caller wrote them;
// mistakes in them are *ArgumentError, and then allow is as before.
func (p *Program) Narrow(allow dataset.Set, v *View, at At, args map[string]string) error {
	if allow.All() {
		return errors.New("narrow: the set that holds everything has no room to be narrowed")
	}
	values, err := p.arguments(args)
	if err != nil {
		return err
	}
	if p.timed && at.Now == 0 {
		return errors.New("narrow: the filter looks at the clock, and there is none")
	}
	n := p.narrowing(v, at, values, len(allow.Words()))
	include, exclude := borrow(n.words), borrow(n.words)
	defer giveBack(include)
	defer giveBack(exclude)
	included := false
	for _, e := range p.expressions {
		to := exclude
		if e.include {
			to = include
		}
		on, err := n.expression(e, to)
		if err != nil {
			return err
		}
		included = included || on && e.include
	}
	stay := bitmap(allow.Words())
	if included {
		stay.and(include)
	}
	stay.andNot(exclude)
	return nil
}

// narrowing gives an evaluation on bitmaps of some words.
func (p *Program) narrowing(v *View, at At, args arguments, words int) *narrowing {
	n := &narrowing{program: p, view: v, at: at, args: args, words: words}
	switch p.target {
	case Items:
		n.records = v.Items
	case Users:
		n.records = v.Users
	case Actions:
		n.records = v.Actions
	}
	return n
}

// narrowing is one evaluation.
type narrowing struct {
	program *Program
	view    *View
	records Records // of the target
	at      At
	args    arguments
	words   int
	events  []dataset.Event // what counts of the current user's
	counted bool            // events is set
}

// expression adds to bits what an expression takes in or out. It says whether it
// counts: not where the current user is another, nor an EXCLUDE that lacks a value.
func (n *narrowing) expression(e *expression, bits bitmap) (on bool, err error) {
	if name, missing := e.missing(n.args); missing {
		if !e.include {
			return false, nil
		}
		return false, badArgument("filterValues lacks a value for the filter parameter $%s, which an INCLUDE needs. Only an EXCLUDE is left out when a value is missing.", name)
	}
	item := n.view.Items.row(n.at.Item)
	for _, c := range e.when {
		b, err := c.bind(n.args, n.view.Users.Number, nil)
		if err != nil {
			return false, err
		}
		if !b.matches(n.at.User, n.view.Users.row(n.at.User)) {
			return false, nil
		}
	}
	if e.tree != nil {
		return n.extended(e, item, bits)
	}
	all := make([][]bound, len(e.any))
	for i, group := range e.any {
		for _, c := range group {
			b, err := c.bind(n.args, n.records.Number, item)
			if err != nil {
				return false, err
			}
			all[i] = append(all[i], b)
		}
	}
	if e.any[0][0].event {
		return true, n.byEvents(all, bits)
	}
	return true, n.byRecords(all, bits)
}

// extended is expression for usher's own language.
func (n *narrowing) extended(e *expression, item dataset.Row, bits bitmap) (on bool, err error) {
	if e.whenTree != nil {
		when, err := n.bindTree(e.whenTree, n.view.Users.Number, nil)
		if err != nil || !n.holdsOfUser(when) {
			return false, err
		}
	}
	t, err := n.bindTree(e.tree, n.records.Number, item)
	if err != nil {
		return false, err
	}
	return true, n.byTree(t, bits)
}

func errNoRecords(t Target) error {
	return fmt.Errorf("narrow: there are no records for a filter of %s", t)
}

// byRecords adds the records that fulfil conditions on columns.
func (n *narrowing) byRecords(any [][]bound, bits bitmap) error {
	t := n.records.Table
	if t == nil {
		return errNoRecords(n.program.target)
	}
	both, one, sum := borrow(n.words), borrow(n.words), borrow(n.words)
	defer giveBack(both)
	defer giveBack(one)
	defer giveBack(sum)
	for _, group := range any {
		for i := range group {
			to := one
			if i == 0 {
				to = both
			}
			clear(to)
			n.mark(&group[i], to)
			if i > 0 {
				both.and(one)
			}
		}
		sum.or(both)
	}
	for _, c := range n.records.Changed {
		if fulfils(any, c) {
			sum.add(c.Index)
		} else {
			sum.remove(c.Index)
		}
	}
	bits.or(sum)
	return nil
}

// mark puts the records that fulfil a condition into bits, which is empty.
func (n *narrowing) mark(b *bound, bits bitmap) {
	if b.id {
		bits.addAll(b.ids)
	} else if c := n.records.Table.column(b.field); c != nil {
		c.mark(b, bits)
	}
	if b.negate {
		bits.flip()
	}
}

// fulfils judges one record.
func fulfils(any [][]bound, c Change) bool {
	for _, group := range any {
		all := true
		for i := range group {
			all = all && group[i].matches(c.Index, c.Row)
		}
		if all {
			return true
		}
	}
	return false
}

// byEvents adds what has events that fulfil conditions: of items, those of the
// current user's events; of users, those who have such events.
func (n *narrowing) byEvents(any [][]bound, bits bitmap) error {
	matched := make([][][]bool, len(any)) // whether an event type is meant
	for i, group := range any {
		for j := range group {
			matched[i] = append(matched[i], group[j].types(n.view.EventTypes))
		}
	}
	if n.program.target == Users {
		n.usersWith(matched, bits)
		return nil
	}
	n.currentEvents()
	both, one := bitmap(nil), bitmap(nil)
	for _, group := range matched {
		if len(group) == 1 {
			n.itemsOf(group[0], bits)
			continue
		}
		if both == nil {
			both, one = borrow(n.words), borrow(n.words)
			defer giveBack(both)
			defer giveBack(one)
		}
		clear(both)
		n.itemsOf(group[0], both)
		for _, types := range group[1:] {
			clear(one)
			n.itemsOf(types, one)
			both.and(one)
		}
		bits.or(both)
	}
	return nil
}

// means says whether the type of an event is one of those. A type that came
// after the view was made is none.
func means(types []bool, e dataset.Event) bool { return int(e.Type) < len(types) && types[e.Type] }

// itemsOf adds the items of the current user's events of some types.
func (n *narrowing) itemsOf(types []bool, bits bitmap) {
	for _, e := range n.events {
		if means(types, e) {
			bits.add(e.Item)
		}
	}
}

// usersWith adds the users who have, for each condition of a group, an event
// that fulfils it.
func (n *narrowing) usersWith(any [][][]bool, bits bitmap) {
	for u := range dataset.Index(n.words * 64) {
		events := n.counting(u)
		if len(events) == 0 {
			continue
		}
		for _, group := range any {
			all := true
			for _, types := range group {
				found := false
				for _, e := range events {
					found = found || means(types, e)
				}
				all = all && found
			}
			if all {
				bits.add(u)
				break
			}
		}
	}
}

// currentEvents gives what counts of the current user's events.
func (n *narrowing) currentEvents() []dataset.Event {
	if !n.counted {
		n.events, n.counted = n.counting(n.at.User), true
	}
	return n.events
}

// counting gives the events of a user that filters look at.
func (n *narrowing) counting(u dataset.Index) []dataset.Event {
	if u == dataset.NoIndex || n.view.Events == nil {
		return nil
	}
	events := n.view.Events(u)
	if len(events) == 0 {
		return nil
	}
	limits := n.view.Limits
	if limits.Events <= 0 || len(events) <= limits.Events {
		return events
	}
	left := make([]int, len(n.view.EventTypes))
	out := make([]dataset.Event, 0, len(events))
	for i := len(events) - 1; i >= 0; i-- {
		if e := events[i]; int(e.Type) < len(left) && left[e.Type] < limits.Events {
			left[e.Type]++
			out = append(out, e)
		}
	}
	return out
}
