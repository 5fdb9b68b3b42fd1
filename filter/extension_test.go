package filter

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"usher/dataset"
)

// speaker makes random expressions of usher's own language, and with each what
// it means, said the long way.
type speaker struct {
	*rand.Rand
	w    *world
	at   At
	seen map[dataset.Index][]dataset.Event
}

func (x *speaker) pick(s ...string) string { return s[x.IntN(len(s))] }

// events are those of the current user that filters look at.
func (x *speaker) events() []dataset.Event {
	u := x.at.User
	if l, ok := x.seen[u]; ok || u == dataset.NoIndex || int(u) >= len(x.w.events) {
		return l
	}
	left := map[uint16]int{}
	var out []dataset.Event
	for i := len(x.w.events[u]) - 1; i >= 0; i-- {
		e := x.w.events[u][i]
		if left[e.Type]++; x.w.view.Limits.Events == 0 || left[e.Type] <= x.w.view.Limits.Events {
			out = append(out, e)
		}
	}
	x.seen[u] = out
	return out
}

type (
	ofItem  func(i dataset.Index, row dataset.Row) bool
	ofEvent func(e dataset.Event) bool
)

// combined joins random parts by AND, OR, NOT and parentheses.
func combined[F any](x *speaker, depth int, leaf func() (string, F), and, or func(a, b F) F, not func(F) F) (string, F) {
	if depth == 0 || x.IntN(3) == 0 {
		return leaf()
	}
	if x.IntN(4) == 0 {
		text, f := combined(x, depth-1, leaf, and, or, not)
		return "not (" + text + ")", not(f)
	}
	a, f := combined(x, depth-1, leaf, and, or, not)
	b, g := combined(x, depth-1, leaf, and, or, not)
	if x.IntN(2) == 0 {
		return "(" + a + ") AND (" + b + ")", and(f, g)
	}
	return "((" + a + ") or " + "(" + b + "))", or(f, g)
}

func (x *speaker) tree(depth int) (string, ofItem) {
	return combined(x, depth, x.leaf,
		func(a, b ofItem) ofItem {
			return func(i dataset.Index, r dataset.Row) bool { return a(i, r) && b(i, r) }
		},
		func(a, b ofItem) ofItem {
			return func(i dataset.Index, r dataset.Row) bool { return a(i, r) || b(i, r) }
		},
		func(a ofItem) ofItem { return func(i dataset.Index, r dataset.Row) bool { return !a(i, r) } })
}

func cell(row dataset.Row, f int) dataset.Value {
	if f >= len(row) {
		return dataset.Value{}
	}
	return row[f]
}

// leaf is a condition on an item.
func (x *speaker) leaf() (string, ofItem) {
	not := x.IntN(3) == 0
	word := map[bool]string{true: "NOT "}[not]
	switch x.IntN(7) {
	case 0:
		lo, hi := x.IntN(9)-4, x.IntN(9)-4
		return fmt.Sprintf("Items.RANK %sBETWEEN %d and %d", word, lo, hi), func(_ dataset.Index, r dataset.Row) bool {
			v := cell(r, 8)
			return (v.Kind != "" && int(v.Int) >= lo && int(v.Int) <= hi) != not
		}
	case 1:
		lo, hi := doubles[x.IntN(len(doubles))], doubles[x.IntN(len(doubles))]
		if math.Abs(lo) > 1e17 || math.Abs(hi) > 1e17 {
			lo, hi = .1, 2
		}
		return fmt.Sprintf("items.price %sbetween %s AND %s", word, strconv.FormatFloat(lo, 'f', -1, 64), strconv.FormatFloat(hi, 'f', -1, 64)), func(_ dataset.Index, r dataset.Row) bool {
			v := cell(r, 4)
			return (v.Kind != "" && v.Num >= lo && v.Num <= hi) != not
		}
	case 2:
		pattern := x.pick("%", "a%", "%|a", "_", "y_a", "%a%", "x", `y\|%`, `\%`, "")
		same := regexp.MustCompile("(?s)^" + strings.NewReplacer(`\|`, `\|`, `\%`, "%", "|", `\|`, "%", ".*", "_", ".").Replace(pattern) + "$")
		return fmt.Sprintf("Items.TITLE %slike %q", word, pattern), func(_ dataset.Index, r dataset.Row) bool {
			v := cell(r, 2)
			return (v.Kind != "" && same.MatchString(v.Str)) != not
		}
	case 3:
		name, f := "GENRE", 1
		if x.IntN(2) == 0 {
			name, f = "RANK", 8
		}
		return fmt.Sprintf("Items.%s IS %sNULL", name, word), func(_ dataset.Index, r dataset.Row) bool { return (cell(r, f).Kind == "") != not }
	case 4:
		pattern := x.pick("a", "%", "_", "b%")
		return fmt.Sprintf("Items.GENRE %sLIKE %q", word, pattern), func(_ dataset.Index, r dataset.Row) bool {
			hit := false
			for part := range strings.SplitSeq(cell(r, 1).Str, "|") {
				hit = hit || part != "" && (pattern == "%" || pattern == "_" || part == pattern || pattern == "b%" && part == "b")
			}
			return hit != not
		}
	case 5:
		n := x.IntN(20)
		return fmt.Sprintf(`Items.ITEM_ID %sIN ("i%d", "i3")`, word, n), func(i dataset.Index, _ dataset.Row) bool {
			return (int(i) < len(x.w.itemRows) && (int(i) == n || i == 3)) != not
		}
	}
	text, holds := x.event()
	return text, func(i dataset.Index, _ dataset.Row) bool {
		return slices.ContainsFunc(x.events(), func(e dataset.Event) bool { return e.Item == i && holds(e) })
	}
}

