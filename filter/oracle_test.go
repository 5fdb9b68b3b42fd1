package filter

import (
	"cmp"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"usher/dataset"
)

// term is a condition as a person would write it down, with values in place of
// parameters: the oracle's own form of it.
type term struct {
	table, name string
	op          string // IN, NOT IN, =, …
	values      []string
	current     string // column of the current item
	text        string // as written
	params      []string
}

// clause is one expression.
type clause struct {
	include bool
	any     [][]term
	when    []term
}

// writer makes random expressions.
type writer struct {
	*rand.Rand
	args map[string]string // values of parameters; some are left out
	n    int
}

func (x *writer) pick(s ...string) string { return s[x.IntN(len(s))] }

var numbers = []string{"-9223372036854775808", "-5", "-3", "-2.5", "-1", "0", "0.1", "0.5", "1", "1.5", "2", "3", "3.25", "7", "20", "30.5",
	"1152921504606846976", "1152921504606846977", "9223372036854775807", "9223372036854775808", "1000000000000000000000", "-1000000000000000000000", "1000000000000000000"}

var words = map[string][]string{
	"GENRE": {"a", "b", "c", "d", "e", "A", "a|b"}, "TAGS": {"a", "b", "c", "z"}, "TITLE": {"x", "y|a", "a", "X"}, "PLAN": {"free", "paid", "x"},
	"EVENT_TYPE": {"click", "CLICK", "buy", "watch", "sold", "*"}, "ITEM_ID": {"i0", "i1", "i7", "i500", "no"}, "USER_ID": {"u0", "u3", "u99"},
}

func isNumber(name string) bool {
	return name == "YEAR" || name == "PRICE" || name == "RANK" || name == "AGE"
}

func (x *writer) cased(s string) string {
	switch x.IntN(3) {
	case 0:
		return strings.ToLower(s)
	case 1:
		return strings.ToUpper(s)
	}
	return s
}

// value gives a value, written down or as a parameter that stands for it.
func (x *writer) value(t *term, name string, placeholder bool) string {
	v := ""
	if isNumber(name) {
		v = numbers[x.IntN(len(numbers))]
	} else {
		v = words[name][x.IntN(len(words[name]))]
	}
	if name == "EVENT_TYPE" && v == "*" && !strings.HasSuffix(t.op, "IN") {
		v = "buy"
	}
	quoted := strconv.Quote(v)
	if isNumber(name) && x.IntN(3) > 0 {
		quoted = v
	}
	t.values = append(t.values, v)
	if !placeholder || x.IntN(3) > 0 {
		return quoted
	}
	x.n++
	p := fmt.Sprintf("p_%d", x.n)
	t.params = append(t.params, p)
	if x.IntN(12) == 0 { // its value is missing
		return "$" + p
	}
	if strings.HasSuffix(t.op, "IN") && x.IntN(2) == 0 {
		u := &term{op: t.op}
		quoted += " , " + x.value(u, name, false)
		t.values = append(t.values, u.values...)
	}
	x.args[p] = quoted
	return "$" + p
}

func (x *writer) term(table string, names ...string) term {
	t := term{table: table, name: names[x.IntN(len(names))]}
	ops := []string{"IN", "NOT IN", "=", "!=", "IN"}
	if isNumber(t.name) {
		ops = append(ops, "<", "<=", ">", ">=")
	}
	t.op = x.pick(ops...)
	t.text = x.cased(table) + "." + x.cased(t.name) + x.pick(" ", "  ", "\n") + x.cased(t.op) + " "
	if table == "Items" && t.name != "ITEM_ID" && x.IntN(6) == 0 {
		t.current = x.pick("GENRE", "TITLE", "TAGS")
		if isNumber(t.name) {
			t.current = x.pick("YEAR", "PRICE", "RANK")
		}
		t.text += x.cased("CurrentItem") + "." + x.cased(t.current)
		return t
	}
	if !strings.HasSuffix(t.op, "IN") {
		v := x.value(&t, t.name, true)
		if x.IntN(4) == 0 {
			v = "(" + v + ")"
		}
		t.text += v
		return t
	}
	if t.name == "EVENT_TYPE" && x.IntN(8) == 0 {
		t.values = []string{"*"}
		t.text += "(*)"
		return t
	}
	var list []string
	for range 1 + x.IntN(3) {
		list = append(list, x.value(&t, t.name, t.op == "IN"))
	}
	t.text += "(" + strings.Join(list, x.pick(",", ", ")) + ")"
	return t
}

