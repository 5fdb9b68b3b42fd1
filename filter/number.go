package filter

import (
	"fmt"
	"math"
	"strconv"

	"usher/dataset"
)

// numeral is a number as it was written: whole, or with a fraction.
type numeral struct {
	whole bool
	i     int64
	f     float64
}

// parseNumber reads a number. Whole ones are exact.
func parseNumber(s string) (numeral, error) {
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return numeral{true, i, float64(i)}, nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return numeral{}, fmt.Errorf("%q is not a number", clip(s))
	}
	return numeral{false, 0, f}, nil
}

// numeralOf gives the number in a cell.
func numeralOf(v dataset.Value) numeral {
	if v.Kind == dataset.Int || v.Kind == dataset.Long {
		return numeral{true, v.Int, float64(v.Int)}
	}
	return numeral{false, 0, v.Num}
}

// Numbers of a column become keys that have their order, so that a comparison is
// a range of keys, and one kind of column does for all numbers.

// keyOf gives the key of a cell that holds a number.
func keyOf(v dataset.Value) uint64 {
	if v.Kind == dataset.Int || v.Kind == dataset.Long {
		return wholeKey(v.Int)
	}
	return floatKey(v.Num)
}

func wholeKey(i int64) uint64 { return uint64(i) ^ 1<<63 }

func floatKey(f float64) uint64 {
	if f == 0 { // −0 is 0
		f = 0
	}
	b := math.Float64bits(f)
	if b>>63 != 0 {
		return ^b
	}
	return b | 1<<63
}

// keyRange is the keys from lo to hi, both included; empty when lo > hi.
type keyRange struct{ lo, hi uint64 }

func (r keyRange) has(k uint64) bool { return k >= r.lo && k <= r.hi }

var nothing = keyRange{1, 0}

// rangeOf gives the keys of a column of that kind for which "column op n" holds.
func rangeOf(k dataset.Kind, op operator, n numeral) keyRange {
	if k == dataset.Int || k == dataset.Long {
		return wholeRange(op, n)
	}
	return around(op, floatKey(n.f))
}

// around gives the keys that are so to key.
func around(op operator, key uint64) keyRange {
	switch op {
	case less:
		if key == 0 {
			return nothing
		}
		return keyRange{0, key - 1}
	case lessEqual:
		return keyRange{0, key}
	case greater:
		if key == math.MaxUint64 {
			return nothing
		}
		return keyRange{key + 1, math.MaxUint64}
	case greaterEqual:
		return keyRange{key, math.MaxUint64}
	}
	return keyRange{key, key}
}

// wholeRange compares whole numbers with one that may have a fraction.
func wholeRange(op operator, n numeral) keyRange {
	if n.whole {
		return around(op, wholeKey(n.i))
	}
	down := math.Floor(n.f)
	const beyond = 1 << 63
	switch {
	case down >= beyond: // above every whole number
		if op == less || op == lessEqual {
			return keyRange{0, math.MaxUint64}
		}
		return nothing
	case down < -beyond: // below
		if op == greater || op == greaterEqual {
			return keyRange{0, math.MaxUint64}
		}
		return nothing
	case down == n.f:
		return around(op, wholeKey(int64(down)))
	}
	switch op {
	case less, lessEqual:
		return around(lessEqual, wholeKey(int64(down)))
	case greater, greaterEqual:
		return around(greater, wholeKey(int64(down)))
	}
	return nothing
}
