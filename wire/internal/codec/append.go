// Package codec writes and reads JSON for the generated shapes, without
// reflection.
//
// Appending never fails and allocates only when the buffer grows. Reader is
// strict: one JSON text, valid UTF-8, nothing behind it. Invariants: (1) after
// the first error every call of a Reader ends at once, so that generated loops
// stop; (2) nesting is bounded by MaxDepth, and unknown members are skipped
// without recursion; (3) memory grows with the text, not faster: lists and maps
// keep no more than one member beyond what their constraint allows.
//
// What values mean and whether they keep their constraints is left to package
// check.
package codec

import (
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

const hex = "0123456789abcdef"

// AppendString appends s as a JSON string. Bytes that are not UTF-8 become U+FFFD.
func AppendString[S ~string](b []byte, s S) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(string(s[i:min(len(s), i+utf8.UTFMax)]))
			if r == utf8.RuneError && n == 1 {
				b = append(append(b, s[start:i]...), "\ufffd"...)
				start = i + 1
			}
			i += n
			continue
		}
		if c >= 0x20 && c != '"' && c != '\\' {
			i++
			continue
		}
		b = appendEscape(append(b, s[start:i]...), c)
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	return append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}

// AppendInt appends a whole number.
func AppendInt[I ~int32 | ~int64](b []byte, v I) []byte { return strconv.AppendInt(b, int64(v), 10) }

// AppendBool appends true or false.
func AppendBool(b []byte, v bool) []byte { return strconv.AppendBool(b, v) }

// AppendFloat64 appends a number. What JSON has no number for becomes a string, as AWS does.
func AppendFloat64(b []byte, v float64) []byte { return appendFloat(b, v, 64) }

// AppendFloat32 appends a number with the digits that a float32 needs.
func AppendFloat32(b []byte, v float32) []byte { return appendFloat(b, float64(v), 32) }

func appendFloat(b []byte, v float64, bits int) []byte {
	switch {
	case math.IsNaN(v):
		return append(b, `"NaN"`...)
	case math.IsInf(v, 1):
		return append(b, `"Infinity"`...)
	case math.IsInf(v, -1):
		return append(b, `"-Infinity"`...)
	}
	format := byte('f')
	if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(b, v, format, -1, bits)
}

// AppendTime appends seconds since 1970, with milliseconds where there are any.
func AppendTime(b []byte, t time.Time) []byte {
	ms := t.UnixMilli()
	if ms < 0 {
		b, ms = append(b, '-'), -ms
	}
	b = strconv.AppendInt(b, ms/1000, 10)
	if ms %= 1000; ms != 0 {
		b = append(b, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
	}
	return b
}

// Keys appends the keys of m to keys and sorts them: maps are written in order,
// so that equal values are equal texts.
func Keys[V any](keys []string, m map[string]V) []string {
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Field begins a member of an object: a comma unless it is the first behind
// start, then name, which is quoted and ends in a colon.
func Field(b []byte, start int, name string) []byte {
	if len(b) > start {
		b = append(b, ',')
	}
	return append(b, name...)
}
