package dataset

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Lengths in characters, as AWS documents them.
const (
	maxID      = 256
	maxString  = 1000
	maxTextual = 20_000

	// AWS takes at most 1000 characters of impressions in a file, but 25 ids of 256
	// in an event. What came as an event has to fit into a file too.
	maxImpression = 25*(maxID+1) - 1
)

// lastTime is the last Unix second taken for a time when nobody says what time it
// is now: the year 5138. The same number of milliseconds is in 1973.
const lastTime = 100_000_000_000

// century is how far in the future a time may lie.
const century = 100 * 366 * 24 * 3600

// cellError says what is wrong with one cell; its text goes to the customer.
type cellError struct{ value, want string }

func (e *cellError) Error() string { return fmt.Sprintf("the value %s: %s", e.value, e.want) }

func badCell(value, format string, args ...any) error {
	return &cellError{shorten(value), fmt.Sprintf(format, args...)}
}

// shorten quotes a value from outside so that it fits into a message.
func shorten(s string) string {
	const most = 60
	if utf8.RuneCountInString(s) <= most {
		return strconv.Quote(s)
	}
	return strconv.Quote(string([]rune(s)[:most])) + "…"
}

// ParseCell reads the text of one CSV cell into the field at that position. The
// empty text is null; of strings it is taken also where the schema does not allow
// null. Errors say what was expected and how to mend it.
func (s *Schema) ParseCell(field int, text string) (Value, error) {
	return s.Fields[field].parse(text, lastTime)
}

// parse reads a cell; times behind last are refused.
func (f *Field) parse(text string, last int64) (Value, error) {
	if text == "" {
		if f.mayBeEmpty() {
			return Value{}, nil
		}
		return Value{}, &cellError{`""`, f.missing()}
	}
	switch f.Kind {
	case String:
		return f.parseString(text)
	case Boolean:
		switch text {
		case "true":
			return Value{Kind: Boolean, Num: 1}, nil
		case "false":
			return Value{Kind: Boolean}, nil
		}
		return Value{}, badCell(text, "true or false in lower case was expected")
	case Int, Long:
		bits := 64
		if f.Kind == Int {
			bits = 32
		}
		n, err := strconv.ParseInt(text, 10, bits)
		if err != nil {
			return Value{}, badCell(text, "%s", f.wantNumber(text))
		}
		return f.integer(n, text, last)
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return Value{}, badCell(text, "%s", f.wantNumber(text))
	}
	return f.float(x, text, last)
}

// mayBeEmpty says whether the empty text is a value of the field. A text may be empty
// whatever the schema says, as in AWS's own samples: of movies without a year, YEAR is
// so, a string that must not be null. What names something may not.
func (f *Field) mayBeEmpty() bool {
	switch f.Name {
	case "EVENT_TYPE":
		return false
	case "USER_ID", "ITEM_ID", "ACTION_ID":
		return f.Nullable
	}
	return f.Nullable || f.Kind == String
}

func (f *Field) missing() string {
	switch f.Name {
	case "EVENT_TYPE":
		return "every row needs an EVENT_TYPE, for example click"
	case "USER_ID", "ITEM_ID", "ACTION_ID", "TIMESTAMP":
		return "a value is missing; every row needs its " + f.Name
	}
	return fmt.Sprintf(`a value is missing; fill the field, or let the schema allow null ("type": ["null", %q])`, string(f.Kind))
}

// wantNumber says which number was expected, with a hint for common mistakes.
func (f *Field) wantNumber(text string) string {
	want := map[Kind]string{Int: "a whole number (int)", Long: "a whole number (long)", Float: "a number (float)", Double: "a number (double)"}[f.Kind]
	switch {
	case f.isTime() && len(text) >= 8 && strings.ContainsAny(text, "-:/"):
		return want + " was expected: a time is written in Unix seconds, for example 1710000000"
	case strings.TrimSpace(text) != text:
		return want + " was expected; remove the blanks around it"
	case strings.Contains(text, ","):
		return want + " was expected; write the decimal point as . and no separators of thousands"
	}
	if x, err := strconv.ParseFloat(text, 64); err == nil && (f.Kind == Int || f.Kind == Long) {
		if x != math.Trunc(x) || math.IsInf(x, 0) {
			return want + " was expected, without a fraction"
		}
		if f.Kind == Int && math.Abs(x) > math.MaxInt32 {
			return want + " between -2147483648 and 2147483647 was expected; use the type long in the schema for larger ones"
		}
		return want + " was expected; write it without point and exponent"
	}
	return want + " was expected"
}

// integer checks a whole number of the kinds Int and Long.
func (f *Field) integer(n int64, text string, last int64) (Value, error) {
	if f.isTime() {
		if err := f.checkTime(n, text, last); err != nil {
			return Value{}, err
		}
	}
	return Value{Kind: f.Kind, Num: float64(n), Int: n}, nil
}

