package dataset

import (
	"math"
	"strconv"
	"strings"
)

// This file writes records as CSV: the way back of Import.

// AppendHeader writes the names of the schema's fields as the first line of a CSV file.
func (s *Schema) AppendHeader(b []byte) []byte {
	for i, f := range s.Fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, f.Name...) // letters, digits and _
	}
	return append(b, '\n')
}

// AppendCSV writes one record as a line that Import reads as the same record.
// Cells behind the end of r are null.
func (s *Schema) AppendCSV(b []byte, r Row) []byte {
	for i := range s.Fields {
		if i > 0 {
			b = append(b, ',')
		}
		if i < len(r) {
			b = r[i].appendCSV(b)
		}
	}
	return append(b, '\n')
}

func (v Value) appendCSV(b []byte) []byte {
	switch v.Kind {
	case "":
		return b
	case String:
		return appendCSVText(b, v.Str)
	case Int, Long:
		return strconv.AppendInt(b, v.Int, 10)
	case Boolean:
		return strconv.AppendBool(b, v.Num != 0)
	}
	format := byte('f')
	if x := math.Abs(v.Num); x != 0 && (x < 1e-6 || x >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(b, v.Num, format, -1, 64)
}

// appendCSVText quotes a text that needs it. Quotes are doubled, which every
// reader of CSV knows; a backslash only where Import would take it for an escape.
func appendCSVText(b []byte, text string) []byte {
	if !strings.ContainsAny(text, "\",\r\n") {
		return append(b, text...)
	}
	b = append(b, '"')
	for i := range len(text) {
		c := text[i]
		if c == '"' || c == '\\' && (i+1 == len(text) || text[i+1] == '"' || text[i+1] == '\\') {
			b = append(b, c)
		}
		b = append(b, c)
	}
	return append(b, '"')
}

// Row gives row r of the part as a record in the order of the schema that the
// part was read with. It is written into buf where that has room.
func (p *Part) Row(s *Schema, r int, buf Row) Row {
	buf = buf[:0]
	for i := range s.Fields {
		v := Value{}
		if p.Cells != nil {
			v = p.Cells[r][i]
		}
		if s.dedicated(i) {
			v = p.dedicatedCell(&s.Fields[i], r)
		}
		buf = append(buf, v)
	}
	return buf
}

func (p *Part) dedicatedCell(f *Field, r int) Value {
	switch f.Name {
	case "USER_ID":
		return Value{Kind: String, Str: p.UserIDs[p.Users[r]]}
	case "ITEM_ID", "ACTION_ID":
		return Value{Kind: String, Str: p.ItemIDs[p.Items[r]]}
	case "TIMESTAMP":
		return Value{Kind: f.Kind, Num: float64(p.Times[r]), Int: p.Times[r]}
	case "EVENT_TYPE":
		if p.Types == nil {
			return Value{}
		}
		return Value{Kind: String, Str: p.EventTypes[p.Types[r]]}
	}
	if p.Values == nil {
		return Value{}
	}
	return number(f, float64(p.Values[r]))
}

// number gives a cell of an event's value; NaN is null.
func number(f *Field, x float64) Value {
	short, ok := shortest(x)
	if !ok {
		return Value{}
	}
	return Value{Kind: f.Kind, Num: short}
}

// shortest gives a float32, as values of events are kept, in its shortest digits, not in
// those of its nearest float64; false for NaN, which is no value.
func shortest(x float64) (float64, bool) {
	if math.IsNaN(x) {
		return 0, false
	}
	short, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', -1, 32), 64)
	if err != nil {
		short = x
	}
	return short, true
}

// Row gives a live event of that user as a record in the order of the schema.
// It is written into buf where that has room.
func (x *Interaction) Row(s *Schema, user string, buf Row) Row {
	buf = buf[:0]
	for i := range s.Fields {
		v := text(user)
		if f := &s.Fields[i]; f.Name != "USER_ID" {
			v = x.cell(i, f)
		}
		buf = append(buf, v)
	}
	return buf
}

// cell gives the cell of field i, which is not the user's.
func (x *Interaction) cell(i int, f *Field) Value {
	switch f.Name {
	case "ITEM_ID", "ACTION_ID":
		return text(x.Item)
	case "TIMESTAMP":
		return Value{Kind: f.Kind, Num: float64(x.Time), Int: x.Time}
	case "EVENT_TYPE":
		return text(x.Type)
	case "EVENT_VALUE":
		if x.Value == nil {
			return Value{}
		}
		return number(f, float64(float32(*x.Value)))
	case "IMPRESSION":
		return text(strings.Join(x.Impression, separator))
	case "RECOMMENDATION_ID":
		return text(x.RecommendationID)
	case "EVENT_ATTRIBUTION_SOURCE":
		return text(x.Source)
	}
	if i < len(x.Properties) { // the schema may have got columns since
		return x.Properties[i]
	}
	return Value{}
}

// text gives a cell of a string; the empty one is null.
func text(s string) Value {
	if s == "" {
		return Value{}
	}
	return Value{Kind: String, Str: s}
}