// event is a condition on the events of an item.
func (x *speaker) event() (string, ofEvent) {
	if x.IntN(4) == 0 {
		return x.eventLeaf(false)
	}
	text, f := combined(x, 2, func() (string, ofEvent) { return x.eventLeaf(true) },
		func(a, b ofEvent) ofEvent { return func(e dataset.Event) bool { return a(e) && b(e) } },
		func(a, b ofEvent) ofEvent { return func(e dataset.Event) bool { return a(e) || b(e) } },
		func(a ofEvent) ofEvent { return func(e dataset.Event) bool { return !a(e) } })
	return "Event (" + text + ")", f
}

func (x *speaker) eventLeaf(inside bool) (string, ofEvent) {
	kind := x.IntN(8)
	if kind == 0 && !inside {
		kind = 1
	}
	switch kind {
	case 0:
		n := x.IntN(120)
		return fmt.Sprintf("within %d %s", n, x.pick("seconds", "SECOND")), func(e dataset.Event) bool { return e.Time >= x.at.Now-int64(n) }
	case 1:
		v := []float32{.1, 1, 2.5, 3.6}[x.IntN(4)]
		op := x.pick("<", ">=", "=", "!=")
		return fmt.Sprintf("Interactions.EVENT_VALUE %s %v", op, v), func(e dataset.Event) bool {
			switch op {
			case "<":
				return e.Value < v
			case ">=":
				return e.Value >= v
			case "=":
				return e.Value == v
			}
			return !(e.Value == v)
		}
	case 2:
		lo := int64(1000 + x.IntN(100))
		return fmt.Sprintf("Interactions.timestamp BETWEEN %d AND %d", lo, lo+40), func(e dataset.Event) bool { return e.Time >= lo && e.Time <= lo+40 }
	case 3:
		return "Interactions.EVENT_VALUE is null", func(e dataset.Event) bool { return e.Value != e.Value }
	case 4:
		some, not := x.pick("phone", "tv", "radio"), x.IntN(3) == 0
		word := map[bool]string{true: "NOT "}[not]
		return fmt.Sprintf(`Interactions.device %sIN (%q, "pad")`, word, some), func(e dataset.Event) bool {
			return slices.Contains(strings.Split(x.w.moments[e.Context][0].Str, "|"), some) != not
		}
	case 5:
		v, op := doubles[1+x.IntN(len(doubles)-2)], x.pick("<", ">=", "=")
		return fmt.Sprintf("Interactions.PAID %s %s", op, strconv.FormatFloat(v, 'f', -1, 64)), func(e dataset.Event) bool {
			c := x.w.moments[e.Context][1]
			return c.Kind != "" && (op == "<" && c.Num < v || op == ">=" && c.Num >= v || op == "=" && c.Num == v)
		}
	case 6:
		not := x.IntN(2) == 0
		word := map[bool]string{true: "NOT "}[not]
		return fmt.Sprintf("Interactions.PAID IS %sNULL", word), func(e dataset.Event) bool { return (x.w.moments[e.Context][1].Kind == "") != not }
	}
	pattern := x.pick("BUY", "c%", "%", "w_tch")
	return fmt.Sprintf("Interactions.EVENT_TYPE like %q", pattern), func(e dataset.Event) bool {
		name := strings.ToLower(x.w.types[e.Type])
		return pattern == "%" || pattern == "BUY" && name == "buy" || pattern == "c%" && strings.HasPrefix(name, "c") || pattern == "w_tch" && name == "watch"
	}
}

