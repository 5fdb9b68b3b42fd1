package measure

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"usher/dataset"
	"usher/internal/worldtest"
)

// world is a group's log that tests write to.
type world struct {
	*worldtest.Group
	measure *Measure
}

func newWorld(t *testing.T) *world {
	w := &world{Group: worldtest.New(t, nil).NewGroup("arn:group")}
	w.measure = New(Options{Logs: w.Logs.Log, History: w.History, Blobs: w.Blobs})
	w.Closing(w.measure.Close)
	return w
}

// schema sets the schema of a dataset: fields are like "AGE null|int".
func (w *world) schema(t dataset.Type, fields ...string) *dataset.Schema {
	w.Helper()
	var list []string
	for _, f := range fields {
		words := strings.Fields(f)
		kind := `"` + words[1] + `"`
		if k, ok := strings.CutPrefix(words[1], "null|"); ok {
			kind = `["null","` + k + `"]`
		}
		text := fmt.Sprintf(`{"name":%q,"type":%s`, words[0], kind)
		if len(words) > 2 {
			text += fmt.Sprintf(`,%q:true`, words[2])
		}
		list = append(list, text+"}")
	}
	text := fmt.Sprintf(`{"type":"record","name":%q,"fields":[%s]}`, t, strings.Join(list, ","))
	s, err := dataset.ParseSchema(text, "")
	if err != nil {
		w.Fatal(err)
	}
	w.Append(dataset.Change{Schema: &dataset.SchemaSet{Type: t, Text: text}})
	return s
}

func (w *world) imported(s *dataset.Schema, replace bool, csv string) {
	w.Helper()
	w.Append(w.Part(s, replace, csv))
}

func (w *world) statistics() map[dataset.Type]*DatasetStatistics {
	w.Helper()
	s, err := w.measure.Statistics(w.Context(), w.Record)
	if err != nil {
		w.Fatal(err)
	}
	out := map[dataset.Type]*DatasetStatistics{}
	for i := range s.Datasets {
		out[s.Datasets[i].Type] = &s.Datasets[i]
	}
	return out
}

func (d *DatasetStatistics) column(name string) *ColumnStatistics {
	for i := range d.Columns {
		if d.Columns[i].Name == name {
			return &d.Columns[i]
		}
	}
	return nil
}

