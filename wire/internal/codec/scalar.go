package codec

import (
	"math"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// String reads a string; nil for null.
func (r *Reader) String() *string {
	if r.Null() {
		return nil
	}
	s := r.Text()
	return &s
}

// Text reads a string where null cannot stand: in lists and maps.
func (r *Reader) Text() string {
	if r.peek() != '"' {
		r.wrong("a String")
		return ""
	}
	return string(r.text())
}

// Enum reads a string that names a constant; empty for null.
func (r *Reader) Enum() string {
	if r.Null() {
		return ""
	}
	return r.Text()
}

// JSONText reads a string that holds JSON; an object in its place is taken as
// if its text had been sent as a string.
func (r *Reader) JSONText() *string {
	if r.peek() != '{' {
		return r.String()
	}
	start := r.pos
	r.Skip()
	s := string(r.data[start:r.pos])
	return &s
}

// Int32 reads a whole number; nil for null.
func (r *Reader) Int32() *int32 {
	if r.Null() {
		return nil
	}
	f := r.float("an Integer")
	if f != math.Trunc(f) || f < math.MinInt32 || f > math.MaxInt32 {
		r.fail("number that is not a whole number of 32 bits")
	}
	if r.err != nil {
		return nil
	}
	v := int32(f)
	return &v
}

// Float64 reads a number; nil for null.
func (r *Reader) Float64() *float64 {
	if r.Null() {
		return nil
	}
	v := r.Number()
	return &v
}

// Float32 reads a number; nil for null.
func (r *Reader) Float32() *float32 {
	if r.Null() {
		return nil
	}
	f := r.Number()
	v := float32(f)
	if math.IsInf(float64(v), 0) && !math.IsInf(f, 0) {
		r.fail("number that is too large for 32 bits")
	}
	return &v
}

// Number reads a number where null cannot stand. AWS sends what JSON has no
// number for as a string.
func (r *Reader) Number() float64 {
	if r.peek() != '"' {
		return r.float("a Number")
	}
	start := r.pos
	switch string(r.text()) {
	case "NaN":
		return math.NaN()
	case "Infinity":
		return math.Inf(1)
	case "-Infinity":
		return math.Inf(-1)
	}
	if r.err == nil {
		r.pos = start
		r.wrong("a Number")
	}
	return 0
}

// Bool reads true or false; nil for null.
func (r *Reader) Bool() *bool {
	var v bool
	switch r.peek() {
	case 'n':
		r.word("null")
		return nil
	case 't':
		v = r.word("true")
	case 'f':
		r.word("false")
	default:
		r.wrong("a Boolean")
	}
	return &v
}

// maxSeconds bounds timestamps so that they fit in milliseconds; whether they
// make sense is the business of who uses them.
const maxSeconds = 1e15

// Time reads seconds since 1970 with an optional fraction, or an ISO 8601 text;
// nil for null. Fractions are kept to the microsecond.
func (r *Reader) Time() *time.Time {
	if r.Null() {
		return nil
	}
	if r.peek() == '"' {
		start := r.pos
		v, err := time.Parse(time.RFC3339Nano, string(r.text()))
		if err != nil {
			r.pos = start
			r.fail("string that is not a timestamp; send seconds since 1970, or a text like 2006-01-02T15:04:05Z")
		}
		v = v.UTC()
		return &v
	}
	f := r.float("a Timestamp")
	if math.Abs(f) > maxSeconds {
		r.fail("timestamp out of range; send seconds since 1970")
		f = 0
	}
	whole, part := math.Modf(f)
	v := time.Unix(int64(whole), int64(math.Round(part*1e6))*1e3).UTC()
	return &v
}

func (r *Reader) float(want string) float64 {
	if c := r.peek(); c != '-' && (c < '0' || c > '9') {
		r.wrong(want)
		return 0
	}
	start := r.pos
	f, err := strconv.ParseFloat(string(r.number()), 64)
	if err != nil && r.err == nil {
		r.pos = start
		r.fail("number out of range")
	}
	return f
}

// number passes over a number by the grammar of JSON.
func (r *Reader) number() []byte {
	start, i := r.pos, r.pos
	if r.data[i] == '-' {
		i++
	}
	whole := i
	i = digits(r.data, i)
	ok := i > whole && (r.data[whole] != '0' || i == whole+1)
	if ok && i < len(r.data) && r.data[i] == '.' {
		part := i + 1
		i = digits(r.data, part)
		ok = i > part
	}
	if ok && i < len(r.data) && r.data[i]|0x20 == 'e' {
		i++
		if i < len(r.data) && (r.data[i] == '+' || r.data[i] == '-') {
			i++
		}
		part := i
		i = digits(r.data, part)
		ok = i > part
	}
	if !ok {
		r.fail("malformed number")
		return nil
	}
	r.pos = i
	return r.data[start:i]
}

func digits(b []byte, i int) int {
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	return i
}

// text reads a string. It is valid until the next call.
func (r *Reader) text() []byte {
	start := r.pos + 1
	for i := start; i < len(r.data); i++ {
		switch c := r.data[i]; {
		case c == '"':
			r.pos = i + 1
			return r.valid(r.data[start:i])
		case c == '\\':
			return r.escaped(start, i)
		case c < 0x20:
			r.pos = i
			r.fail("control character %#02x inside a string; escape it", c)
			return nil
		}
	}
	r.fail("string without an end")
	return nil
}

// escaped reads a string whose first backslash stands at i.
func (r *Reader) escaped(start, i int) []byte {
	out := append(r.buf[:0], r.data[start:i]...)
	for i < len(r.data) {
		switch c := r.data[i]; {
		case c == '"':
			r.pos, r.buf = i+1, out
			return r.valid(out)
		case c < 0x20:
			r.pos = i
			r.fail("control character %#02x inside a string; escape it", c)
			return nil
		case c != '\\':
			out = append(out, c)
			i++
			continue
		}
		ru, n := escape(r.data[i+1:])
		if n == 0 {
			r.pos = i
			r.fail("malformed escape inside a string")
			return nil
		}
		out = utf8.AppendRune(out, ru)
		i += 1 + n
	}
	r.fail("string without an end")
	return nil
}

// escape reads what stands behind a backslash and says how many bytes it took; 0: malformed.
func escape(b []byte) (rune, int) {
	if len(b) == 0 {
		return 0, 0
	}
	switch b[0] {
	case '"', '\\', '/':
		return rune(b[0]), 1
	case 'b':
		return '\b', 1
	case 'f':
		return '\f', 1
	case 'n':
		return '\n', 1
	case 'r':
		return '\r', 1
	case 't':
		return '\t', 1
	case 'u':
		r, ok := hex4(b[1:])
		if !ok {
			return 0, 0
		}
		if utf16.IsSurrogate(r) && len(b) >= 7 && b[5] == '\\' && b[6] == 'u' {
			if low, ok := hex4(b[7:]); ok {
				if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
					return pair, 11
				}
			}
		}
		return r, 5 // half of a pair becomes U+FFFD
	}
	return 0, 0
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	v, err := strconv.ParseUint(string(b[:4]), 16, 16)
	return rune(v), err == nil
}

func (r *Reader) valid(b []byte) []byte {
	if !utf8.Valid(b) {
		r.fail("string that is not valid UTF-8")
		return nil
	}
	return b
}
