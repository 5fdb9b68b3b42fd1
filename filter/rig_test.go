package filter

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"usher/dataset"
)

func schema(t testing.TB, text string) *dataset.Schema {
	t.Helper()
	s, err := dataset.ParseSchema(text, "")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func schemas(t testing.TB) Schemas {
	return Schemas{
		dataset.Interactions: schema(t, `{"type":"record","name":"Interactions","fields":[{"name":"USER_ID","type":"string"},{"name":"ITEM_ID","type":"string"},
			{"name":"TIMESTAMP","type":"long"},{"name":"EVENT_TYPE","type":"string"},{"name":"EVENT_VALUE","type":["null","float"]},{"name":"DEVICE","type":["null","string"],"categorical":true},{"name":"PAID","type":["null","double"]},{"name":"IMPRESSION","type":["null","string"]}]}`),
		dataset.Items: schema(t, `{"type":"record","name":"Items","fields":[{"name":"ITEM_ID","type":"string"},{"name":"GENRE","type":["null","string"],"categorical":true},
			{"name":"TITLE","type":["null","string"]},{"name":"YEAR","type":["null","long"]},{"name":"PRICE","type":["null","double"]},
			{"name":"ADULT","type":["null","boolean"]},{"name":"STORY","type":["null","string"],"textual":true},{"name":"TAGS","type":["null","string"],"categorical":true},{"name":"RANK","type":["null","int"]}]}`),
		dataset.Users: schema(t, `{"type":"record","name":"Users","fields":[{"name":"USER_ID","type":"string"},{"name":"AGE","type":["null","int"]},{"name":"PLAN","type":["null","string"],"categorical":true}]}`),
	}
}

// moments are those of a world: rows of DEVICE and PAID by Event.Context.
type moments []dataset.Row

func (moments) Column(name string) int { return slices.Index([]string{"DEVICE", "PAID"}, name) }

func (m moments) Cell(n uint32, column int) dataset.Value { return m[n][column] }

func (m moments) Complete() bool { return m != nil }

// someMoments gives a few, of which the first says nothing.
func someMoments(r *rand.Rand) moments {
	m := moments{make(dataset.Row, 2)}
	for range 8 {
		row := dataset.Row{str([]string{"", "phone", "tv", "phone|tv"}[r.IntN(4)]), {}}
		if r.IntN(3) > 0 {
			row[1] = dataset.Value{Kind: dataset.Double, Num: doubles[r.IntN(len(doubles))]}
		}
		m = append(m, row)
	}
	return m
}

// world is a small group that its tests can see through.
type world struct {
	Schemas
	itemRows []dataset.Row
	userRows []dataset.Row
	events   [][]dataset.Event
	types    []string
	moments  moments
	view     *View
}

func str(s string) dataset.Value {
	if s == "" {
		return dataset.Value{}
	}
	return dataset.Value{Kind: dataset.String, Str: s}
}

func whole(k dataset.Kind, i int64) dataset.Value {
	return dataset.Value{Kind: k, Int: i, Num: float64(i)}
}

var longs = []int64{-1 << 63, -5, 0, 1, 2, 3, 7, 1 << 60, 1<<60 + 1, 1<<63 - 1}
var doubles = []float64{-1e300, -2.5, 0, .1, .5, 1, 2, 3.25, 1e18}

func (w *world) itemRow(r *rand.Rand, i int) dataset.Row {
	if r.IntN(6) == 0 {
		return nil
	}
	row := make(dataset.Row, len(w.Schemas[dataset.Items].Fields))
	row[0] = str(fmt.Sprint("i", i))
	several := func() dataset.Value {
		var parts []string
		for range r.IntN(4) {
			parts = append(parts, string(rune('a'+r.IntN(5))))
		}
		return str(strings.Join(parts, "|"))
	}
	row[1], row[7] = several(), several()
	if r.IntN(3) > 0 {
		row[2] = str([]string{"x", "y|a", "a"}[r.IntN(3)])
	}
	if r.IntN(4) > 0 {
		row[3] = whole(dataset.Long, longs[r.IntN(len(longs))])
	}
	if r.IntN(4) > 0 {
		row[4] = dataset.Value{Kind: dataset.Double, Num: doubles[r.IntN(len(doubles))]}
	}
	if r.IntN(4) > 0 {
		row[8] = whole(dataset.Int, int64(r.IntN(7)-3))
	}
	return row
}

func (w *world) userRow(r *rand.Rand, u int) dataset.Row {
	if r.IntN(5) == 0 {
		return nil
	}
	row := dataset.Row{str(fmt.Sprint("u", u)), {}, {}}
	if r.IntN(4) > 0 {
		row[1] = whole(dataset.Int, int64(r.IntN(5)*10))
	}
	if r.IntN(4) > 0 {
		row[2] = str([]string{"free", "paid", "free|paid"}[r.IntN(3)])
	}
	return row
}

// records makes a table of some rows and lets others come after it.
func records(s *dataset.Schema, r *rand.Rand, rows []dataset.Row, fresh func(i int) dataset.Row, prefix string) Records {
	t := dataset.NewTable(s)
	for i, row := range rows {
		t.Set(dataset.Index(i), row)
	}
	out := Records{Table: NewTable(t, len(rows))}
	for range r.IntN(12) {
		i := r.IntN(len(rows))
		rows[i] = fresh(i)
		out.Changed = append(out.Changed, Change{dataset.Index(i), rows[i]})
	}
	out.Row = func(i dataset.Index) dataset.Row {
		if int(i) < len(rows) {
			return rows[i]
		}
		return nil
	}
	out.Number = func(id string) dataset.Index {
		var n int
		if _, err := fmt.Sscanf(id, prefix+"%d", &n); err != nil || n < 0 || n >= len(rows) || id != fmt.Sprint(prefix, n) {
			return dataset.NoIndex
		}
		return dataset.Index(n)
	}
	return out
}

func newWorld(t testing.TB, r *rand.Rand) *world {
	w := &world{Schemas: schemas(t), types: []string{"click", "Click", "buy", "", "watch"}}
	items, users := 1+r.IntN(50), 1+r.IntN(10)
	w.moments = someMoments(r)
	for i := range items {
		w.itemRows = append(w.itemRows, w.itemRow(r, i))
	}
	for u := range users {
		w.userRows = append(w.userRows, w.userRow(r, u))
		var l []dataset.Event
		for range r.IntN(40) {
			l = append(l, dataset.Event{Time: int64(1000 + r.IntN(100)), Item: dataset.Index(r.IntN(items)), Type: uint16(r.IntN(len(w.types))), Context: uint32(r.IntN(len(w.moments)))})
		}
		slices.SortStableFunc(l, func(a, b dataset.Event) int { return int(a.Time - b.Time) })
		w.events = append(w.events, l)
	}
	w.view = &View{
		Schemas: w.Schemas,
		Items:   records(w.Schemas[dataset.Items], r, w.itemRows, func(i int) dataset.Row { return w.itemRow(r, i) }, "i"),
		Users:   records(w.Schemas[dataset.Users], r, w.userRows, func(u int) dataset.Row { return w.userRow(r, u) }, "u"),
		Events: func(u dataset.Index) []dataset.Event {
			if int(u) < len(w.events) {
				return w.events[u]
			}
			return nil
		},
		EventTypes: w.types,
		Moments:    w.moments,
	}
	if r.IntN(3) == 0 {
		w.view.Limits.Events = 1 + r.IntN(4)
	}
	return w
}
