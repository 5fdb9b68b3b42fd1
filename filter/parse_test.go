package filter

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"usher/dataset"
)

// TestAccepted are the forms of AWS's guide and samples.
func TestAccepted(t *testing.T) {
	s := schemas(t)
	for src, want := range map[string]struct {
		fields, params string
		user, item     bool
	}{
		`INCLUDE ItemID WHERE Items.genre IN ("comedy", "drama")`:                                                   {"ITEMS.GENRE", "", false, false},
		`exclude itemid where interactions.event_type in ("click","buy")`:                                           {"INTERACTIONS.EVENT_TYPE", "", true, false},
		`EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN (*)`:                                                       {"INTERACTIONS.EVENT_TYPE", "", true, false},
		`EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")`:                                                     {"INTERACTIONS.EVENT_TYPE", "", true, false},
		`INCLUDE ItemID WHERE Items.GENRE IN ($GENRE)`:                                                              {"ITEMS.GENRE", "GENRE", false, false},
		`INCLUDE ItemID WHERE Items.PRICE < $price AND Items.YEAR >= ($year)`:                                       {"ITEMS.PRICE,ITEMS.YEAR", "price,year", false, false},
		`INCLUDE ItemID WHERE Items.GENRE IN CurrentItem.GENRE | EXCLUDE ItemID WHERE Items.TITLE = "x"`:            {"ITEMS.GENRE,ITEMS.TITLE", "", false, true},
		`EXCLUDE ItemID WHERE Items.GENRE NOT IN ("a") IF CurrentUser.AGE > 18 AND CurrentUser.PLAN NOT IN ("b")`:   {"ITEMS.GENRE,USERS.AGE,USERS.PLAN", "", true, false},
		`INCLUDE UserID WHERE Users.AGE != 3 OR Users.PLAN = "a"`:                                                   {"USERS.AGE,USERS.PLAN", "", false, false},
		`INCLUDE ItemID WHERE Items.PRICE = -1.5|EXCLUDE ItemID WHERE Interactions.EVENT_TYPE="a"`:                  {"ITEMS.PRICE,INTERACTIONS.EVENT_TYPE", "", true, false},
		`INCLUDE ItemID WHERE Items.TITLE IN ("a \"quoted\" \\ text") AND Items.YEAR != $y and Items.YEAR!=$y`:      {"ITEMS.TITLE,ITEMS.YEAR", "y", false, false},
		"INCLUDE ItemID WHERE Items.PRICE <= CurrentItem.YEAR IF CurrentUser.PLAN IN ($plan) AND CurrentUser.AGE<2": {"ITEMS.PRICE,ITEMS.YEAR,USERS.PLAN,USERS.AGE", "plan", true, true},
	} {
		p, err := Compile(src, s)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if f := strings.Join(p.Fields(), ","); f != want.fields || strings.Join(p.Params(), ",") != want.params || p.NeedsUser() != want.user || p.NeedsItem() != want.item {
			t.Errorf("%s: fields %s, params %q, user %v, item %v", src, f, p.Params(), p.NeedsUser(), p.NeedsItem())
		}
	}
}

