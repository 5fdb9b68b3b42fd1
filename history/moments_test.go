package history

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"usher/blob/blobtest"
	"usher/dataset"
)

// devices gives what a user's events say in DEVICE, as filters are told.
func devices(g *Group, u dataset.Index) (out []string) {
	v, _ := g.View()
	column := v.Moments.Column("device")
	for _, e := range v.Events(u) {
		out = append(out, v.Moments.Cell(e.Context, column).Str)
	}
	return out
}

// What events say in further columns is what the twin says: imported, put, of joined
// sessions, after deletions, and after restarts from the log and from states.
func TestMomentsOfEvents(t *testing.T) {
	said := 0
	for seed := range uint64(8) {
		r := newRig(t)
		r.tailLeast = 1 + int(seed)*7
		g, w := r.open(t), newTwin()
		x := &random{Rand: rand.New(rand.NewPCG(seed, 77)), r: r, t: t, items: itemsText}
		ops := []*operation{schemaOp(dataset.Interactions, interactionsText), schemaOp(dataset.Items, itemsText), schemaOp(dataset.Users, usersText)}
		for range 120 {
			if o := x.operation(); o.change.Cleared == nil {
				ops = append(ops, o)
			}
		}
		for at, o := range ops {
			r.put(t, g, o)
			w.apply(o)
			switch {
			case at%40 == 20:
				g = r.open(t)
			case at%40 == 39:
				r.save(t, g)
				g = r.open(t)
			}
			for u := range w.users {
				want := w.devices(u)
				if got := devices(g, dataset.Index(u)); !slices.Equal(got, want) {
					t.Fatalf("seed %d, change %d: user %d says %q, want %q", seed, at, u, got, want)
				}
				said += len(want) - len(slices.DeleteFunc(want, func(s string) bool { return s != "" }))
			}
		}
	}
	if said < 1000 {
		t.Errorf("only %d events said something", said)
	}
}

