package dataset

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// rowsOf gives a part's rows as CSV, those of some ids left out.
func rowsOf(t *testing.T, s *Schema, b []byte, without *Erasure) (rows []string) {
	t.Helper()
	p, err := ReadPart(bytes.NewReader(b), int64(len(b)), s)
	if err != nil {
		t.Fatal(err)
	}
	for r := range int(p.Rows) {
		row := p.Row(s, r, nil)
		if !without.has(row[s.Column(without.Column)].Str) {
			rows = append(rows, string(s.AppendCSV(nil, row)))
		}
	}
	return rows
}

func partOf(t *testing.T, s *Schema, csv string) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := Import(t.Context(), []File{{Name: "f", R: strings.NewReader(csv), Size: int64(len(csv))}}, s, &b, ImportOptions{Workers: 1}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestErasure: what is left of a part are the other rows, as if the file had had
// those alone: byte by byte.
func TestErasure(t *testing.T) {
	for name, c := range map[string]struct {
		kind         Type
		text, head   string
		column, mine string
		row          func(id string, i int) string
	}{
		"interactions": {Interactions, `{"type":"record","name":"Interactions","fields":[{"name":"USER_ID","type":"string"},{"name":"ITEM_ID","type":"string"},
			{"name":"TIMESTAMP","type":"long"},{"name":"EVENT_TYPE","type":"string"},{"name":"EVENT_VALUE","type":["null","float"]},
			{"name":"DEVICE","type":["null","string"],"categorical":true},{"name":"AGE","type":["null","int"]},{"name":"NEW","type":["null","boolean"]},{"name":"X","type":["null","double"]}]}`,
			"USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE,DEVICE,AGE,NEW,X", "USER_ID", "user", func(id string, i int) string {
				cells := []string{id, fmt.Sprint("i", i%40), fmt.Sprint(1000 + i), []string{"view", "buy"}[i%2], "", "", "", "", ""}
				if i%3 == 0 {
					cells[4], cells[5], cells[6], cells[7], cells[8] = "1.5", "phone "+id, fmt.Sprint(i), "true", fmt.Sprint(float64(i)/4)
				}
				return strings.Join(cells, ",")
			}},
		"users": {Users, `{"type":"record","name":"Users","fields":[{"name":"USER_ID","type":"string"},{"name":"CITY","type":["null","string"],"categorical":true},{"name":"AGE","type":["null","long"]}]}`,
			"USER_ID,CITY,AGE", "USER_ID", "user", func(id string, i int) string { return fmt.Sprintf("%s,city %s,%d", id, id, i) }},
		"items": {Interactions, `{"type":"record","name":"Interactions","fields":[{"name":"USER_ID","type":"string"},{"name":"ITEM_ID","type":"string"},{"name":"TIMESTAMP","type":"long"}]}`,
			"USER_ID,ITEM_ID,TIMESTAMP", "ITEM_ID", "item", func(id string, i int) string { return fmt.Sprintf("u%d,%s,%d", i%50, id, i) }},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := ParseSchema(c.text, "")
			if err != nil {
				t.Fatal(err)
			}
			for _, gone := range []int{0, 1, 7, 60} {
				e := &Erasure{Column: c.column, IDs: map[string]struct{}{"nobody": {}}}
				for i := range gone {
					e.IDs[fmt.Sprint(c.mine, 5*i%60)] = struct{}{}
				}
				all, others := c.head+"\n", c.head+"\n"
				for i := range 400 {
					id := fmt.Sprint(c.mine, i*7%60)
					if c.kind == Users && i >= 60 {
						break
					}
					row := c.row(id, i) + "\n"
					all += row
					if !e.has(id) {
						others += row
					}
				}
				part := partOf(t, s, all)
				ids, err := ReadPartIDs(bytes.NewReader(part), int64(len(part)), s)
				if err != nil {
					t.Fatal(err)
				}
				if e.Concerns(ids) != (gone > 0) {
					t.Errorf("%d ids: concerns %v", gone, e.Concerns(ids))
				}
				var left bytes.Buffer
				n, err := e.Part(context.Background(), bytes.NewReader(part), int64(len(part)), s, &left)
				if err != nil {
					t.Fatal(err)
				}
				want := rowsOf(t, s, part, e)
				if got := rowsOf(t, s, left.Bytes(), e); !reflect.DeepEqual(got, want) || n != int64(len(want)) {
					t.Fatalf("%d ids: %d rows are left (%d), want %d", gone, len(got), n, len(want))
				}
				if len(want) > 0 && !bytes.Equal(left.Bytes(), partOf(t, s, others)) {
					t.Errorf("%d ids: other bytes than a file without them gives", gone)
				}
				if again, err := ReadPartIDs(bytes.NewReader(left.Bytes()), int64(left.Len()), s); err != nil || e.Concerns(again) {
					t.Errorf("%d ids: some are left, %v", gone, err)
				}
				if e.Concerns(e.IDsOf(ids)) || len(e.list(e.IDsOf(ids))) != len(e.list(ids))-min(gone, 12)*len(e.list(ids))/60 {
					t.Errorf("%d ids: ids %d of %d are left", gone, len(e.list(e.IDsOf(ids))), len(e.list(ids)))
				}
			}
		})
	}
}

// TestErasureOfImpressions: an item that is to be gone is in no list of shown items
// any more; one that showed it alone is null, and a part that only shows it concerns.
func TestErasureOfImpressions(t *testing.T) {
	s, err := ParseSchema(`{"type":"record","name":"Interactions","fields":[{"name":"USER_ID","type":"string"},{"name":"ITEM_ID","type":"string"},
		{"name":"TIMESTAMP","type":"long"},{"name":"IMPRESSION","type":["null","string"]}]}`, "")
	if err != nil {
		t.Fatal(err)
	}
	e := &Erasure{Column: "ITEM_ID", IDs: map[string]struct{}{"x": {}}}
	const head = "USER_ID,ITEM_ID,TIMESTAMP,IMPRESSION\n"
	for name, c := range map[string]struct {
		rows, left string
		concerned  bool
	}{
		"only shown":      {"u,a,1,a|x|b\nu,b,2,x\nu,c,3,a|b\n", "u,a,1,a|b\nu,b,2,\nu,c,3,a|b\n", true},
		"had and shown":   {"u,x,1,x|b\nu,b,2,b|x\nu,b,3,\n", "u,b,2,b\nu,b,3,\n", true},
		"a part of an id": {"u,xx,1,xx|ax\nu,b,2,\n", "u,xx,1,xx|ax\nu,b,2,\n", false},
	} {
		part := partOf(t, s, head+c.rows)
		rows, concerned, err := e.ConcernsPart(bytes.NewReader(part), int64(len(part)), s)
		if err != nil || concerned != c.concerned || rows != int64(strings.Count(c.rows, "\n")) {
			t.Errorf("%s: %d rows, %v, %v", name, rows, concerned, err)
		}
		var left bytes.Buffer
		if _, err := e.Part(t.Context(), bytes.NewReader(part), int64(len(part)), s, &left); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(left.Bytes(), partOf(t, s, head+c.left)) {
			t.Errorf("%s: left are %q", name, rowsOf(t, s, left.Bytes(), &Erasure{Column: "ITEM_ID"}))
		}
	}
}