func (x *writer) clause(target Target) (clause, string) {
	c := clause{include: x.IntN(2) == 0}
	text := x.cased(map[bool]string{true: "INCLUDE", false: "EXCLUDE"}[c.include]) + " " + x.cased(target.String()) + " " + x.cased("WHERE") + " "
	table := x.pick("Items", "Items", "Interactions")
	names := []string{"GENRE", "TAGS", "TITLE", "YEAR", "PRICE", "RANK", "ITEM_ID"}
	if target == Users {
		table = x.pick("Users", "Interactions")
		names = []string{"AGE", "PLAN", "USER_ID"}
	}
	if table == "Interactions" {
		names = []string{"EVENT_TYPE"}
	}
	for i := range 1 + x.IntN(3) {
		var group []term
		if i > 0 {
			text += " " + x.cased("OR") + " "
		}
		for j := range 1 + x.IntN(3) {
			if j > 0 {
				text += " " + x.cased("AND") + " "
			}
			t := x.term(table, names...)
			text += t.text
			group = append(group, t)
		}
		c.any = append(c.any, group)
	}
	if target == Items && x.IntN(3) == 0 {
		text += " " + x.cased("IF") + " "
		for j := range 1 + x.IntN(2) {
			if j > 0 {
				text += " AND "
			}
			t := x.term("CurrentUser", "AGE", "PLAN")
			text += t.text
			c.when = append(c.when, t)
		}
	}
	return c, text
}

// oracle evaluates by the words of the language's description, record by record.
type oracle struct {
	*world
	at    At
	args  map[string]string
	pasts map[dataset.Index][]dataset.Event
}

func (o *oracle) cell(s *dataset.Schema, row dataset.Row, name string) dataset.Value {
	if row == nil {
		return dataset.Value{}
	}
	return row[s.Column(name)]
}

func partsOf(s *dataset.Schema, name string, v dataset.Value) []string {
	if v.Kind == "" {
		return nil
	}
	if s.Fields[s.Column(name)].Categorical {
		return strings.Split(v.Str, "|")
	}
	return []string{v.Str}
}

// compared gives the sign of a cell's number less a value's: whole numbers
// exactly, others as float64.
func compared(v dataset.Value, value string) int {
	if v.Kind == dataset.Double {
		f, _ := strconv.ParseFloat(value, 64)
		return cmp.Compare(v.Num, f)
	}
	if n, err := strconv.ParseInt(value, 10, 64); err == nil {
		return cmp.Compare(v.Int, n)
	}
	r, _ := new(big.Rat).SetString(value)
	return new(big.Rat).SetInt64(v.Int).Cmp(r)
}

func (o *oracle) holds(t term, s *dataset.Schema, row dataset.Row, id string) bool {
	v := o.cell(s, row, t.name)
	if s.Column(t.name) == s.ID() { // known by its number, with or without a record
		v = str(id)
	}
	values := t.values
	if t.current != "" {
		items := o.Schemas[dataset.Items]
		c := o.cell(items, o.view.Items.row(o.at.Item), t.current)
		values = nil
		switch {
		case c.Kind == "":
		case c.Kind == dataset.String:
			values = partsOf(items, t.current, c)
		case c.Kind == dataset.Double:
			values = []string{strconv.FormatFloat(c.Num, 'f', -1, 64)}
		default:
			values = []string{strconv.FormatInt(c.Int, 10)}
		}
	}
	is := false
	for _, value := range values {
		if v.Kind == "" {
			continue
		}
		if v.Kind == dataset.String {
			is = is || slices.Contains(partsOf(s, t.name, v), value)
			continue
		}
		switch c := compared(v, value); t.op {
		case "<":
			is = is || c < 0
		case "<=":
			is = is || c <= 0
		case ">":
			is = is || c > 0
		case ">=":
			is = is || c >= 0
		default:
			is = is || c == 0
		}
	}
	return is != (t.op == "NOT IN" || t.op == "!=")
}

// past gives the events of a user that are looked at.
func (o *oracle) past(u dataset.Index) (out []dataset.Event) {
	if out, ok := o.pasts[u]; ok {
		return out
	}
	defer func() { o.pasts[u] = out }()
	all := o.view.Events(u)
	l := o.view.Limits
	count := map[uint16]int{}
	for i := len(all) - 1; i >= 0; i-- {
		if count[all[i].Type]++; l.Events == 0 || len(all) <= l.Events || count[all[i].Type] <= l.Events {
			out = append(out, all[i])
		}
	}
	return out
}

// had says whether a user has an event that a term means, with the item unless
// that is NoIndex.
func (o *oracle) had(t term, u, item dataset.Index) bool {
	for _, e := range o.past(u) {
		if item != dataset.NoIndex && e.Item != item {
			continue
		}
		is := slices.ContainsFunc(t.values, func(v string) bool { return v == "*" || strings.EqualFold(v, o.types[e.Type]) })
		if is != (t.op == "NOT IN" || t.op == "!=") {
			return true
		}
	}
	return false
}

