package dataset

import (
	"math"
	"strings"
	"testing"
)

// TestEventsMayLackValues has the columns that live events may leave out empty in a
// file, under a schema that does not allow null.
func TestEventsMayLackValues(t *testing.T) {
	s := mustSchema(t, "", "Interactions", with(event, "EVENT_VALUE float", "IMPRESSION string", "PRICE float")...)
	const head = "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE,IMPRESSION,PRICE\n"
	p, _, err := importAll(t, s, ImportOptions{}, head+"u,x,5,click,,,1\nu,x,6,click,2,x|y,2\n")
	if err != nil {
		t.Fatal(err)
	}
	if !math.IsNaN(float64(p.Values[0])) || p.Values[1] != 2 || p.Cells[0][5].Kind != "" || p.Cells[1][5].Str != "x|y" {
		t.Errorf("got %+v", p)
	}
	_, _, err = importAll(t, s, ImportOptions{}, head+"u,x,5,click,,,\n")
	if err == nil || !strings.Contains(err.Error(), "column PRICE, value \"\": a value is missing") {
		t.Errorf("an own column that must not be null: %v", err)
	}
}

// TestTextsMayBeEmpty has texts empty that must not be null: they are taken, but for
// those that name something, and read back as null.
func TestTextsMayBeEmpty(t *testing.T) {
	s := mustSchema(t, "VIDEO_ON_DEMAND", "Items", "ITEM_ID string", "GENRES string categorical", "YEAR string categorical", "CREATION_TIMESTAMP long")
	const head = "ITEM_ID,GENRES,YEAR,CREATION_TIMESTAMP\n"
	for _, rows := range []string{"a,,,5\nb,x,1995,6\n", "a,\"\",\"\",5\n\"b\",x,1995,6\n"} {
		p, _, err := importAll(t, s, ImportOptions{}, head+rows)
		if err != nil {
			t.Fatal(err)
		}
		if c := p.Cells[0]; c[1].Kind != "" || c[2].Kind != "" || p.Cells[1][2].Str != "1995" {
			t.Errorf("got %+v", p.Cells)
		}
		if line := string(s.AppendCSV(nil, p.Row(s, 0, nil))); line != "a,,,5\n" {
			t.Errorf("exported as %q", line)
		}
	}
	for rows, want := range map[string]string{",x,y,5\n": "column ITEM_ID", "a,x,y,\n": "column CREATION_TIMESTAMP"} {
		if _, _, err := importAll(t, s, ImportOptions{}, head+rows); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", rows, err)
		}
	}
}
