package dataset

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// This file holds the words that change.go and snapfile.go are written in: varints,
// strings with a length before them, cells and rows.

var errDamaged = errors.New("damaged data")

// Codes of cells. They are on disk: never renumber them.
const (
	cellNull = iota
	cellString
	cellInt
	cellLong
	cellFloat
	cellDouble
	cellFalse
	cellTrue
)

func appendString(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendFloat(b []byte, x float64) []byte {
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
}

func appendBool(b []byte, x bool) []byte {
	if x {
		return append(b, 1)
	}
	return append(b, 0)
}

func appendValue(b []byte, v Value) ([]byte, error) {
	switch v.Kind {
	case "":
		return append(b, cellNull), nil
	case String:
		return appendString(append(b, cellString), v.Str), nil
	case Int:
		return binary.AppendVarint(append(b, cellInt), v.Int), nil
	case Long:
		return binary.AppendVarint(append(b, cellLong), v.Int), nil
	case Float, Double:
		if math.IsNaN(v.Num) || math.IsInf(v.Num, 0) {
			return nil, fmt.Errorf("write cell: %v is not a number", v.Num)
		}
		code := byte(cellFloat)
		if v.Kind == Double {
			code = cellDouble
		}
		return appendFloat(append(b, code), v.Num), nil
	case Boolean:
		if v.Num != 0 {
			return append(b, cellTrue), nil
		}
		return append(b, cellFalse), nil
	}
	return nil, fmt.Errorf("write cell: unknown kind %q", string(v.Kind))
}

// appendRow writes the number of cells plus one, so that 0 is the nil Row.
func appendRow(b []byte, r Row) ([]byte, error) {
	if r == nil {
		return append(b, 0), nil
	}
	b = binary.AppendUvarint(b, uint64(len(r))+1)
	var err error
	for _, v := range r {
		if b, err = appendValue(b, v); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// decoder reads bytes from outside. The first damage is kept in err; afterwards
// all reads give zero values. Nothing is allocated beyond what b can hold.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) fail() {
	if d.err == nil {
		d.err = errDamaged
	}
	d.b = nil
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.fail()
		return 0
	}
	x := d.b[0]
	d.b = d.b[1:]
	return x
}

func (d *decoder) bool() bool {
	x := d.byte()
	if x > 1 {
		d.fail()
	}
	return x == 1
}

func (d *decoder) uvarint() uint64 {
	x, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return x
}

func (d *decoder) varint() int64 {
	x, n := binary.Varint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return x
}

// count reads how many things follow; each takes at least one byte.
func (d *decoder) count() int {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *decoder) string() string {
	n := d.count()
	s := string(d.b[:n])
	d.b = d.b[n:]
	return s
}

func (d *decoder) float() float64 {
	if len(d.b) < 8 {
		d.fail()
		return 0
	}
	x := math.Float64frombits(binary.LittleEndian.Uint64(d.b))
	d.b = d.b[8:]
	if math.IsNaN(x) || math.IsInf(x, 0) {
		d.fail()
		return 0
	}
	return x
}

func (d *decoder) value() Value {
	switch code := d.byte(); code {
	case cellNull:
		return Value{}
	case cellString:
		return Value{Kind: String, Str: d.string()}
	case cellInt, cellLong:
		n := d.varint()
		v := Value{Kind: Long, Num: float64(n), Int: n}
		if code == cellInt {
			v.Kind = Int
		}
		return v
	case cellFloat:
		return Value{Kind: Float, Num: d.float()}
	case cellDouble:
		return Value{Kind: Double, Num: d.float()}
	case cellFalse:
		return Value{Kind: Boolean}
	case cellTrue:
		return Value{Kind: Boolean, Num: 1}
	}
	d.fail()
	return Value{}
}

// maxCells bounds a row: a schema of 20,000 characters cannot name more fields.
const maxCells = 2000

func (d *decoder) row() Row {
	n := d.uvarint()
	if n == 0 {
		return nil
	}
	n--
	if n > uint64(len(d.b)) || n > maxCells {
		d.fail()
		return nil
	}
	r := make(Row, n)
	for i := range r {
		r[i] = d.value()
	}
	return r
}