func TestStatistics(t *testing.T) {
	w := newWorld(t)
	inter := w.schema(dataset.Interactions, "USER_ID string", "ITEM_ID string", "TIMESTAMP long", "EVENT_TYPE string", "EVENT_VALUE null|float", "DEVICE null|string categorical")
	items := w.schema(dataset.Items, "ITEM_ID string", "GENRES string categorical", "PRICE null|float", "PLOT null|string textual")
	users := w.schema(dataset.Users, "USER_ID string", "AGE null|int")
	actions := w.schema(dataset.Actions, "ACTION_ID string", "VALUE null|long")
	acted := w.schema(dataset.ActionInteractions, "USER_ID string", "ACTION_ID string", "EVENT_TYPE string", "TIMESTAMP long")

	head := "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE,DEVICE\n"
	w.imported(inter, true, head+"gone,gone,1,gone,9,gone\n")
	w.imported(inter, true, head+"u,a,100,view,1,tv\nu,a,100,view,1,tv\nu,b,200,view,,tv\nv,a,300,buy,5,\n") // one row twice
	w.imported(inter, false, head+"w,c,400,view,,app\n")
	w.imported(items, true, "ITEM_ID,GENRES,PRICE,PLOT\na,x|y,1.5,long\nb,x,,\nunseen,y,2.5,text\n")
	w.imported(users, true, "USER_ID,AGE\nu,30\nv,\nidle,50\n")
	w.imported(actions, true, "ACTION_ID,VALUE\np,3\nq,\n")
	w.imported(acted, true, "USER_ID,ACTION_ID,EVENT_TYPE,TIMESTAMP\nu,p,Taken,5\n")
	value := 3.
	w.Append(
		dataset.Change{Interaction: &dataset.Interaction{EventID: "1", User: "u", Session: "s1", Item: "a", Type: "buy", Time: 500, Value: &value, Properties: dataset.Row{}}},
		dataset.Change{Interaction: &dataset.Interaction{EventID: "1", User: "u", Session: "s1", Item: "a", Type: "buy", Time: 501, Properties: dataset.Row{}}},
		dataset.Change{Interaction: &dataset.Interaction{Session: "nobody", Item: "d", Type: "view", Time: 600, Properties: dataset.Row{}}},
		dataset.Change{Item: &dataset.Entity{ID: "b", Row: dataset.Row{{Kind: dataset.String, Str: "b"}, {Kind: dataset.String, Str: "z"}, {}, {}}}},
		dataset.Change{Action: &dataset.Entity{ID: "q", Row: dataset.Row{{Kind: dataset.String, Str: "q"}, {Kind: dataset.Long, Num: 7, Int: 7}}}},
		dataset.Change{ActionInteraction: &dataset.Interaction{Session: "s", Item: "q", Type: "Viewed", Time: 9, Properties: dataset.Row{}}},
	)
	got := w.statistics()
	x := got[dataset.Interactions]
	if x.Rows != 6 || *x.Interactions != (InteractionStatistics{Users: 3, Repeated: 1, Items: 4, Anonymous: 1, EventTypes: 2}) {
		t.Errorf("%d interactions, %+v", x.Rows, x.Interactions)
	}
	if top := x.column("ITEM_ID").Top; !reflect.DeepEqual(top, []ValueCount{{"a", 3}, {"b", 1}, {"c", 1}, {"d", 1}}) {
		t.Errorf("items %v", top)
	}
	if top := x.column("EVENT_TYPE").Top; !reflect.DeepEqual(top, []ValueCount{{"view", 4}, {"buy", 2}}) {
		t.Errorf("event types %v", top)
	}
	if c := x.column("EVENT_VALUE"); c.Values != 3 || c.Missing != 3 || c.Numbers.Mean != 3 || c.Numbers.Least != 1 || c.Numbers.Most != 5 || c.Numbers.Deviation != 2 {
		t.Errorf("values %+v, %+v", c, c.Numbers)
	}
	if c := x.column("TIMESTAMP"); c.Unique != 6 || c.Numbers.Least != 100 || c.Numbers.Most != 600 || c.Numbers.Mean != 350 {
		t.Errorf("times %+v, %+v", c, c.Numbers)
	}
	if c := x.column("DEVICE"); c.Values != 3 || c.Missing != 3 || !reflect.DeepEqual(c.Top, []ValueCount{{"tv", 2}, {"app", 1}}) { // a repeat counts once
		t.Errorf("devices %+v", c)
	}
	if x.Incomplete != 5 {
		t.Errorf("%d interactions lack a value, want all but the first", x.Incomplete)
	}
	i := got[dataset.Items]
	if c := i.column("GENRES"); i.Rows != 3 || *i.Idle != 1 || i.Incomplete != 1 || c.Unique != 3 || !reflect.DeepEqual(c.Top, []ValueCount{{"y", 2}, {"x", 1}, {"z", 1}}) {
		t.Errorf("items %+v, genres %+v", i, c)
	}
	if c := i.column("PLOT"); c.Top != nil || c.Complete != 2./3 {
		t.Errorf("plots %+v", c)
	}
	u := got[dataset.Users]
	if c := u.column("AGE"); u.Rows != 3 || *u.Idle != 1 || c.Numbers.Mean != 40 || c.Missing != 1 {
		t.Errorf("users %+v, ages %+v", u, c)
	}
	if c := got[dataset.Actions].column("VALUE"); got[dataset.Actions].Rows != 2 || c.Numbers.Mean != 5 || c.Missing != 0 {
		t.Errorf("actions %+v", c)
	}
	if c := got[dataset.ActionInteractions].column("USER_ID"); got[dataset.ActionInteractions].Rows != 2 || !reflect.DeepEqual(c.Top, []ValueCount{{"s", 1}, {"u", 1}}) {
		t.Errorf("action interactions %+v", c)
	}
}

