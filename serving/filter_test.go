package serving

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"usher/catalog"
	"usher/dataset"
	"usher/filter"
	"usher/recipe"
	"usher/store"
)

// shelf is a recipe whose model knows the items 0 to 5 and likes them in that
// order; a ranking is the other way round.
type shelf struct{ name string }

func (s shelf) Spec() recipe.Spec { spec, _ := recipe.SpecOf(s.name); return spec }

func (shelf) Train(context.Context, recipe.Input) (recipe.Model, error) {
	return nil, errors.New("not trained here")
}

func (shelf) Load(io.ReaderAt, int64) (recipe.Model, error) { return shelved{}, nil }

type shelved struct{}

const onShelf = 6

func (shelved) Len() int { return onShelf }

func (shelved) Recommend(_ context.Context, q *recipe.Query, k int, allow dataset.Set, dst []recipe.Scored) ([]recipe.Scored, error) {
	dst = dst[:0]
	for i := dataset.Index(0); i < onShelf && len(dst) < k; i++ {
		if allow.Has(i) && i != q.Item {
			dst = append(dst, recipe.Scored{Index: i, Score: 1 / float32(i+1)})
		}
	}
	return dst, nil
}

func (shelved) Rank(_ context.Context, _ *recipe.Query, items []dataset.Index, dst []recipe.Scored) ([]recipe.Scored, error) {
	dst = dst[:0]
	for _, i := range items {
		x := recipe.Scored{Index: i, Score: float32(i) / 100}
		if i >= onShelf {
			x = recipe.Scored{Index: i, Flags: recipe.NoScore}
		}
		dst = append(dst, x)
	}
	slices.SortStableFunc(dst, func(a, b recipe.Scored) int {
		if f := int(a.Flags) - int(b.Flags); f != 0 {
			return f
		}
		if a.Flags == 0 {
			return int(b.Index) - int(a.Index)
		}
		return 0
	})
	return dst, nil
}

func (shelved) Save(io.Writer) error { return nil }

const shelfItems = `{"type":"record","name":"Items","fields":[{"name":"ITEM_ID","type":"string"},{"name":"GENRE","type":["null","string"],"categorical":true},
	{"name":"YEAR","type":["null","int"]},{"name":"PRICE","type":["null","double"]}]}`

const ranking = "aws-personalized-ranking-v2"

// filtered is a group of items i0 to i9, of which the models know the first six.
type filtered struct {
	*world
	ids int
}

func newFiltered(t *testing.T, limits filter.Limits) *filtered {
	f := &filtered{world: newWorld(t)}
	if err := f.s.Close(); err != nil {
		t.Fatal(err)
	}
	f.s = New(Options{DB: f.DB, History: f.History, Blobs: f.Blobs, Recipes: []recipe.Recipe{shelf{v2}, shelf{sims}, shelf{ranking}, shelf{"aws-popularity-count"}},
		Now: func() time.Time { return time.Unix(100, 0) }, FilterLimits: limits, Log: slog.New(slog.DiscardHandler),
		NewID: func() string { f.ids++; return fmt.Sprint("RID-", f.ids) }})
	typed := strings.Replace(schemaText, `{"name":"DEVICE"`, `{"name":"EVENT_TYPE","type":"string"},{"name":"DEVICE"`, 1)
	f.append(dataset.Change{Schema: &dataset.SchemaSet{Type: dataset.Interactions, Text: typed}})
	f.append(dataset.Change{Schema: &dataset.SchemaSet{Type: dataset.Items, Text: shelfItems}})
	for i, genre := range []string{"a", "b", "a|b", "c", "a", "b", "a", "d", "d|a", ""} {
		f.item(i, genre)
	}
	for _, name := range []string{v2, sims, ranking, "aws-popularity-count"} {
		f.version(name, name, "x")
	}
	return f
}

