package history

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"usher/blob"
	"usher/blob/blobtest"
	"usher/dataset"
	"usher/eventlog"
	"usher/internal/storetest"
	"usher/store"
)

// operation is one change of a group, and what its part holds.
type operation struct {
	change dataset.Change
	rows   []dataset.Row
	data   []byte
}

const (
	interactionsText = `{"type":"record","name":"Interactions","fields":[
		{"name":"USER_ID","type":"string"},{"name":"ITEM_ID","type":"string"},{"name":"TIMESTAMP","type":"long"},
		{"name":"EVENT_TYPE","type":"string"},{"name":"EVENT_VALUE","type":["null","float"]},{"name":"DEVICE","type":["null","string"],"categorical":true},
		{"name":"IMPRESSION","type":["null","string"]}],"version":"1.0"}`
	itemsText = `{"type":"record","name":"Items","fields":[
		{"name":"ITEM_ID","type":"string"},{"name":"GENRE","type":["null","string"],"categorical":true},{"name":"PRICE","type":["null","float"]}],"version":"1.0"}`
	movedItemsText = `{"type":"record","name":"Items","fields":[
		{"name":"ITEM_ID","type":"string"},{"name":"BRAND","type":["null","string"],"categorical":true},{"name":"PRICE","type":["null","float"]},{"name":"GENRE","type":["null","string"],"categorical":true}],"version":"1.0"}`
	usersText = `{"type":"record","name":"Users","fields":[
		{"name":"USER_ID","type":"string"},{"name":"GENDER","type":["null","string"],"categorical":true}],"version":"1.0"}`
)

// rig is a database with logs and blobs.
type rig struct {
	db    *store.DB
	logs  *eventlog.Logs
	blobs *blob.Dir
	parts int

	tailLeast int
}

func newRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{}
	var err error
	if r.db, err = store.Open(context.Background(), store.Options{Database: storetest.Database(t)}); err != nil {
		t.Fatal(err)
	}
	if r.blobs, err = blob.OpenDir(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	r.logs = eventlog.New(r.db)
	t.Cleanup(func() {
		_ = r.logs.Close()
		_ = r.db.Close()
	})
	return r
}