// TestStatisticsFollow has them worked out again only when there is more.
func TestStatisticsFollow(t *testing.T) {
	w := newWorld(t)
	s := w.schema(dataset.Users, "USER_ID string", "AGE null|int")
	w.imported(s, true, "USER_ID,AGE\nu,1\n")
	before, err := w.measure.Statistics(t.Context(), w.Record)
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.measure.Statistics(t.Context(), w.Record)
	if err != nil || again != before {
		t.Errorf("the same data were measured twice: %v", err)
	}
	w.imported(s, false, "USER_ID,AGE\nv,\n")
	if got := w.statistics()[dataset.Users]; got.Rows != 2 || got.column("AGE").Missing != 1 {
		t.Errorf("after an import: %+v", got)
	}
	w.Append(dataset.Change{Cleared: &dataset.Cleared{Type: dataset.Users}})
	if got := w.statistics(); len(got) != 0 {
		t.Errorf("after the dataset was deleted: %+v", got)
	}
}

// TestStatisticsGoOn has a caller leave: what was begun is there for the next.
func TestStatisticsGoOn(t *testing.T) {
	w := newWorld(t)
	s := w.schema(dataset.Users, "USER_ID string", "AGE null|int")
	w.imported(s, true, "USER_ID,AGE\nu,1\n")
	last, err := w.Logs.Log(w.Record.ID).Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	begun := w.measure.begun(w.Record, last)
	ctx, leave := context.WithCancel(t.Context())
	leave()
	if _, err := w.measure.Statistics(ctx, w.Record); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who left: %v", err)
	}
	got, err := w.measure.Statistics(t.Context(), w.Record)
	if err != nil || got != begun.stats {
		t.Errorf("the next caller does not get what was begun: %v", err)
	}
}

// TestNumbers compares with what sorting gives: exactly where few numbers are
// different.
func TestNumbers(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct {
		name string
		n    int
		off  float64
		draw func() float64
	}{
		{"normal", 5000, 0, func() float64 { return 100 + 30*rnd.NormFloat64() }},
		{"few", 100_000, 0, func() float64 { return float64(rnd.IntN(4) - 2) }},
		{"one", 7, 0, func() float64 { return 3 }},
		{"skewed", 100_000, quantileError, func() float64 { return math.Exp(4 * rnd.NormFloat64()) }},
		{"both ends", 100_000, quantileError, func() float64 { return math.Copysign(math.Exp(3*rnd.NormFloat64()), rnd.Float64()-.5) }},
	} {
		s := newNumbers(false)
		list := make([]float64, c.n)
		sum := 0.
		for i := range list {
			list[i] = c.draw()
			s.add(list[i])
			sum += list[i]
		}
		slices.Sort(list)
		out := s.statistics()
		if out.Least != list[0] || out.Most != list[c.n-1] || math.Abs(out.Mean-sum/float64(c.n)) > 1e-9*math.Abs(sum) || out.QuantileError != c.off {
			t.Errorf("%s: %+v, want mean %v", c.name, out, sum/float64(c.n))
		}
		for p, got := range out.Quantiles {
			var percent float64
			if _, err := fmt.Sscanf(p, "p%f", &percent); err != nil {
				t.Fatal(err)
			}
			want := list[int(math.Ceil(percent/100*float64(c.n)))-1]
			if math.Abs(got-want) > c.off*math.Abs(want) {
				t.Errorf("%s: %s is %v, want %v", c.name, p, got, want)
			}
		}
		total := int64(0)
		for _, b := range out.Histogram {
			total += b.Count
		}
		if total != int64(c.n) || out.Least < out.Most && len(out.Histogram) != histogram {
			t.Errorf("%s: a histogram of %d numbers", c.name, total)
		}
	}
	times := newNumbers(true)
	for i := range exactNumbers + 1 {
		times.add(1.7e9 + float64(i)*1000)
	}
	if got, want := times.statistics().Quantiles["p50"], 1.7e9+1000*exactNumbers/2; got == want || math.Abs(got-want) > day/2 {
		t.Errorf("the middle time is %v, want half a day about %v", got, want)
	}
}