func (f *filtered) item(i int, genre string) {
	f.Helper()
	id := fmt.Sprint("i", i)
	row := dataset.Row{{Kind: dataset.String, Str: id}, {Kind: dataset.String, Str: genre}, {Kind: dataset.Int, Int: int64(1990 + i), Num: float64(1990 + i)}, {Kind: dataset.Double, Num: float64(i) / 2}}
	if genre == "" {
		row[1] = dataset.Value{}
	}
	f.append(dataset.Change{Item: &dataset.Entity{ID: id, Row: row}})
}

// filter makes a filter of the group, in the place of an earlier one.
func (f *filtered) filter(name, src string) Filtering {
	f.Helper()
	arn := "arn:aws:personalize:us-east-1:000000000000:filter/" + name
	f.Update(func(tx *store.Tx) error {
		old, err := catalog.Get[catalog.Filter](tx, arn)
		if err == nil {
			err = catalog.Delete(tx, old)
		}
		if err != nil && !notFound(err) {
			return err
		}
		return catalog.Create(tx, &catalog.Filter{Meta: catalog.Meta{ARN: arn, Group: "group", Status: catalog.Active}, Expression: src})
	})
	return Filtering{ARN: arn}
}

// ids gives the ids of an answer, or its error.
func ids(a *Answer, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	var out []string
	for _, i := range a.Items {
		out = append(out, i.ID)
	}
	return strings.Join(out, " ")
}