// open gives the group, of a History of its own.
func (r *rig) open(t testing.TB) *Group {
	t.Helper()
	h := New(Options{Logs: r.logs.Log, Blobs: r.blobs, tailLeast: r.tailLeast})
	t.Cleanup(func() { _ = h.Close() })
	g, err := h.Group(t.Context(), "g")
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// save stores the group's state, which groups begin from that are opened later.
func (r *rig) save(t testing.TB, g *Group) {
	t.Helper()
	frozen(t, g) // it is at the end of the log
	r.parts++
	name := fmt.Sprintf("states/%d", r.parts)
	var at Saved
	blobtest.Save(t, r.blobs, name, func(w io.Writer) (err error) {
		at, err = g.WriteState(w)
		return err
	})
	err := r.db.Update(t.Context(), func(tx *store.Tx) error {
		return r.logs.SetState(tx, "g", eventlog.State{Offset: at.Offset, Blob: name})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// append writes changes into the log, together.
func (r *rig) append(t testing.TB, ops ...*operation) eventlog.Offset {
	t.Helper()
	var recs []eventlog.Record
	for _, o := range ops {
		if o.data == nil {
			b, err := o.change.Append(nil)
			if err != nil {
				t.Fatal(err)
			}
			o.data = b
		}
		recs = append(recs, eventlog.Record{Data: append([]byte(nil), o.data...)})
	}
	last, err := r.logs.Log("g").Append(t.Context(), recs...)
	if err != nil {
		t.Fatal(err)
	}
	return last
}

// put is append, and waits until the group has applied it.
func (r *rig) put(t testing.TB, g *Group, ops ...*operation) {
	t.Helper()
	if err := g.Wait(t.Context(), r.append(t, ops...)); err != nil {
		t.Fatal(err)
	}
}

func schemaOp(kind dataset.Type, text string) *operation {
	return &operation{change: dataset.Change{Schema: &dataset.SchemaSet{Type: kind, Text: text}}}
}

func eventOp(x dataset.Interaction) *operation {
	return &operation{change: dataset.Change{Interaction: &x}}
}

func clearOp(kind dataset.Type) *operation {
	return &operation{change: dataset.Change{Cleared: &dataset.Cleared{Type: kind}}}
}

// import makes a part of rows, which are cells in the schema's order.
func (r *rig) importOp(t testing.TB, kind dataset.Type, text string, replace bool, rows ...[]string) *operation {
	t.Helper()
	s, err := dataset.ParseSchema(text, "")
	if err != nil {
		t.Fatal(err)
	}
	o := &operation{}
	var csv strings.Builder
	for i, f := range s.Fields {
		if i > 0 {
			csv.WriteByte(',')
		}
		csv.WriteString(f.Name)
	}
	for _, cells := range rows {
		cells = append(slices.Clone(cells), make([]string, len(s.Fields)-len(cells))...) // the last columns may be left out
		csv.WriteString("\n" + strings.Join(cells, ","))
		row := make(dataset.Row, len(cells))
		for i, c := range cells {
			if row[i], err = s.ParseCell(i, c); err != nil {
				t.Fatal(err)
			}
		}
		o.rows = append(o.rows, row)
	}
	r.parts++
	o.change.Part = &dataset.PartCommitted{Type: kind, Blob: fmt.Sprintf("parts/%d", r.parts), Replace: replace}
	blobtest.Save(t, r.blobs, o.change.Part.Blob, func(w io.Writer) (err error) {
		file := dataset.File{Name: "f.csv", R: strings.NewReader(csv.String()), Size: int64(csv.Len())}
		o.change.Part.Rows, err = dataset.Import(t.Context(), []dataset.File{file}, s, w, dataset.ImportOptions{Workers: 2})
		return err
	})
	return o
}

// random gives operations that meet each other often: few ids, few times.
type random struct {
	*rand.Rand
	r     *rig
	t     testing.TB
	items string // text of the items' schema now
}

func (x *random) id(prefix string, n int) string { return prefix + strconv.Itoa(x.IntN(n)) }

// impression gives what an event's user was shown; mostly nothing.
func (x *random) impression() (ids []string) {
	if x.IntN(3) > 0 {
		return nil
	}
	for range 1 + x.IntN(3) {
		ids = append(ids, x.id("i", 14), x.id("x", 2))
	}
	return ids
}

func (x *random) operation() *operation {
	switch x.IntN(40) {
	case 0, 1:
		var rows [][]string
		for range 5 + x.IntN(30) {
			value := ""
			if x.IntN(3) > 0 {
				value = strconv.Itoa(x.IntN(3))
			}
			rows = append(rows, []string{x.id("u", 12), x.id("i", 9), strconv.Itoa(100 + x.IntN(6)), x.id("t", 3), value, x.id("d", 2), strings.Join(x.impression(), "|")})
		}
		rows = append(rows, rows[x.IntN(len(rows))])
		return x.r.importOp(x.t, dataset.Interactions, interactionsText, x.IntN(3) > 0, rows...)
	case 2:
		var rows [][]string
		for range 1 + x.IntN(8) {
			row := []string{x.id("i", 14), x.id("g", 3), strconv.Itoa(x.IntN(5))}
			if x.items == movedItemsText {
				row = []string{row[0], x.id("b", 2), row[2], row[1]}
			}
			rows = append(rows, row)
		}
		return x.r.importOp(x.t, dataset.Items, x.items, x.IntN(3) > 0, rows...)
	case 3:
		return x.r.importOp(x.t, dataset.Users, usersText, x.IntN(3) > 0, []string{x.id("u", 14), "f"}, []string{x.id("u", 14), ""})
	case 4:
		if x.IntN(4) == 0 {
			return clearOp([]dataset.Type{dataset.Interactions, dataset.Items, dataset.Users}[x.IntN(3)])
		}
	case 5:
		x.items = movedItemsText // only ever a superset, as in UpdateDataset
		return schemaOp(dataset.Items, x.items)
	case 6, 7:
		row := dataset.Row{{Kind: dataset.String, Str: x.id("i", 14)}, {Kind: dataset.String, Str: x.id("g", 3)}, {}}
		if x.items == movedItemsText {
			row = append(row, dataset.Value{Kind: dataset.String, Str: "last"})
		}
		return &operation{change: dataset.Change{Item: &dataset.Entity{ID: row[0].Str, Row: row}}}
	case 9:
		if x.IntN(2) == 0 {
			return &operation{change: dataset.Change{Forgotten: &dataset.Forgotten{Items: []string{x.id("i", 14), x.id("i", 14)}}}}
		}
		return &operation{change: dataset.Change{Forgotten: &dataset.Forgotten{Users: []string{x.id("u", 14), x.id("u", 14), x.id("s", 5)}}}}
	case 8:
		row := dataset.Row{{Kind: dataset.String, Str: x.id("u", 16)}, {Kind: dataset.String, Str: x.id("g", 3)}}
		return &operation{change: dataset.Change{User: &dataset.Entity{ID: row[0].Str, Row: row}}}
	}
	e := dataset.Interaction{User: x.id("u", 14), Session: x.id("s", 5), Item: x.id("i", 12), Type: x.id("t", 4), Time: int64(100 + x.IntN(6))}
	switch x.IntN(5) {
	case 0, 1:
		e.User = ""
	case 2:
		e.Session = x.id("u", 14) // a session that is called like a user
	}
	e.Impression = x.impression()
	if x.IntN(4) == 0 {
		e.EventID = x.id("e", 10)
	}
	if x.IntN(2) == 0 {
		e.Properties = dataset.Row{{}, {}, {}, {}, {}, {Kind: dataset.String, Str: x.id("d", 2)}}
	}
	if x.IntN(2) == 0 {
		v := float64(x.IntN(2))
		e.Value = &v
	}
	return eventOp(e)
}

// file is the bytes of a snapshot, which are equal for equal ones. The offset is
// left out: the twin has none.
func file(t testing.TB, s *dataset.Snapshot) []byte {
	t.Helper()
	c := *s
	c.Offset = 0
	var b bytes.Buffer
	if err := dataset.WriteSnapshot(&b, &c); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func frozen(t testing.TB, g *Group) *dataset.Snapshot {
	t.Helper()
	s, err := g.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}