// TestOwnLanguage compares random expressions of usher's own language with what
// they mean, on random worlds, users and items.
func TestOwnLanguage(t *testing.T) {
	rounds := 300
	if testing.Short() {
		rounds = 30
	}
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 11))
		w := newWorld(t, r)
		for u := range w.events {
			for i := range w.events[u] {
				w.events[u][i].Value = []float32{float32(math.NaN()), .1, 1, 2.5, 3.6}[r.IntN(5)]
			}
		}
		for range 40 {
			x := &speaker{Rand: r, w: w, seen: map[dataset.Index][]dataset.Event{},
				at: At{User: dataset.Index(r.IntN(len(w.userRows) + 1)), Item: dataset.NoIndex, Now: int64(1000 + r.IntN(150))}}
			text, holds := x.tree(3)
			include := r.IntN(2) == 0
			src := "Usher " + map[bool]string{true: "INCLUDE", false: "EXCLUDE"}[include] + " ItemID WHERE " + text
			p, err := Compile(src, w.Schemas)
			if err != nil {
				t.Fatalf("seed %d: %s: %v", seed, src, err)
			}
			allow := dataset.NewSet(len(w.itemRows))
			allow.Fill(len(w.itemRows))
			if err := p.Narrow(allow, w.view, x.at, nil); err != nil {
				t.Fatalf("seed %d: %s: %v", seed, src, err)
			}
			for i := range w.itemRows {
				if got, want := allow.Has(dataset.Index(i)), holds(dataset.Index(i), w.view.Items.row(dataset.Index(i))) == include; got != want {
					t.Fatalf("seed %d: %s at %+v: item %d stays %v, want %v\nrow %v\nevents %v", seed, src, x.at, i, got, want, w.view.Items.row(dataset.Index(i)), x.events())
				}
			}
		}
	}
}

// incomplete has fewer moments than there were.
type incomplete struct{ moments }

func (incomplete) Complete() bool { return false }

// Where moments were left out nobody is told something wrong.
func TestIncompleteMoments(t *testing.T) {
	w := newWorld(t, rand.New(rand.NewPCG(1, 1)))
	p, err := CompileExtended(`EXCLUDE ItemID WHERE Interactions.DEVICE = "tv"`, w.Schemas)
	if err != nil {
		t.Fatal(err)
	}
	allow := dataset.NewSet(len(w.itemRows))
	allow.Fill(len(w.itemRows))
	w.view.Moments = incomplete{w.moments}
	var bad *ArgumentError
	if err := p.Narrow(allow, w.view, At{User: 0, Item: dataset.NoIndex}, nil); !errors.As(err, &bad) || !strings.Contains(err.Error(), "Interactions.DEVICE") {
		t.Errorf("narrowed: %v", err)
	}
}

// TestOwnLanguageBeyondTheOracle are the rest of the language: users, IF with OR,
// truth values, texts, parameters.
func TestOwnLanguageBeyondTheOracle(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	w := newWorld(t, r)
	w.itemRows[0] = dataset.Row{str("i0"), str("a"), {}, whole(dataset.Long, 7), {}, {Kind: dataset.Boolean, Num: 1}, str("Once upon a time"), {}, {}}
	w.userRows[0] = dataset.Row{str("u0"), whole(dataset.Int, 30), str("free")}
	w.events = [][]dataset.Event{{{Item: 0, Time: 500, Type: 2}}}
	w.view.Items.Changed = []Change{{0, w.itemRows[0]}}
	w.view.Users.Changed = []Change{{0, w.userRows[0]}}
	for src, want := range map[string]bool{
		`INCLUDE ItemID WHERE Items.ADULT = true`:                                                                    true,
		`INCLUDE ItemID WHERE Items.ADULT IN ("True")`:                                                               true,
		`INCLUDE ItemID WHERE Items.ADULT = 0`:                                                                       false,
		`INCLUDE ItemID WHERE Items.ADULT != TRUE`:                                                                   false,
		`INCLUDE ItemID WHERE Items.ADULT = $yes`:                                                                    true,
		`INCLUDE ItemID WHERE Items.ADULT = $no`:                                                                     false,
		`INCLUDE ItemID WHERE Items.STORY LIKE "%upon%"`:                                                             true,
		`INCLUDE ItemID WHERE Items.GENRE NOT IN ($g)`:                                                               false,
		`INCLUDE ItemID WHERE Items.YEAR BETWEEN $lo AND 7`:                                                          true,
		`INCLUDE ItemID WHERE Items.YEAR = 7 IF CurrentUser.AGE < 20 OR NOT (CurrentUser.PLAN = "paid")`:             true,
		`EXCLUDE ItemID WHERE Items.YEAR = 7 IF CurrentUser.AGE BETWEEN 31 AND 40`:                                   true,
		`INCLUDE ItemID WHERE EVENT (Interactions.EVENT_TYPE = "buy" AND WITHIN 1 MINUTE)`:                           false,
		`INCLUDE ItemID WHERE EVENT (Interactions.EVENT_TYPE = "buy" AND WITHIN 1.5 MINUTES)`:                        true,
		`EXCLUDE ItemID WHERE Items.YEAR = 1 | INCLUDE ItemID WHERE Items.YEAR = CurrentItem.YEAR OR Items.YEAR = 7`: true,
	} {
		p, err := CompileExtended(src, w.Schemas)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		args := map[string]string{}
		for _, name := range p.Params() {
			args[name] = map[string]string{"g": `"a"`, "lo": "7", "yes": "true", "no": `"false"`}[name]
		}
		allow := dataset.NewSet(len(w.itemRows))
		allow.Fill(len(w.itemRows))
		if err := p.Narrow(allow, w.view, At{User: 0, Item: dataset.NoIndex, Now: 575}, args); err != nil || allow.Has(0) != want {
			t.Errorf("%s: stays %v (%v), want %v", src, allow.Has(0), err, want)
		}
	}
	p, err := CompileExtended(`INCLUDE UserID WHERE EVENT (WITHIN 1 HOUR) OR Users.AGE IS NULL`, w.Schemas)
	if err != nil {
		t.Fatal(err)
	}
	users := dataset.NewSet(len(w.userRows))
	users.Fill(len(w.userRows))
	if err := p.Narrow(users, w.view, At{User: dataset.NoIndex, Item: dataset.NoIndex, Now: 600}, nil); err != nil || !users.Has(0) {
		t.Errorf("users with an event: %v, %v", users.Has(0), err)
	}
	if err := p.Narrow(users, w.view, At{User: dataset.NoIndex, Item: dataset.NoIndex}, nil); err == nil {
		t.Error("WITHIN without a clock was evaluated")
	}
}

