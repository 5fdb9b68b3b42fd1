package dataset

import (
	"encoding/binary"
	"math"
)

// Vector is the kind of a column that a training adds to the records of items: what a
// model of language makes of a text. No schema of a customer has one. Its cells are
// of kind String.
const Vector Kind = "vector"

// VectorValue makes a cell of a vector.
func VectorValue(x []float32) Value {
	b := make([]byte, 0, 4*len(x))
	for _, v := range x {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return Value{Kind: String, Str: string(b)}
}

// Vector gives the vector in a cell; what is none gives what can be read of it.
func (v Value) Vector() []float32 {
	b := []byte(v.Str)
	out := make([]float32, len(b)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return out
}