// float checks a number of the kinds Float and Double.
func (f *Field) float(x float64, text string, last int64) (Value, error) {
	if math.IsNaN(x) || math.IsInf(x, 0) || f.Kind == Float && math.Abs(x) > math.MaxFloat32 {
		return Value{}, badCell(text, "%s; leave the field empty when there is no value", f.wantNumber(""))
	}
	if f.isTime() {
		if math.Abs(x) > math.MaxInt64/2 {
			return Value{}, badCell(text, "a time in Unix seconds was expected")
		}
		if err := f.checkTime(int64(x), text, last); err != nil {
			return Value{}, err
		}
	}
	return Value{Kind: f.Kind, Num: x}, nil
}

// checkTime recognises milliseconds and finer, the classic mistake. Items may be
// older than 1970, interactions not.
func (f *Field) checkTime(n int64, text string, last int64) error {
	if n < 0 && f.Name == "TIMESTAMP" {
		return badCell(text, "a time in Unix seconds after 1970 was expected")
	}
	if n <= last {
		return nil
	}
	for _, unit := range []struct {
		name string
		div  int64
	}{{"milliseconds", 1e3}, {"microseconds", 1e6}, {"nanoseconds", 1e9}} {
		if n/unit.div <= last {
			return badCell(text, "Unix seconds were expected, but this lies in the year %d; it looks like %s: write %d", year(n), unit.name, n/unit.div)
		}
	}
	return badCell(text, "Unix seconds were expected, but this lies in the year %d", year(n))
}

func year(n int64) int64 {
	if n < 1<<40 {
		return int64(time.Unix(n, 0).UTC().Year())
	}
	return 1970 + n/31_556_952 // beyond what package time counts exactly
}

// parseString checks lengths and cuts long texts.
func (f *Field) parseString(text string) (Value, error) {
	v := Value{Kind: String, Str: text}
	most := f.maxChars()
	if len(text) <= most { // bytes: at least as many as characters
		return v, nil
	}
	n := utf8.RuneCountInString(text)
	switch {
	case n <= most:
	case f.Textual: // AWS cuts texts and refuses all else
		at := 0
		for range most {
			_, w := utf8.DecodeRuneInString(text[at:])
			at += w
		}
		v.Str = strings.Clone(text[:at])
	default:
		return Value{}, badCell(text, "Length cannot be more than %d characters for %s. If no values exceed the character limit, make sure your data follows the formatting guidelines: a text with commas must be in double quotes (this one has %d characters)", most, f.Name, n)
	}
	return v, nil
}

func (f *Field) maxChars() int {
	switch {
	case f.Textual:
		return maxTextual
	case f.Name == "USER_ID", f.Name == "ITEM_ID", f.Name == "ACTION_ID":
		return maxID
	case f.Name == "IMPRESSION":
		return maxImpression
	}
	return maxString
}

// FromJSON turns a JSON value of a property into a cell of the field at that
// position. Numbers may be float64 or json.Number, and may be written as strings,
// as in AWS's own examples. Errors name the column, the value and what was
// expected.
func (s *Schema) FromJSON(field int, v any) (Value, error) {
	f := &s.Fields[field]
	c, err := f.fromJSON(v)
	if err != nil {
		return Value{}, fmt.Errorf("column %s: %w", f.Name, err)
	}
	return c, nil
}

func (f *Field) fromJSON(v any) (Value, error) {
	switch x := v.(type) {
	case nil:
		if !f.Nullable {
			return Value{}, &cellError{"null", f.missing()}
		}
		return Value{}, nil
	case string:
		return f.parse(x, lastTime)
	case bool:
		if f.Kind == Boolean {
			return f.parse(strconv.FormatBool(x), lastTime)
		}
		return Value{}, badCell(strconv.FormatBool(x), "%s", f.wantJSON())
	case json.Number:
		return f.fromNumber(x.String())
	case float64:
		return f.fromNumber(strconv.FormatFloat(x, 'g', -1, 64))
	case int:
		return f.fromNumber(strconv.Itoa(x))
	case int64:
		return f.fromNumber(strconv.FormatInt(x, 10))
	}
	text, err := json.Marshal(v)
	if err != nil {
		text = []byte("(not JSON)")
	}
	return Value{}, badCell(string(text), "%s, not a list or an object; join several categories with |", f.wantJSON())
}

// fromNumber takes a number in JSON's spelling; 12.0 and 1e3 are whole numbers there.
func (f *Field) fromNumber(text string) (Value, error) {
	switch f.Kind {
	case String, Boolean:
		return Value{}, badCell(text, "%s", f.wantJSON())
	case Int, Long:
		if !strings.ContainsAny(text, ".eE") {
			break
		}
		x, err := strconv.ParseFloat(text, 64)
		if err == nil && x == math.Trunc(x) && math.Abs(x) < 1<<53 {
			text = strconv.FormatInt(int64(x), 10)
		}
	}
	return f.parse(text, lastTime)
}

func (f *Field) wantJSON() string {
	switch f.Kind {
	case String:
		return "a string in quotes was expected"
	case Boolean:
		return "true or false was expected"
	}
	return f.wantNumber("")
}
