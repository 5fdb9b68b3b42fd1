package dataset

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// TestBadRowsAreLeftOut compares with an import of the same files without the bad
// rows, in every way of reading.
func TestBadRowsAreLeftOut(t *testing.T) {
	s := itemSchema(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 40 {
		var all, good strings.Builder
		all.WriteString(itemHeader)
		good.WriteString(itemHeader)
		bad, values := int64(0), int64(0)
		for i := range 600 {
			row := fmt.Sprintf("id%d,g%d,text,%d,1,.5,,true\n", i, rnd.IntN(5), i)
			switch rnd.IntN(12) {
			case 0:
				row, bad, values = fmt.Sprintf("id%d,new%d,,x,1,y,,true\n", i, i), bad+1, values+2
			case 1:
				row, bad, values = "only,two\n", bad+1, values+1
			case 2:
				row, bad, values = "\xff,,,1,1,,,\n", bad+1, values+1
			default:
				if rnd.IntN(900) == 0 {
					row = strings.Replace(row, "text", "\"a, \"\"b\"\"\"", 1)
				}
				good.WriteString(row)
			}
			all.WriteString(row)
		}
		var report Report
		got, _, err := importAll(t, s, ImportOptions{Workers: 1 + rnd.IntN(3), chunk: 500 + rnd.Int64N(5000), MaxBad: bad, Report: &report}, all.String())
		if err != nil {
			t.Fatal(err)
		}
		want, _, err := importAll(t, s, ImportOptions{}, good.String())
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatal("the part differs from that of the good rows alone")
		}
		if report.Rows != want.Rows || report.BadRows != bad || report.BadValues != values || int64(len(report.Bad)) != min(values, mostReported) {
			t.Errorf("report of %d good and %d bad rows, %d bad values, %d listed; want %d, %d, %d", report.Rows, report.BadRows, report.BadValues, len(report.Bad), want.Rows, bad, values)
		}
		_, _, err = importAll(t, s, ImportOptions{MaxBad: bad - 1}, all.String())
		var refused *ImportError
		if !errors.As(err, &refused) || !strings.Contains(refused.Error(), fmt.Sprintf("%d rows are bad, and at most %d may be left out.", bad, bad-1)) {
			t.Errorf("one bad row too many: %v", err)
		}
	}
}

func TestTornFilesAreRefused(t *testing.T) {
	s := mustSchema(t, "", "Interactions", inter...)
	_, _, err := importAll(t, s, ImportOptions{MaxBad: 100}, "USER_ID,ITEM_ID,TIMESTAMP\n\"u,i,1\nu,i,2\n")
	if err == nil || !strings.Contains(err.Error(), "never closed") {
		t.Errorf("rows that an open quote swallows were left out: %v", err)
	}
}

func TestCheck(t *testing.T) {
	s := mustSchema(t, "", "Interactions", inter...)
	report, err := Check(t.Context(), files("USER_ID,ITEM_ID,TIMESTAMP\nu,i,1\nu,i,x\nu,i,2\n"), s, ImportOptions{MinRows: 1})
	var bad *ImportError
	if !errors.As(err, &bad) || report.Rows != 2 || report.BadRows != 1 || len(report.Bad) != 1 || report.Bad[0].Line != 3 || report.Bad[0].Column != "TIMESTAMP" {
		t.Errorf("got %+v, %v", report, err)
	}
	if report, err = Check(t.Context(), files("USER_ID,ITEM_ID,TIMESTAMP\nu,i,1\n"), s, ImportOptions{}); err != nil || report.Rows != 1 {
		t.Errorf("got %+v, %v", report, err)
	}
}