func TestMistakesInOwnLanguage(t *testing.T) {
	s := schemas(t)
	for src, want := range map[string]string{
		`USHER INCLUDE ItemID WHERE (Items.YEAR = 1`:                               "AND, OR or ) was expected at character 43",
		`USHER INCLUDE ItemID WHERE Items.TITLE BETWEEN 1 AND 2`:                   "BETWEEN compares numbers",
		`USHER INCLUDE ItemID WHERE Items.YEAR BETWEEN 1, 2`:                       "AND and the second value of BETWEEN",
		`USHER INCLUDE ItemID WHERE Items.YEAR LIKE "1%"`:                          "LIKE compares texts",
		`USHER INCLUDE ItemID WHERE Items.ITEM_ID LIKE "1%"`:                       "LIKE compares texts",
		`USHER INCLUDE ItemID WHERE Items.ITEM_ID IS NULL`:                         "never null",
		`USHER INCLUDE ItemID WHERE Items.YEAR IS 1`:                               "NULL or NOT NULL was expected",
		`USHER INCLUDE ItemID WHERE EVENT Items.YEAR = 1`:                          "( was expected",
		`USHER INCLUDE ItemID WHERE EVENT (Items.YEAR = 1)`:                        "only columns of Interactions",
		`USHER INCLUDE ItemID WHERE EVENT (WITHIN 3)`:                              "SECONDS, MINUTES, HOURS, DAYS or WEEKS",
		`USHER INCLUDE ItemID WHERE EVENT (WITHIN YEARS)`:                          "a number of days",
		`USHER INCLUDE ItemID WHERE WITHIN 3 DAYS`:                                 "a column, like",
		`USHER INCLUDE ItemID WHERE Interactions.IMPRESSION = "a"`:                 "Interactions.IMPRESSION cannot be filtered by",
		`INCLUDE ItemID WHERE Interactions.DEVICE = "a"`:                           "of interactions only EVENT_TYPE can be filtered by",
		`USHER INCLUDE ItemID WHERE Items.ADULT = maybe`:                           "true, false or a parameter was expected at character 42",
		`USHER INCLUDE ItemID WHERE Items.ADULT = "maybe"`:                         "true, false or a parameter was expected at character 42",
		`USHER INCLUDE ItemID WHERE NOT`:                                           "a column, like",
		`INCLUDE ItemID WHERE Items.TITLE LIKE "a%"`:                               "IN, NOT IN, =",
		`INCLUDE ItemID WHERE NOT Items.YEAR = 1`:                                  "a column, like",
		`USHER INCLUDE ItemID WHERE ` + strings.Repeat("(", 60) + `Items.YEAR = 1`: "nested deeper than 50",
	} {
		_, err := Compile(src, s)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "at character ") {
			t.Errorf("%s: got %v, want %s", src, err, want)
		}
	}
}