// TestRefused says of each mistake where it is and how to mend it.
func TestRefused(t *testing.T) {
	s := schemas(t)
	delete(s, dataset.Users)
	for src, want := range map[string]string{
		``:                                    "INCLUDE or EXCLUDE was expected at character 1, where the end stands",
		`KEEP ItemID`:                         `INCLUDE or EXCLUDE was expected at character 1, where "KEEP" stands`,
		`INCLUDE Item WHERE`:                  "ItemID, UserID or ActionID was expected at character 9",
		`INCLUDE ItemID IF`:                   "WHERE was expected at character 16",
		`INCLUDE ItemID WHERE GENRE IN ("a")`: "a column, like Items.GENRES or Interactions.EVENT_TYPE, was expected at character 22",
		`INCLUDE ItemID WHERE Items GENRE`:    "a dot and the name of a column was expected at character 28",
		`INCLUDE ItemID WHERE Items."GENRE"`:  "the name of a column was expected",
		`INCLUDE ItemID WHERE Items.GENRES IN ("a")`:                                     `the ITEMS schema has no column "GENRES". It has ITEM_ID, GENRE, TITLE`,
		`INCLUDE ItemID WHERE Items.GENRE`:                                               "IN, NOT IN, =, !=, <, <=, > or >= was expected at character 33, where the end stands",
		`INCLUDE ItemID WHERE Items.GENRE NOT ("a")`:                                     "IN was expected at character 38",
		`INCLUDE ItemID WHERE Items.GENRE IN "a"`:                                        "a list in parentheses was expected at character 37",
		`INCLUDE ItemID WHERE Items.GENRE IN ()`:                                         "a text in double quotes, a number or a parameter was expected at character 38",
		`INCLUDE ItemID WHERE Items.GENRE IN ("a"`:                                       "a comma or ) was expected",
		`INCLUDE ItemID WHERE Items.GENRE IN ("ä" "b")`:                                  "a comma or ) was expected at character 42",
		`INCLUDE ItemID WHERE Items.GENRE IN ("a`:                                        "the closing double quote of a text was expected at character 38",
		`INCLUDE ItemID WHERE Items.GENRE IN ('a')`:                                      "a word, a text in double quotes, a number or a parameter was expected at character 38",
		`INCLUDE ItemID WHERE Items.GENRE IN (*)`:                                        "* stands for every event type",
		`INCLUDE ItemID WHERE Items.GENRE < "a"`:                                         "< compares numbers, but the column",
		`INCLUDE ItemID WHERE Items.YEAR = "new"`:                                        "a number, because the column holds numbers, was expected",
		`INCLUDE ItemID WHERE Items.YEAR = 12x`:                                          `a number, or a text in double quotes, was expected at character 35, where "12x" stands`,
		`INCLUDE ItemID WHERE Items.YEAR = $`:                                            "the name of a parameter behind $",
		`INCLUDE ItemID WHERE Items.ADULT = "true"`:                                      "Could not create filter. Invalid Expression: Items.ADULT is a boolean column",
		`INCLUDE ItemID WHERE Items.STORY = "x"`:                                         "textual column",
		`INCLUDE ItemID WHERE Items.GENRE NOT IN ($g)`:                                   "Could not create filter. Invalid input symbol: $g. Placeholders are not allowed with NOT_IN operator.",
		`INCLUDE ItemID WHERE Items.GENRE IN ("a") AND Interactions.EVENT_TYPE IN ("b")`: "an expression is about one dataset, and this one about ITEMS and INTERACTIONS",
		`INCLUDE ItemID WHERE Items.GENRE IN ("a") OR Interactions.EVENT_TYPE IN ("b")`:  "Join two expressions with |",
		`INCLUDE ItemID WHERE Interactions.DEVICE IN ("a")`:                              "of interactions only EVENT_TYPE",
		`INCLUDE ItemID WHERE Users.AGE = 3`:                                             "cannot look at Users, only at ITEMS or INTERACTIONS",
		`INCLUDE UserID WHERE Users.AGE = 3`:                                             "the dataset group has no dataset of type USERS",
		`INCLUDE ItemID WHERE Items.YEAR = 3 IF CurrentUser.AGE = 3`:                     "the dataset group has no dataset of type USERS",
		`INCLUDE ItemID WHERE Items.YEAR = 3 IF Users.AGE = 3`:                           "CurrentUser was expected at character 40",
		`INCLUDE ItemID WHERE Items.YEAR = 3 | EXCLUDE UserID WHERE Users.AGE = 2`:       "all expressions of a filter must be about the same",
		`INCLUDE ItemID WHERE Interactions.EVENT_TYPE IN CurrentItem.GENRE`:              "CurrentItem can be compared with columns of Items only",
		`INCLUDE ItemID WHERE Items.YEAR < CurrentItem.GENRE`:                            "must both hold strings or both numbers",
		`INCLUDE ItemID WHERE Items.YEAR = 3 Items.YEAR = 4`:                             "AND, OR, IF, | or the end was expected at character 37",
		`INCLUDE ItemID WHERE Items.YEAR = 3 AND`:                                        "a column, like",
		`INCLUDE ItemID WHERE (Items.YEAR = 3)`:                                          "a column, like",
		`INCLUDE ActionID WHERE Actions.X IN ("a")`:                                      "no dataset of type ACTIONS",
		`INCLUDE ItemID WHERE Items.GENRE IN ("` + strings.Repeat("x", 300) + `") OTHER`: "AND, OR, IF",
	} {
		_, err := Compile(src, s)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "Could not create filter. Invalid ") || !strings.Contains(err.Error(), "at character ") {
			t.Errorf("%s: got %v, want %s", src, err, want)
		}
	}
	for behind, want := range map[string]string{
		" OR CurrentUser.AGE = 2": "cannot be joined by OR",
		" IF CurrentUser.AGE = 1": `AND, | or the end was expected at character 60, where "IF" stands`,
	} {
		if _, err := Compile(`INCLUDE ItemID WHERE Items.YEAR = 3 IF CurrentUser.AGE = 1`+behind, schemas(t)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s behind IF: %v", behind, err)
		}
	}
}

