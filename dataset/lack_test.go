package dataset

import (
	"math"
	"strings"
	"testing"
)

// TestEventsMayLackValues has the columns that live events may leave out empty in a
// file, under a schema that does not allow null.
func TestEventsMayLackValues(t *testing.T) {
	s := mustSchema(t, "", "Interactions", with(event, "EVENT_VALUE float", "IMPRESSION string", "GENRE string")...)
	const head = "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE,IMPRESSION,GENRE\n"
	p, _, err := importAll(t, s, ImportOptions{}, head+"u,x,5,click,,,a\nu,x,6,click,2,x|y,b\n")
	if err != nil {
		t.Fatal(err)
	}
	if !math.IsNaN(float64(p.Values[0])) || p.Values[1] != 2 || p.Cells[0][5].Kind != "" || p.Cells[1][5].Str != "x|y" {
		t.Errorf("got %+v", p)
	}
	_, _, err = importAll(t, s, ImportOptions{}, head+"u,x,5,click,,,\n")
	if err == nil || !strings.Contains(err.Error(), "column GENRE, value \"\": a value is missing") {
		t.Errorf("an own column that must not be null: %v", err)
	}
}
