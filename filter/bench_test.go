package filter

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"usher/dataset"
)

// million gives the records of a million items: fifty genres, up to three each;
// a hundred years; prices all different.
func million(b *testing.B) (Schemas, *View) {
	s := schemas(b)
	const n = 1_000_000
	r := rand.New(rand.NewPCG(1, 1))
	genres := make([]string, 50)
	for i := range genres {
		genres[i] = fmt.Sprint("genre", i)
	}
	var cells []string
	for range 2000 {
		cells = append(cells, genres[r.IntN(50)]+"|"+genres[r.IntN(50)]+"|"+genres[r.IntN(50)])
	}
	t := dataset.NewTable(s[dataset.Items])
	all := make([]dataset.Value, n*5)
	for i := range n {
		row := dataset.Row(all[i*5 : i*5+5])
		row[0], row[1], row[2] = str("id"), str(cells[r.IntN(len(cells))]), str("title")
		row[3] = whole(dataset.Long, int64(1925+r.IntN(100)))
		row[4] = dataset.Value{Kind: dataset.Double, Num: r.Float64() * 100}
		t.Set(dataset.Index(i), row)
	}
	items := Records{Table: NewTable(t, n), Row: t.Row}
	for i := range 4096 {
		items.Changed = append(items.Changed, Change{dataset.Index(i * 7), t.Row(dataset.Index(i))})
	}
	return s, &View{Items: items, EventTypes: []string{"click", "buy", "watch"}}
}

// BenchmarkMillion: filters over a million items, 4,096 of which changed since
// the columns were made.
func BenchmarkMillion(b *testing.B) {
	s, v := million(b)
	for _, c := range []struct{ name, src string }{
		{"keep1%/year", `INCLUDE ItemID WHERE Items.YEAR = 1999`},
		{"keep1%/genre+price", `INCLUDE ItemID WHERE Items.GENRE IN ("genre1", "genre2") AND Items.PRICE < 10`},
		{"keep1%/notin", `EXCLUDE ItemID WHERE Items.YEAR NOT IN (1999)`},
		{"keep50%", `INCLUDE ItemID WHERE Items.PRICE > 50`},
		{"four", `INCLUDE ItemID WHERE Items.GENRE IN ("genre1") AND Items.PRICE < 50 OR Items.YEAR > 1990 AND Items.YEAR < 2000 | EXCLUDE ItemID WHERE Items.PRICE >= 99`},
	} {
		p, err := Compile(c.src, s)
		if err != nil {
			b.Fatal(err)
		}
		for _, changed := range []int{0, 4096} {
			b.Run(fmt.Sprintf("%s/changed=%d", c.name, changed), func(b *testing.B) {
				w := *v
				w.Items.Changed = v.Items.Changed[:changed]
				allow := dataset.NewSet(w.Items.Table.Len())
				b.ReportAllocs()
				for b.Loop() {
					allow.Fill(w.Items.Table.Len())
					if err := p.Narrow(allow, &w, At{User: dataset.NoIndex, Item: dataset.NoIndex}, nil); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(100*float64(allow.Len())/float64(w.Items.Table.Len()), "%kept")
			})
		}
	}
}

// BenchmarkPast: what a user with a thousand events has had, out of a million items.
func BenchmarkPast(b *testing.B) {
	s := schemas(b)
	r := rand.New(rand.NewPCG(1, 1))
	events := make([]dataset.Event, 1000)
	for i := range events {
		events[i] = dataset.Event{Time: int64(i), Item: dataset.Index(r.IntN(1_000_000)), Type: uint16(r.IntN(3))}
	}
	p, err := Compile(`EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("click", "watch")`, s)
	if err != nil {
		b.Fatal(err)
	}
	for _, l := range []Limits{{}, {Events: 100}} {
		b.Run(fmt.Sprintf("events=%d", l.Events), func(b *testing.B) {
			v := &View{EventTypes: []string{"click", "buy", "watch"}, Limits: l, Events: func(dataset.Index) []dataset.Event { return events }}
			allow := dataset.NewSet(1_000_000)
			allow.Fill(1_000_000)
			b.ReportAllocs()
			for b.Loop() {
				if err := p.Narrow(allow, v, At{}, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkPrepare: making the columns of a million items.
func BenchmarkPrepare(b *testing.B) {
	_, v := million(b)
	for f, name := range map[int]string{1: "genres", 3: "years", 4: "prices"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				NewTable(v.Items.Table.rows, v.Items.Table.n).column(f)
			}
		})
	}
}