func TestDistinct(t *testing.T) {
	for _, n := range []int{0, 1, 1000, exactMost, 400_000} {
		d := newColumn(dataset.Field{Kind: dataset.String})
		for i := range n {
			d.count(fmt.Sprint("id", i), 1)
			d.count(fmt.Sprint("id", i/2), 1)
		}
		got, err := d.unique.count()
		if exact := n <= exactMost; exact != (err == 0) || math.Abs(float64(got-int64(n))) > 5*err*float64(n) {
			t.Errorf("%d different texts are %d with an error of %v", n, got, err)
		}
	}
}

// TestInsights has each of the eleven checks find something, and nothing in good
// data.
func TestInsights(t *testing.T) {
	good := func() *Statistics {
		none := int64(0)
		full := ColumnStatistics{Name: "AGE", Kind: dataset.Int, Values: 100, Complete: 1, Unique: 9, Numbers: &NumberStatistics{}}
		return &Statistics{Datasets: []DatasetStatistics{
			{Type: dataset.Interactions, Rows: 60_000, Columns: []ColumnStatistics{{Name: "TIMESTAMP", Kind: dataset.Long, Complete: 1, Unique: 5, Numbers: &NumberStatistics{Outliers: 3}}},
				Interactions: &InteractionStatistics{Users: 5000, Repeated: 2000, EventTypes: 3}},
			{Type: dataset.Items, Rows: 100, Idle: &none, Columns: []ColumnStatistics{full}},
			{Type: dataset.Users, Rows: 100, Idle: &none, Columns: []ColumnStatistics{full}},
			{Type: dataset.Actions, Rows: 100, Incomplete: 100, Columns: []ColumnStatistics{{Name: "VALUE"}}},
		}}
	}
	if got := insights(good()); len(got) != 0 {
		t.Fatalf("good data: %+v", got)
	}
	idle := int64(40)
	for _, c := range []struct {
		change          func(s *Statistics)
		check, severity string
		text            string
	}{
		{func(s *Statistics) { s.Datasets[0].Rows = 999 }, "few-interactions", "error", "999 interactions"},
		{func(s *Statistics) { s.Datasets[0].Rows = 49_999 }, "few-interactions", "warning", "50000"},
		{func(s *Statistics) { s.Datasets[0].Interactions.Repeated = 24 }, "few-repeated-users", "error", "24 users"},
		{func(s *Statistics) { s.Datasets[0].Interactions.Repeated = 999 }, "few-repeated-users", "warning", "1000"},
		{func(s *Statistics) { s.Datasets[1].Idle = &idle }, "idle-items", "warning", "40.0 % of the items (40 of 100)"},
		{func(s *Statistics) { s.Datasets[2].Idle = &idle }, "idle-users", "warning", "40.0 % of the users"},
		{func(s *Statistics) { s.Datasets[1].Incomplete = 31 }, "missing-values", "warning", "31.0 % of the rows"},
		{func(s *Statistics) { s.Datasets[2].Columns[0].Complete = .69 }, "incomplete-column", "warning", "AGE is 69.0 % complete"},
		{func(s *Statistics) { s.Datasets[2].Columns[0].Numbers = &NumberStatistics{Outliers: 2} }, "outliers", "warning", "2 values"},
		{func(s *Statistics) {
			s.Datasets[1].Columns[0].Categorical, s.Datasets[1].Columns[0].Unique = true, 1001
		}, "many-categories", "warning", "1001 categories"},
		{func(s *Statistics) { s.Datasets[1].Columns[0].Textual, s.Datasets[1].Columns[0].Complete = true, .84 }, "incomplete-text", "warning", "84.0 % complete"},
		{func(s *Statistics) { s.Datasets[0].Interactions.EventTypes = 11 }, "many-event-types", "error", "11 event types"},
		{func(s *Statistics) { s.Datasets[0].Columns[0].Unique = 1 }, "equal-timestamps", "error", "same timestamp"},
	} {
		s := good()
		// Columns are shared by the datasets of good: give each its own.
		for i := range s.Datasets {
			s.Datasets[i].Columns = slices.Clone(s.Datasets[i].Columns)
		}
		c.change(s)
		got := insights(s)
		if len(got) != 1 || got[0].Check != c.check || got[0].Severity != c.severity || !strings.Contains(got[0].Text, c.text) || got[0].Action == "" {
			t.Errorf("%s: got %+v", c.check, got)
		}
	}
}