// New columns come behind; in them older events say nothing.
func TestMomentsUnderANewSchema(t *testing.T) {
	const wider = `{"type":"record","name":"Interactions","fields":[
		{"name":"USER_ID","type":"string"},{"name":"ITEM_ID","type":"string"},{"name":"TIMESTAMP","type":"long"},
		{"name":"EVENT_TYPE","type":"string"},{"name":"EVENT_VALUE","type":["null","float"]},{"name":"DEVICE","type":["null","string"],"categorical":true},
		{"name":"PRICE","type":["null","double"]},{"name":"NIGHT","type":["null","boolean"]}],"version":"1.0"}`
	r := newRig(t)
	g := r.open(t)
	r.put(t, g, schemaOp(dataset.Interactions, interactionsText), r.importOp(t, dataset.Interactions, interactionsText, true, []string{"u", "a", "1", "t", "", "phone"}))
	held, _ := g.View()
	r.put(t, g, schemaOp(dataset.Interactions, wider), r.importOp(t, dataset.Interactions, wider, false,
		[]string{"u", "b", "2", "t", "", "tv", "1.5", "true"}, []string{"u", "c", "3", "t", "", "", "", ""}, []string{"u", "d", "4", "t", "", "phone", "", ""}))
	r.save(t, g)
	for name, g := range map[string]*Group{"following": g, "loaded": r.open(t)} {
		v, _ := g.View()
		var got []string
		for _, e := range v.Events(0) {
			row := fmt.Sprint(e.Context > 0)
			for _, c := range []string{"DEVICE", "PRICE", "NIGHT"} {
				x := v.Moments.Cell(e.Context, v.Moments.Column(c))
				row += fmt.Sprintf(" %s%v", x.Str, x.Num)
			}
			got = append(got, row)
		}
		if want := []string{"true phone0 0 0", "true tv0 1.5 1", "false 0 0 0", "true phone0 0 0"}; !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if held.Moments.Column("PRICE") >= 0 || held.Moments.Cell(1, 0).Str != "phone" {
		t.Error("what a reader holds has changed")
	}
}

// Values of events that were erased are in no state.
func TestErasedMomentsAreNotSaved(t *testing.T) {
	r := newRig(t)
	g := r.open(t)
	r.put(t, g, schemaOp(dataset.Interactions, interactionsText), r.importOp(t, dataset.Interactions, interactionsText, true,
		[]string{"u", "a", "1", "t", "", "secret"}, []string{"v", "a", "1", "t", "", "phone"}))
	r.put(t, g, &operation{change: dataset.Change{Forgotten: &dataset.Forgotten{Users: []string{"u"}}}})
	r.save(t, g)
	b := blobtest.Get(t, r.blobs, fmt.Sprintf("states/%d", r.parts))
	if bytes.Contains(b, []byte("secret")) || !bytes.Contains(b, []byte("phone")) {
		t.Error("the state has what was erased, or lacks what was not")
	}
}

// Full moments say so, and the rest goes on.
func TestFullMoments(t *testing.T) {
	r := newRig(t)
	g := r.open(t)
	r.put(t, g, schemaOp(dataset.Interactions, interactionsText))
	g.moments.most = 5000
	rows := make([][]string, 200)
	for i := range rows {
		rows[i] = []string{"u", "a", fmt.Sprint(i), "t", "", fmt.Sprint("device", i)}
	}
	r.put(t, g, r.importOp(t, dataset.Interactions, interactionsText, true, rows...))
	if v, _ := g.View(); v.Moments.Complete() || len(v.Events(0)) != 200 {
		t.Errorf("complete: %v, %d events", v.Moments.Complete(), len(v.Events(0)))
	}
	if g.moments.len() > 60 {
		t.Errorf("%d moments are kept", g.moments.len())
	}
	r.save(t, g)
	if v, _ := r.open(t).View(); v.Moments.Complete() {
		t.Error("loaded, nobody knows any more that some are missing")
	}
}

// States of version 1, of which this is one, are loaded: events are there, and say
// nothing in further columns until they are imported or put anew.
func TestVersion1StateIsReadable(t *testing.T) {
	raw, err := os.ReadFile("testdata/version1.state")
	if err != nil {
		t.Fatal(err)
	}
	s, err := readState(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	g := newGroup(nil, nil)
	if err := g.begin(s); err != nil {
		t.Fatal(err)
	}
	if got := items(t, g, "u"); got != "a b" {
		t.Errorf("u has %q", got)
	}
	if got := devices(g, 0); !slices.Equal(got, []string{"", ""}) {
		t.Errorf("they say %q", got)
	}
	g.interaction(&dataset.Interaction{User: "u", Item: "c", Time: 9, Properties: dataset.Row{{}, {}, {}, {}, {}, {Kind: dataset.String, Str: "tv"}}})
	if got := devices(g, 0); !slices.Equal(got, []string{"", "", "tv"}) {
		t.Errorf("then they say %q", got)
	}
}

// BenchmarkMoments is what a part's own columns cost when it is applied, by event: a
// device, a country and an hour, in 24,000 combinations.
func BenchmarkMoments(b *testing.B) {
	const text = `{"type":"record","name":"Interactions","fields":[{"name":"USER_ID","type":"string"},{"name":"ITEM_ID","type":"string"},{"name":"TIMESTAMP","type":"long"},
		{"name":"DEVICE","type":"string","categorical":true},{"name":"COUNTRY","type":"string"},{"name":"HOUR","type":"int"}],"version":"1.0"}`
	s, err := dataset.ParseSchema(text, "")
	if err != nil {
		b.Fatal(err)
	}
	const events = 1 << 20
	r := rand.New(rand.NewPCG(1, 2))
	cells := make([]dataset.Row, events)
	for i := range cells {
		hour := r.IntN(24)
		cells[i] = dataset.Row{3: {Kind: dataset.String, Str: fmt.Sprint("device", r.IntN(5))}, 4: {Kind: dataset.String, Str: fmt.Sprint("country", r.IntN(200))},
			5: {Kind: dataset.Int, Int: int64(hour), Num: float64(hour)}}
	}
	var x *momentIndex
	for b.Loop() {
		x = newMomentIndex()
		x.under(s)
		read := x.read()
		for f := 3; f < 6; f++ {
			for row := range cells {
				read.visit(row, f, cells[row][f])
			}
		}
		read.moments(events)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/events, "ns/event")
	b.ReportMetric(float64(x.bytes)/float64(x.len()), "B/moment")
	b.ReportMetric(float64(x.len()), "moments")
}
