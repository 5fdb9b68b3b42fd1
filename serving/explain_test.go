package serving

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"usher/catalog"
	"usher/dataset"
	"usher/filter"
	"usher/recipe"
)

// Explain makes spelled an Explainer: the user's newest event is all there is.
func (m spelled) Explain(_ context.Context, q *recipe.Query, item dataset.Index) (*recipe.Explanation, error) {
	n := len(q.History)
	if n == 0 || q.History[n-1].Item != item {
		return &recipe.Explanation{Basis: recipe.Popularity}, nil
	}
	return &recipe.Explanation{Basis: recipe.Personal, Place: 1, Probability: 1, Events: []recipe.Influence{{At: n - 1, Effect: math.Ln2}}, Without: .5}, nil
}

func TestExplanations(t *testing.T) {
	w := newWorld(t)
	w.append(dataset.Change{Schema: &dataset.SchemaSet{Type: dataset.Items, Text: `{"type":"record","name":"Items","fields":[{"name":"ITEM_ID","type":"string"},{"name":"YEAR","type":"long"}],"version":"1.0"}`}})
	w.append(dataset.Change{Item: &dataset.Entity{ID: "i1", Row: dataset.Row{{Kind: dataset.String, Str: "i1"}, {Kind: dataset.Long, Int: 1999, Num: 1999}}}})
	w.version("personal/1", v2, "a")
	p := w.campaign("personal/1")
	w.Create(&catalog.Filter{Meta: catalog.Meta{ARN: "arn:aws:personalize:us-east-1:000000000000:filter/new", Group: "group", Status: catalog.Active}, Expression: "INCLUDE ItemID WHERE Items.YEAR > 1990 | EXCLUDE ItemID WHERE Items.YEAR = 1995"})
	q := Question{Request: Request{Campaign: p.ARN, User: "ann", Filter: Filtering{ARN: "arn:aws:personalize:us-east-1:000000000000:filter/new"}}, Items: []string{"i2", "i1", "i9"}}
	_, got, err := w.s.Explain(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	i2, i1, i9 := got[0], got[1], got[2]
	if i2.Why.Basis != recipe.Personal || len(i2.Events) != 1 || i2.Events[0].ItemID != "i2" || i2.Events[0].Time.Unix() != 2 || i2.Why.Without != .5 {
		t.Errorf("i2: %+v", i2)
	}
	if i2.Filter[0].Matches || !i1.Filter[0].Matches || i1.Filter[1].Matches || i1.Filter[0].Expression != "INCLUDE ItemID WHERE Items.YEAR > 1990" {
		t.Errorf("what the filter says: i2 %+v, i1 %+v", i2.Filter, i1.Filter)
	}
	if i9.Why.Basis != recipe.Unknown || i9.Place != 0 || i9.Filter[0].Matches {
		t.Errorf("an item that nobody knows: %+v", i9)
	}
	answer, all, err := w.s.Explain(t.Context(), Question{Request: Request{Campaign: p.ARN, User: "ann"}})
	if err != nil || len(all) != len(answer.Items) || all[0].Place != 1 || all[0].ID != answer.Items[0].ID || all[0].Filter != nil {
		t.Errorf("the items of the answer: %+v, %v", all, err)
	}
	var inv *Invalid
	if _, _, err = w.s.Explain(t.Context(), Question{Request: Request{Campaign: p.ARN, User: "ann"}, Items: slices.Repeat([]string{"a"}, 26)}); !errors.As(err, &inv) {
		t.Errorf("too many items: %v", err)
	}
}

// Of a ranking, places are those of the list, and an item that its filter leaves out has
// none.
func TestExplanationsOfRankings(t *testing.T) {
	f := newFiltered(t, filter.Limits{})
	c := f.campaign(ranking)
	q := Question{Request: Request{Campaign: c.ARN, User: "ann", Filter: Filtering{Expression: `EXCLUDE ItemID WHERE Items.GENRE IN ("d")`}},
		List: []string{"i1", "i3", "i7", "nobody knows"}, Items: []string{"i1", "i3", "i7", "nobody knows"}}
	answer, got, err := f.s.Explain(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	if ids(answer, nil) != "i3 i1 nobody knows" {
		t.Errorf("ranked %s", ids(answer, nil))
	}
	for at, want := range []int{2, 1, 0, 3} {
		if got[at].ID != q.Items[at] || got[at].Place != want || got[at].Filter[0].Matches != (want == 0) {
			t.Errorf("%s: %+v, want place %d", q.Items[at], got[at], want)
		}
	}
	var inv *Invalid
	if _, _, err := f.s.Explain(t.Context(), Question{Request: q.Request}); !errors.As(err, &inv) {
		t.Errorf("without a list: %v", err)
	}
}

// An expression in the request does what a filter of the same words does, and the
// clock of WITHIN is the server's: it is 100 seconds past the epoch, and ann has had
// i0, i1 and i2 at its start.
func TestExpressionsInRequests(t *testing.T) {
	f := newFiltered(t, filter.Limits{})
	c := f.campaign(v2)
	f.event("ann", "i3", 80)
	for expression, want := range map[string]string{
		`EXCLUDE ItemID WHERE EVENT (WITHIN 1 MINUTE)`:                               "i0 i1 i2 i4 i5",
		`EXCLUDE ItemID WHERE EVENT (WITHIN 2 MINUTES)`:                              "i4 i5",
		`EXCLUDE ItemID WHERE Items.YEAR BETWEEN 1991 AND 1994 OR Items.GENRE = "a"`: "i5",
		`EXCLUDE ItemID WHERE EVENT (Interactions.TIMESTAMP > $t)`:                   "i0 i1 i2 i3 i4 i5",
		`EXCLUDE ItemID WHERE`: "a column, like Items.GENRES",
		`INCLUDE ItemID WHERE EVENT (Interactions.TIMESTAMP > $t)`: "lacks a value",
		`INCLUDE UserID WHERE EVENT (WITHIN 1 DAY)`:                "is about UserID",
	} {
		got := ids(f.s.Recommend(t.Context(), Request{Campaign: c.ARN, User: "ann", Filter: Filtering{Expression: expression}}))
		if got != want && (!strings.HasPrefix(got, "error: ") || !strings.Contains(got, want)) {
			t.Errorf("%s: %s, want %s", expression, got, want)
		}
	}
}
