package filter

import (
	"math"
	"strings"

	"usher/dataset"
)

// boundNode is a node whose conditions have the values of this request.
type boundNode struct {
	is    junction
	kids  []*boundNode
	leaf  bound
	types []bool // of a leaf on event types: for which it holds
	since int64  // of WITHIN

	moments Moments // of a leaf on a column of the customer's own, and its number
	column  int
}

// bindTree gives the conditions of a tree their values.
func (n *narrowing) bindTree(t *node, number func(string) dataset.Index, item dataset.Row) (*boundNode, error) {
	out := &boundNode{is: t.is}
	for _, k := range t.kids {
		kid, err := n.bindTree(k, number, item)
		if err != nil {
			return nil, err
		}
		out.kids = append(out.kids, kid)
	}
	if t.is != leafNode {
		return out, nil
	}
	var err error
	if out.leaf, err = t.leaf.bind(n.args, number, item); err != nil {
		return nil, err
	}
	switch {
	case t.leaf.match == within:
		out.since = n.at.Now - t.leaf.seconds
	case t.leaf.event:
		out.types = out.leaf.types(n.view.EventTypes)
	case t.leaf.ofEvents() && t.leaf.eventColumn == ownColumn:
		return out, out.bindOwn(n.view.Moments)
	}
	return out, nil
}

// bindOwn finds the column of a leaf.
func (l *boundNode) bindOwn(m Moments) error {
	l.column = -1
	if m == nil {
		return nil
	}
	if !m.Complete() {
		return badArgument("Interactions.%s cannot be filtered by: the columns of this dataset group's interactions have more different values than are kept. Leave columns with a value for each event out of the schema.", l.leaf.name)
	}
	l.moments, l.column = m, m.Column(l.leaf.name)
	return nil
}

// cell gives what an event says in the column of a leaf.
func (l *boundNode) cell(e dataset.Event) dataset.Value {
	if l.column < 0 {
		return dataset.Value{}
	}
	return l.moments.Cell(e.Context, l.column)
}

// byTree adds what fulfils a tree.
func (n *narrowing) byTree(t *boundNode, bits bitmap) error {
	one := borrow(n.words)
	defer giveBack(one)
	if err := n.setOf(t, one); err != nil {
		return err
	}
	bits.or(one)
	return nil
}

// setOf puts what fulfils a tree into to, which is empty.
func (n *narrowing) setOf(t *boundNode, to bitmap) error {
	switch t.is {
	case someEvent:
		n.withEvent(t.kids[0], to)
		return nil
	case leafNode:
		return n.byLeaf(&t.leaf, to)
	}
	one := borrow(n.words)
	defer giveBack(one)
	for i, k := range t.kids {
		clear(one)
		if err := n.setOf(k, one); err != nil {
			return err
		}
		if t.is == allOf && i > 0 {
			to.and(one)
		} else {
			to.or(one)
		}
	}
	if t.is == noneOf {
		to.flip()
	}
	return nil
}

// byLeaf is byRecords for one condition.
func (n *narrowing) byLeaf(b *bound, to bitmap) error {
	if n.records.Table == nil {
		return errNoRecords(n.program.target)
	}
	n.mark(b, to)
	for _, c := range n.records.Changed {
		if b.matches(c.Index, c.Row) {
			to.add(c.Index)
		} else {
			to.remove(c.Index)
		}
	}
	return nil
}

// withEvent adds what has an event that fulfils a tree: of items those of the
// current user's events, of users those who have such an event.
func (n *narrowing) withEvent(t *boundNode, to bitmap) {
	if n.program.target != Users {
		for _, e := range n.currentEvents() {
			if t.holdsOf(e) {
				to.add(e.Item)
			}
		}
		return
	}
	for u := range dataset.Index(n.words * 64) {
		for _, e := range n.counting(u) {
			if t.holdsOf(e) {
				to.add(u)
				break
			}
		}
	}
}

// join says whether a node holds where holds says it of its conditions.
func (t *boundNode) join(holds func(leaf *boundNode) bool) bool {
	switch t.is {
	case leafNode:
		return holds(t)
	case noneOf:
		return !t.kids[0].join(holds)
	}
	for _, k := range t.kids {
		if k.join(holds) == (t.is == anyOf) {
			return t.is == anyOf
		}
	}
	return t.is == allOf
}

// holdsOf judges one event.
func (t *boundNode) holdsOf(e dataset.Event) bool {
	return t.join(func(l *boundNode) bool { return l.holdsOfEvent(e) })
}

func (l *boundNode) holdsOfEvent(e dataset.Event) bool {
	b := &l.leaf
	switch {
	case b.match == within:
		return e.Time >= l.since
	case b.event:
		return means(l.types, e)
	case b.eventColumn == ownColumn:
		return b.holdsValue(l.cell(e)) != b.negate
	case b.match == isNull:
		return (b.eventColumn == valueColumn && math.IsNaN(float64(e.Value))) != b.negate
	}
	k, known := wholeKey(e.Time), true
	if b.eventColumn == valueColumn {
		k, known = floatKey(float64(e.Value)), !math.IsNaN(float64(e.Value))
	}
	hit := false
	for _, r := range b.ranges {
		hit = hit || known && r.has(k)
	}
	return hit != b.negate
}

// holdsOfUser judges the current user.
func (n *narrowing) holdsOfUser(t *boundNode) bool {
	return t.join(func(l *boundNode) bool { return l.leaf.matches(n.at.User, n.view.Users.row(n.at.User)) })
}

// hasText says whether a text is one of those that a condition names.
func (b *bound) hasText(s string) bool {
	for _, t := range b.texts {
		switch {
		case b.match == like && b.event:
			if matchesPattern(strings.ToLower(t), strings.ToLower(s)) {
				return true
			}
		case b.match == like:
			if matchesPattern(t, s) {
				return true
			}
		case b.event:
			if strings.EqualFold(t, s) {
				return true
			}
		case t == s:
			return true
		}
	}
	return false
}