func TestFilters(t *testing.T) {
	f := newFiltered(t, filter.Limits{})
	v2c, simsC, pop := f.campaign(v2).ARN, f.campaign(sims).ARN, f.campaign("aws-popularity-count").ARN
	ask := func(r Request) string {
		t.Helper()
		return ids(f.s.Recommend(t.Context(), r))
	}
	with := func(g Filtering, values ...string) Filtering {
		g.Values = map[string]string{}
		for i := 0; i < len(values); i += 2 {
			g.Values[values[i]] = values[i+1]
		}
		return g
	}
	genre := f.filter("genre", `INCLUDE ItemID WHERE Items.genre IN ($g)`)
	seen := f.filter("seen", `EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN (*)`)
	near := f.filter("near", `INCLUDE ItemID WHERE Items.GENRE IN CurrentItem.GENRE`)
	old := f.filter("old", `INCLUDE ItemID WHERE Items.YEAR < 1992 | EXCLUDE ItemID WHERE Items.GENRE = "b" IF CurrentUser.AGE > 3`)
	users := f.filter("users", `INCLUDE UserID WHERE Interactions.EVENT_TYPE IN ("a")`)
	f.Update(func(tx *store.Tx) error {
		if err := catalog.Create(tx, &catalog.Filter{Meta: catalog.Meta{ARN: "slow", Group: "group", Status: catalog.Pending}, Expression: "x"}); err != nil {
			return err
		}
		return catalog.Create(tx, &catalog.Filter{Meta: catalog.Meta{ARN: "other", Group: "another", Status: catalog.Active}, Expression: "x"})
	})
	for name, c := range map[string]struct {
		r    Request
		want string // an answer, or a part of an error
	}{
		"none":                       {Request{Campaign: v2c, User: "ann"}, "i0 i1 i2 i3 i4 i5"},
		"one genre, filled up":       {Request{Campaign: v2c, User: "ann", Filter: with(genre, "g", `"a"`)}, "i0 i2 i4 i8 i6"},
		"not filled up":              {Request{Campaign: pop, Filter: with(genre, "g", `"a"`)}, "i0 i2 i4"},
		"two genres, two results":    {Request{Campaign: v2c, User: "ann", Results: 2, Filter: with(genre, "g", `"b","c"`)}, "i1 i2"},
		"none of that genre":         {Request{Campaign: v2c, User: "ann", Filter: with(genre, "g", `"x"`)}, ""},
		"seen":                       {Request{Campaign: v2c, User: "ann", Filter: seen}, "i3 i4 i5"},
		"seen by nobody known":       {Request{Campaign: v2c, User: "bob", Filter: seen}, "i0 i1 i2 i3 i4 i5"},
		"shares a genre":             {Request{Campaign: simsC, Item: "i2", Filter: near}, "i0 i1 i4 i5"},
		"shares one with an unknown": {Request{Campaign: simsC, Item: "none", Filter: near}, ""},
		"no value":                   {Request{Campaign: v2c, User: "ann", Filter: genre}, "lacks a value"},
		"a wrong value":              {Request{Campaign: v2c, User: "ann", Filter: with(genre, "g", "a")}, "double quotes"},
		"an unknown parameter":       {Request{Campaign: v2c, User: "ann", Filter: with(genre, "G", `"a"`)}, "has no parameter G"},
		"CurrentItem for a user":     {Request{Campaign: v2c, User: "ann", Filter: near}, "CurrentItem"},
		"no user":                    {Request{Campaign: pop, Filter: seen}, "userId is missing"},
		"of users":                   {Request{Campaign: pop, Filter: users}, "about UserID"},
		"no users' dataset":          {Request{Campaign: v2c, User: "ann", Filter: old}, "does not fit to the datasets"},
		"absent":                     {Request{Campaign: v2c, User: "ann", Filter: Filtering{ARN: "none"}}, "Resource Arn none does not exist"},
		"not ACTIVE":                 {Request{Campaign: v2c, User: "ann", Filter: Filtering{ARN: "slow"}}, "CREATE PENDING"},
		"of another group":           {Request{Campaign: v2c, User: "ann", Filter: Filtering{ARN: "other"}}, "another dataset group"},
	} {
		got := ask(c.r)
		if strings.HasPrefix(got, "error: ") && c.want != "" && strings.Contains(got, c.want) || got == c.want {
			continue
		}
		t.Errorf("%s: got %s, want %s", name, got, c.want)
	}
	// What is new counts in the next request.
	f.event("ann", "i4", 50)
	if got := ask(Request{Campaign: v2c, User: "ann", Filter: seen}); got != "i3 i5" {
		t.Errorf("after an event: %s", got)
	}
	f.item(3, "a")
	f.item(10, "a")
	if got := ask(Request{Campaign: v2c, User: "ann", Filter: with(genre, "g", `"a"`)}); got != "i0 i2 i3 i4 i10 i8 i6" {
		t.Errorf("after new items: %s", got)
	}
	f.append(dataset.Change{Schema: &dataset.SchemaSet{Type: dataset.Users, Text: `{"type":"record","name":"Users","fields":[{"name":"USER_ID","type":"string"},{"name":"AGE","type":"int"}]}`}})
	if got := ask(Request{Campaign: pop, User: "ann", Filter: old}); got != "i0 i1" {
		t.Errorf("with a Users dataset: %s", got)
	}
	f.append(dataset.Change{User: &dataset.Entity{ID: "ann", Row: dataset.Row{{Kind: dataset.String, Str: "ann"}, {Kind: dataset.Int, Int: 4, Num: 4}}}})
	if got := ask(Request{Campaign: pop, User: "ann", Filter: old}); got != "i0" {
		t.Errorf("with a record of the user: %s", got)
	}
	f.filter("old", `INCLUDE ItemID WHERE Items.YEAR = 1993`)
	if got := ask(Request{Campaign: pop, User: "ann", Filter: old}); got != "i3" {
		t.Errorf("another filter of the same name: %s", got)
	}
}

func TestLimitsOfFilters(t *testing.T) {
	f := newFiltered(t, filter.Limits{Events: 2})
	c := f.campaign(v2).ARN
	seen := f.filter("seen", `EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN (*)`)
	f.event("ann", "i5", 50)
	if got := ids(f.s.Recommend(t.Context(), Request{Campaign: c, User: "ann", Filter: seen})); got != "i0 i1 i3 i4" {
		t.Errorf("the two newest: %s", got)
	}
}