// TestStatisticsAreJSON: whatever the data, they can be written.
func TestStatisticsAreJSON(t *testing.T) {
	w := newWorld(t)
	w.schema(dataset.Interactions, "USER_ID string", "ITEM_ID string", "TIMESTAMP long", "EVENT_VALUE null|float")
	s, err := w.measure.Statistics(t.Context(), w.Record)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := json.NewEncoder(io.MultiWriter(&b)).Encode(s); err != nil || !strings.Contains(b.String(), `"rows":0`) {
		t.Errorf("an empty dataset: %s, %v", b.String(), err)
	}
	got, err := w.measure.Insights(t.Context(), w.Record)
	if err != nil || len(got) != 2 || got[0].Check != "few-interactions" {
		t.Errorf("insights of an empty dataset: %+v, %v", got, err)
	}
}

// TestRepeatsCountOnce has the same interactions come in one file, in the next, and as
// events: the customer's own columns count each once, as history does.
func TestRepeatsCountOnce(t *testing.T) {
	w := newWorld(t)
	s := w.schema(dataset.Interactions, "USER_ID string", "ITEM_ID string", "TIMESTAMP long", "EVENT_TYPE string", "EVENT_VALUE null|float", "DEVICE null|string categorical", "PRICE null|double")
	acted := w.schema(dataset.ActionInteractions, "USER_ID string", "ACTION_ID string", "EVENT_TYPE string", "TIMESTAMP long")
	head := "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE,DEVICE,PRICE\n"
	w.imported(s, true, head+"u,a,1,view,,tv,2\nu,a,1,view,,app,2\nu,a,1,view,,tv,2\nv,a,1,view,,,\n")
	w.imported(s, false, head+"v,a,1,view,,,\nv,a,1,view,2,,\nu,a,1,view,,tv,2\n")
	w.imported(acted, true, "USER_ID,ACTION_ID,EVENT_TYPE,TIMESTAMP\nu,p,Taken,5\nu,p,Taken,5\n")
	event := func(device dataset.Value) dataset.Change {
		return dataset.Change{Interaction: &dataset.Interaction{User: "v", Session: "v", Item: "a", Type: "view", Time: 1, Properties: dataset.Row{5: device, 6: {}}}}
	}
	w.Append(event(dataset.Value{}), event(dataset.Value{Kind: dataset.String, Str: "tv"}), event(dataset.Value{Kind: dataset.String, Str: "tv"}),
		dataset.Change{ActionInteraction: &dataset.Interaction{User: "u", Session: "s", Item: "p", Type: "Taken", Time: 5}})
	got := w.statistics()
	x := got[dataset.Interactions]
	if x.Rows != 5 || x.Incomplete != 5 {
		t.Errorf("%d rows, %d lack a value", x.Rows, x.Incomplete)
	}
	for _, c := range x.Columns {
		if c.Values+c.Missing != 5 {
			t.Errorf("%s has %d cells", c.Name, c.Values+c.Missing)
		}
	}
	if c := x.column("DEVICE"); !reflect.DeepEqual(c.Top, []ValueCount{{"tv", 2}, {"app", 1}}) {
		t.Errorf("devices %+v", c)
	}
	if a := got[dataset.ActionInteractions]; a.Rows != 1 {
		t.Errorf("%d action interactions", a.Rows)
	}
}

