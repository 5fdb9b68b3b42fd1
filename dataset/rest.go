package dataset

import (
	"hash/fnv"
	"math"
)

// Rest gives a number that stands for the further columns of an event: those
// beside user, item, event type, time and value. Records that say the same there
// have the same number, whatever order their columns are in and whether they were
// imported or put; 0 is that of records which say nothing there.
func (x *Interaction) Rest(s *Schema) (sum uint32) {
	for i := range s.Fields {
		if !s.dedicated(i) {
			sum += restOf(&s.Fields[i], x.cell(i, &s.Fields[i]))
		}
	}
	return sum
}

// restOf is what one cell adds to Rest. It is on disk: never change it.
func restOf(f *Field, v Value) uint32 {
	if v.Kind == "" {
		return 0
	}
	h := fnv.New64a()
	var buf [64]byte
	b := append(append(buf[:0], f.Name...), 0)
	switch v.Kind {
	case String:
		b = append(b, v.Str...)
	case Int, Long:
		b = appendFloat(b, math.Float64frombits(uint64(v.Int)))
	default:
		b = appendFloat(b, v.Num)
	}
	_, _ = h.Write(b) // a hash never fails
	n := h.Sum64()
	return uint32(n>>32) ^ uint32(n)
}