func TestPromotions(t *testing.T) {
	f := newFiltered(t, filter.Limits{})
	v2c, simsC := f.campaign(v2).ARN, f.campaign(sims).ARN
	d := f.filter("d", `INCLUDE ItemID WHERE Items.GENRE IN ("d")`)
	b := f.filter("b", `INCLUDE ItemID WHERE Items.GENRE IN ($g)`)
	notA := f.filter("notA", `EXCLUDE ItemID WHERE Items.GENRE IN ("a")`)
	b.Values = map[string]string{"g": `"b"`}
	kinds := func(a *Answer, err error) (normal, promoted string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		var n, p []string
		for _, i := range a.Items {
			if i.Promotion == "" {
				n = append(n, i.ID)
				continue
			}
			if i.Promotion != "sale" {
				t.Errorf("%s is promoted by %q", i.ID, i.Promotion)
			}
			p = append(p, i.ID+i.Reason)
		}
		return strings.Join(n, " "), strings.Join(p, " ")
	}
	for _, c := range []struct {
		r                Request
		normal, promoted string
	}{
		{Request{Campaign: v2c, User: "ann", Results: 4, Promoted: &Promotion{"sale", 50, d}}, "i0 i1", "i8Promoted item i7Promoted item"},
		{Request{Campaign: v2c, User: "ann", Results: 4, Promoted: &Promotion{"sale", 50, b}}, "i0 i3", "i1Promoted item i2Promoted item"},
		{Request{Campaign: v2c, User: "ann", Results: 5, Promoted: &Promotion{"sale", 30, b}, Filter: notA}, "i3 i5", "i1Promoted item i2Promoted item"},
		{Request{Campaign: v2c, User: "ann", Results: 5, Promoted: &Promotion{"sale", 100, d}}, "i0 i1 i2", "i8Promoted item i7Promoted item"},
		{Request{Campaign: v2c, User: "ann", Results: 2, Promoted: &Promotion{"sale", 20, d}}, "i0 i1", ""},
		{Request{Campaign: v2c, User: "ann", Results: 2, Promoted: &Promotion{"sale", 100, d}}, "", "i8Promoted item i7Promoted item"},
		{Request{Campaign: simsC, Item: "i1", Results: 4, Promoted: &Promotion{"sale", 75, b}}, "i0 i3", "i2 i5"},
	} {
		normal, promoted := kinds(f.s.Recommend(t.Context(), c.r))
		if normal != c.normal || promoted != c.promoted {
			t.Errorf("%+v %+v: got %s | %s", c.r, *c.r.Promoted, normal, promoted)
		}
	}
	var inv *Invalid
	for _, p := range []Promotion{{"sale", 0, d}, {"sale", 101, d}, {"sale", 50, Filtering{}}} {
		if _, err := f.s.Recommend(t.Context(), Request{Campaign: v2c, User: "ann", Promoted: &p}); !errors.As(err, &inv) {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

// TestPlacesOfPromotions: drawn by the answer's id, each place as often as others.
func TestPlacesOfPromotions(t *testing.T) {
	const n, m, answers = 10, 3, 3000
	var at [n]int
	different := map[string]bool{}
	for i := range answers {
		places := interleave(fmt.Sprint("RID-", i), n, m)
		if !slices.Equal(places, interleave(fmt.Sprint("RID-", i), n, m)) {
			t.Fatal("the same answer has other places")
		}
		count := 0
		for k, here := range places {
			if here {
				at[k]++
				count++
			}
		}
		if count != m {
			t.Fatalf("%d places of %d", count, m)
		}
		different[fmt.Sprint(places)] = true
	}
	if len(different) != 120 {
		t.Errorf("%d of 120 choices", len(different))
	}
	for k, c := range at { // 900 ± five standard deviations
		if c < 775 || c > 1025 {
			t.Errorf("place %d: %d of %d answers", k, c, answers)
		}
	}
}

func TestMetadata(t *testing.T) {
	f := newFiltered(t, filter.Limits{})
	v2c, simsC := f.campaign(v2).ARN, f.campaign(sims).ARN
	a, err := f.s.Recommend(t.Context(), Request{Campaign: v2c, User: "ann", Results: 3, Columns: []string{"GENRE", "year", "PRICE"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(a.Items[2].Metadata); got != "map[GENRE:a|b PRICE:1 year:1992]" {
		t.Errorf("metadata: %s", got)
	}
	a, err = f.s.Recommend(t.Context(), Request{Campaign: v2c, User: "ann"})
	if err != nil || a.Items[0].Metadata != nil {
		t.Errorf("metadata that nobody asked for: %v, %v", a, err)
	}
	for _, c := range []struct {
		r    Request
		want string
	}{
		{Request{Campaign: simsC, Item: "i0", Columns: []string{"GENRE"}}, "enableMetadataWithRecommendations"},
		{Request{Campaign: v2c, User: "ann", Columns: []string{"COLOUR"}}, `no column "COLOUR"`},
		{Request{Campaign: v2c, User: "ann", Results: 51, Columns: []string{"GENRE"}}, "at most 50"},
		{Request{Campaign: v2c, User: "ann", Columns: strings.Split(strings.Repeat("YEAR,", 10)+"YEAR", ",")}, "At most 10"},
	} {
		var inv *Invalid
		if _, err := f.s.Recommend(t.Context(), c.r); !errors.As(err, &inv) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c.r, err)
		}
	}
	f.Update(func(tx *store.Tx) error {
		c, err := catalog.Get[catalog.Campaign](tx, simsC)
		if err != nil {
			return err
		}
		c.Config = []byte(`{"enableMetadataWithRecommendations":true}`)
		return catalog.Update(tx, c)
	})
	a, err = f.s.Recommend(t.Context(), Request{Campaign: simsC, Item: "i0", Columns: []string{"GENRE"}})
	if err != nil || a.Items[0].Metadata["GENRE"] != "b" {
		t.Errorf("a campaign with the switch: %+v, %v", a, err)
	}
}

func TestRankings(t *testing.T) {
	f := newFiltered(t, filter.Limits{})
	r, v2c := f.campaign(ranking).ARN, f.campaign(v2).ARN
	a := f.filter("a", `INCLUDE ItemID WHERE Items.GENRE IN ("a")`)
	notA := f.filter("notA", `EXCLUDE ItemID WHERE Items.GENRE IN ("a")`)
	list := []string{"x", "i3", "i9", "i0", "i3", "i6", "y", "i5", "x"}
	for _, c := range []struct {
		f    Filtering
		want string
	}{
		{Filtering{}, "i5 i3 i0 i9 i6 x y"},
		{a, "i0 i6"},
		{notA, "i5 i3 i9 x y"},
	} {
		if got := ids(f.s.Rank(t.Context(), Ranking{Campaign: r, User: "ann", Items: list, Filter: c.f})); got != c.want {
			t.Errorf("%s: got %s, want %s", c.f.ARN, got, c.want)
		}
	}
	got, err := f.s.Rank(t.Context(), Ranking{Campaign: r, User: "ann", Items: list, Columns: []string{"YEAR"}})
	if err != nil || !got.Items[0].Scored || got.Items[3].Scored || got.Items[5].Scored || got.Items[0].Metadata["YEAR"] != "1995" || len(got.Items[6].Metadata) > 0 {
		t.Errorf("got %+v, %v", got, err)
	}
	for name, c := range map[string]struct {
		r    Ranking
		want string
	}{
		"another recipe": {Ranking{Campaign: v2c, User: "ann", Items: list}, "GetRecommendations"},
		"no user":        {Ranking{Campaign: r, Items: list}, "userId is missing"},
		"no items":       {Ranking{Campaign: r, User: "ann"}, "inputList is empty"},
		"too many":       {Ranking{Campaign: r, User: "ann", Items: make([]string, 501)}, "At most 500"},
		"with metadata":  {Ranking{Campaign: r, User: "ann", Items: make([]string, 51), Columns: []string{"YEAR"}}, "at most 50"},
	} {
		var inv *Invalid
		if _, err := f.s.Rank(t.Context(), c.r); !errors.As(err, &inv) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := f.s.Recommend(t.Context(), Request{Campaign: r, User: "ann"}); err == nil || !strings.Contains(err.Error(), "GetPersonalizedRanking") {
		t.Errorf("recommendations of a ranking campaign: %v", err)
	}
}