// TestDeletedDoNotCount has users and an item forgotten whose records are not erased yet.
func TestDeletedDoNotCount(t *testing.T) {
	w := newWorld(t)
	s := w.schema(dataset.Interactions, "USER_ID string", "ITEM_ID string", "TIMESTAMP long", "DEVICE null|string categorical")
	acted := w.schema(dataset.ActionInteractions, "USER_ID string", "ACTION_ID string", "EVENT_TYPE string", "TIMESTAMP long")
	w.imported(s, true, "USER_ID,ITEM_ID,TIMESTAMP,DEVICE\nu,a,1,tv\nv,a,2,app\nv,b,3,\nu,b,4,pad\n")
	w.imported(acted, true, "USER_ID,ACTION_ID,EVENT_TYPE,TIMESTAMP\nu,p,Taken,5\nv,p,Taken,5\n")
	event := func(user, item, device string) dataset.Change {
		return dataset.Change{Interaction: &dataset.Interaction{User: user, Session: user, Item: item, Time: 9, Properties: dataset.Row{3: {Kind: dataset.String, Str: device}}}}
	}
	w.Append(event("u", "a", "car"), event("v", "a", "app"), event("v", "b", "pad"),
		dataset.Change{Forgotten: &dataset.Forgotten{Users: []string{"u"}}}, dataset.Change{Forgotten: &dataset.Forgotten{Items: []string{"b"}}},
		event("u", "b", "new"))
	got := w.statistics()
	x := got[dataset.Interactions]
	if c := x.column("DEVICE"); x.Rows != 3 || x.Incomplete != 0 || c.Missing != 0 || !reflect.DeepEqual(c.Top, []ValueCount{{"app", 2}, {"new", 1}}) {
		t.Errorf("%d rows, devices %+v", x.Rows, c)
	}
	if a := got[dataset.ActionInteractions]; a.Rows != 1 {
		t.Errorf("%d action interactions", a.Rows)
	}
}

// TestStatisticsOfADatasetMadeAnew: nothing counts of the dataset that was deleted.
func TestStatisticsOfADatasetMadeAnew(t *testing.T) {
	w := newWorld(t)
	event := func(device string) dataset.Change {
		return dataset.Change{Interaction: &dataset.Interaction{User: "u", Session: "s", Item: "a", Time: 9, Properties: dataset.Row{3: {Kind: dataset.String, Str: device}}}}
	}
	action := dataset.Change{Action: &dataset.Entity{ID: "p", Row: dataset.Row{{Kind: dataset.String, Str: "p"}, {}}}}
	for range 2 {
		s := w.schema(dataset.Interactions, "USER_ID string", "ITEM_ID string", "TIMESTAMP long", "DEVICE null|string categorical")
		w.schema(dataset.Actions, "ACTION_ID string", "VALUE null|long")
		w.imported(s, true, "USER_ID,ITEM_ID,TIMESTAMP,DEVICE\nu,a,1,old\n")
		w.Append(event("old"), action,
			dataset.Change{Cleared: &dataset.Cleared{Type: dataset.Interactions}}, dataset.Change{Cleared: &dataset.Cleared{Type: dataset.Actions}})
	}
	w.schema(dataset.Interactions, "USER_ID string", "ITEM_ID string", "TIMESTAMP long", "DEVICE null|string categorical")
	w.schema(dataset.Actions, "ACTION_ID string", "VALUE null|long")
	w.Append(event("new"))
	got := w.statistics()
	if x := got[dataset.Interactions]; x.Rows != 1 || !reflect.DeepEqual(x.column("DEVICE").Top, []ValueCount{{"new", 1}}) {
		t.Errorf("%d rows, devices %+v", x.Rows, x.column("DEVICE"))
	}
	if a := got[dataset.Actions]; a.Rows != 0 {
		t.Errorf("%d actions", a.Rows)
	}
}
