package dataset

import (
	"encoding/csv"
	"strings"
	"testing"
)

// FuzzAppendCSV writes a record and imports it: it is the same. Readers of plain
// CSV see the same texts where no backslash stands before a quote or a backslash.
func FuzzAppendCSV(f *testing.F) {
	f.Add("i", "a,b", "\"", 3, int64(-5), 1.5, true)
	f.Add(`\`, `\"`, "\\\\\",", 0, int64(1)<<62, 1e-300, false)
	f.Add(" x", "\r", "a\nb\r\n", -1, int64(0), -1e22, true)
	f.Fuzz(func(t *testing.T, id, g, text string, n int, l int64, d float64, b bool) {
		s := itemSchema(t)
		row := Row{{Kind: String, Str: id}, {Kind: String, Str: g}, {Kind: String, Str: text}, {Kind: Int, Num: float64(n), Int: int64(n)},
			{Kind: Long, Num: float64(l), Int: l}, {}, {Kind: Double, Num: d}, {Kind: Boolean}}
		if b {
			row[7].Num = 1
		}
		for i, v := range row { // only what can be in a dataset
			if v.Kind == "" {
				continue
			}
			again, err := s.ParseCell(i, v.Text())
			if err != nil || again != v {
				t.Skip()
			}
		}
		line := string(s.AppendCSV(nil, row))
		p, _, err := importAll(t, s, ImportOptions{Workers: 1}, string(s.AppendHeader(nil))+line)
		if err != nil {
			if strings.Contains(err.Error(), "UTF-8") {
				t.Skip()
			}
			t.Fatalf("%q: %v", line, err)
		}
		if p.Rows != 1 {
			t.Fatalf("%q gives %d rows", line, p.Rows)
		}
		got := p.Row(s, 0, nil)
		got[0] = Value{Kind: String, Str: p.IDs[0]}
		for i := range row {
			if got[i] != row[i] {
				t.Errorf("%q: cell %d is %+v, want %+v", line, i, got[i], row[i])
			}
		}
		if strings.ContainsAny(line, "\\\r") {
			return
		}
		cells, err := csv.NewReader(strings.NewReader(line)).Read()
		if err != nil || cells[0] != id || cells[1] != g || cells[2] != text {
			t.Errorf("%q: a plain reader sees %q, %v", line, cells, err)
		}
	})
}