// TestArguments are the values of parameters.
func TestArguments(t *testing.T) {
	p, err := Compile(`INCLUDE ItemID WHERE Items.GENRE IN ($g) OR Items.YEAR > $y | EXCLUDE ItemID WHERE Items.TITLE = $t`, schemas(t))
	if err != nil {
		t.Fatal(err)
	}
	v := &View{Items: Records{Table: NewTable(dataset.NewTable(schemas(t)[dataset.Items]), 1)}}
	for name, c := range map[string]struct {
		args map[string]string
		want string // "" is fine
	}{
		"all":                  {map[string]string{"g": `"a","b"`, "y": "3", "t": `"x"`}, ""},
		"blanks":               {map[string]string{"g": ` "a" , "b" `, "y": ` "3" `}, ""},
		"INCLUDE lacks one":    {map[string]string{"g": `"a"`}, "lacks a value for the filter parameter $y"},
		"another case":         {map[string]string{"G": `"a"`, "y": "3"}, "has no parameter G. It has g, y, t"},
		"an unknown one":       {map[string]string{"g": `"a"`, "y": "3", "z": "1"}, "has no parameter z"},
		"without quotes":       {map[string]string{"g": `a`, "y": "3"}, "texts in double quotes"},
		"empty":                {map[string]string{"g": ``, "y": "3"}, "texts in double quotes"},
		"a comma too many":     {map[string]string{"g": `"a",`, "y": "3"}, "texts in double quotes"},
		"no comma":             {map[string]string{"g": `"a" "b"`, "y": "3"}, "texts in double quotes"},
		"not a number":         {map[string]string{"g": `"a"`, "y": `"three"`}, "is not a number"},
		"two for a comparison": {map[string]string{"g": `"a"`, "y": "3,4"}, "takes one value; 2 were given"},
	} {
		err := p.Narrow(dataset.NewSet(1), v, At{User: dataset.NoIndex, Item: dataset.NoIndex}, c.args)
		var bad *ArgumentError
		if c.want == "" && err != nil || c.want != "" && (!errors.As(err, &bad) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	p, err = Compile(`EXCLUDE ItemID WHERE Items.TITLE = "x"`, schemas(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Narrow(dataset.NewSet(1), v, At{}, map[string]string{"a": `"b"`}); err == nil || !strings.Contains(err.Error(), "it has none") {
		t.Errorf("a parameter for a filter without: %v", err)
	}
	if err := p.Narrow(dataset.Set{}, v, At{}, nil); err == nil {
		t.Error("the set of everything was narrowed")
	}
}

// FuzzCompile holds the parser to its promises: no panic, every error says where,
// and what is accepted does not depend on the case of keywords' blanks around it.
func FuzzCompile(f *testing.F) {
	for _, src := range []string{
		`USHER INCLUDE ItemID WHERE NOT (Items.YEAR BETWEEN 1 AND $y OR Items.TITLE LIKE "a%\_") AND EVENT (WITHIN 2 DAYS AND Interactions.EVENT_VALUE IS NOT NULL) IF CurrentUser.AGE = 1 OR CurrentUser.PLAN = "x"`,
		`INCLUDE ItemID WHERE Items.GENRE IN ("a", $b) AND Items.YEAR != 3 OR Items.PRICE <= CurrentItem.PRICE IF CurrentUser.AGE >= 1.5 | EXCLUDE ItemID WHERE Interactions.EVENT_TYPE NOT IN ("x")`,
		`INCLUDE UserID WHERE Users.AGE = $x`, `EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN (*)`, `INCLUDE ItemID WHERE Items.TITLE = "\"\\ä`, "\xff", `$`, `-`,
	} {
		f.Add(src)
	}
	s := schemas(f)
	f.Fuzz(func(t *testing.T, src string) {
		p, err := Compile(src, s)
		if err != nil {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || syntax.Position < 1 || syntax.Position > utf8.RuneCountInString(src)+1 {
				t.Fatalf("%q: %v", src, err)
			}
			return
		}
		again, err := Compile("\n "+src+"\t", s)
		if err != nil || !slices.Equal(p.Fields(), again.Fields()) || !slices.Equal(p.Params(), again.Params()) {
			t.Fatalf("%q with blanks around it: %v", src, err)
		}
		args := map[string]string{}
		for _, name := range p.Params() {
			args[name] = "1"
		}
		n := dataset.NewSet(3)
		n.Fill(3)
		row := dataset.Row{str("i1"), str("a|b"), str("t"), whole(dataset.Long, 3), {}, {}, {}, {}, {}}
		rows := dataset.NewTable(s[dataset.Items])
		rows.Set(1, row)
		users := dataset.NewTable(s[dataset.Users])
		none := func(string) dataset.Index { return dataset.NoIndex }
		v := &View{Items: Records{Table: NewTable(rows, 2), Row: rows.Row, Number: none}, Users: Records{Table: NewTable(users, 0), Row: users.Row, Number: none}}
		if err := p.Narrow(n, v, At{User: 0, Item: 1, Now: 5}, args); err != nil && p.Target() != Actions {
			t.Fatalf("%q: %v", src, err)
		}
		if n.Has(3) || n.Len() > 3 {
			t.Fatalf("%q: the set grew", src)
		}
	})
}