var errMissing = errors.New("a value is missing")

// stays says whether a record of the target stays.
func (o *oracle) stays(target Target, clauses []clause, i dataset.Index) (bool, error) {
	includes, in, out := false, false, false
	for _, c := range clauses {
		missing := false
		for _, t := range append(slices.Concat(c.any...), c.when...) {
			for _, p := range t.params {
				if _, ok := o.args[p]; !ok {
					missing = true
				}
			}
		}
		if missing && c.include {
			return false, errMissing
		}
		on := !missing
		users := o.Schemas[dataset.Users]
		for _, t := range c.when {
			id := ""
			on = on && o.holds(t, users, o.view.Users.row(o.at.User), id)
		}
		if !on {
			continue
		}
		hit := false
		for _, group := range c.any {
			all := true
			for _, t := range group {
				switch {
				case t.table == "Interactions" && target == Items:
					all = all && o.had(t, o.at.User, i)
				case t.table == "Interactions":
					all = all && o.had(t, i, dataset.NoIndex)
				case target == Items:
					all = all && o.holds(t, o.Schemas[dataset.Items], o.view.Items.row(i), fmt.Sprint("i", i))
				default:
					all = all && o.holds(t, users, o.view.Users.row(i), fmt.Sprint("u", i))
				}
			}
			hit = hit || all
		}
		if c.include {
			includes, in = true, in || hit
		} else {
			out = out || hit
		}
	}
	return (in || !includes) && !out, nil
}

// TestOracle compares random filters, worlds, users and items with the oracle.
func TestOracle(t *testing.T) {
	rounds := 400
	if testing.Short() {
		rounds = 40
	}
	cases, refused := 0, 0
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 7))
		w := newWorld(t, r)
		for range 60 {
			x := &writer{Rand: r, args: map[string]string{}}
			target := Target(r.IntN(4) / 3)
			var clauses []clause
			var texts []string
			for range 1 + r.IntN(3) {
				c, text := x.clause(target)
				clauses, texts = append(clauses, c), append(texts, text)
			}
			src := strings.Join(texts, " | ")
			p, err := Compile(src, w.Schemas)
			if err != nil {
				t.Fatalf("seed %d: %s: %v", seed, src, err)
			}
			n := len(w.itemRows)
			if target == Users {
				n = len(w.userRows)
			}
			at := At{User: dataset.Index(r.IntN(len(w.userRows) + 1)), Item: dataset.Index(r.IntN(len(w.itemRows) + 1))}
			if r.IntN(10) == 0 {
				at.User = dataset.NoIndex
			}
			allow := dataset.NewSet(n)
			had := make([]bool, n)
			for i := range n {
				if had[i] = r.IntN(8) > 0; had[i] {
					allow.Add(dataset.Index(i))
				}
			}
			o := &oracle{w, at, x.args, map[dataset.Index][]dataset.Event{}}
			err = p.Narrow(allow, w.view, at, x.args)
			for i := range n {
				want, wantErr := o.stays(target, clauses, dataset.Index(i))
				var bad *ArgumentError
				if wantErr != nil {
					if !errors.As(err, &bad) || allow.Has(dataset.Index(i)) != had[i] {
						t.Fatalf("seed %d: %s with %v: got %v, want an error and no change", seed, src, x.args, err)
					}
					refused++
					break
				}
				if err != nil {
					t.Fatalf("seed %d: %s with %v: %v", seed, src, x.args, err)
				}
				if got := allow.Has(dataset.Index(i)); got != (want && had[i]) {
					t.Fatalf("seed %d: %s with %v, user %d, item %d: %s %d stays %v, want %v\nrow %v\nuser %v", seed, src, x.args, at.User, at.Item, target, i, got, want && had[i],
						w.view.Items.row(dataset.Index(i)), w.view.Users.row(at.User))
				}
				if i%16 > 0 {
					continue
				}
				if verdicts, err := p.Judge(dataset.Index(i), w.view, at, x.args); err != nil || len(verdicts) != len(clauses) || Stays(verdicts) != want {
					t.Fatalf("seed %d: %s with %v, %s %d: judged %+v, %v, want %v", seed, src, x.args, target, i, verdicts, err, want)
				}
			}
			cases++
		}
	}
	if refused == 0 || refused > cases/2 {
		t.Errorf("%d of %d cases were refused", refused, cases)
	}
	t.Logf("%d cases, %d refused", cases, refused)
}
