package sequence

import (
	"encoding/json"
	"math"

	"usher/recipe/internal/modelfile"
)

// sidesHead is what the head of a model file says of side information, by side. A
// nil one stands for a model without.
type sidesHead [sideCount]sideHead

type sideHead struct {
	Weight  sideWeight   `json:"weight"`
	Columns []sideColumn `json:"columns"`
	Values  int64        `json:"values"`  // of all columns
	Bytes   int64        `json:"bytes"`   // of their texts, as JSON
	Entries int64        `json:"entries"` // of the table
}

func (s *sides) head() *sidesHead {
	if s == nil {
		return nil
	}
	h := &sidesHead{}
	for k, of := range s.of {
		h[k] = sideHead{s.weights[k], of.columns, int64(len(of.values)), int64(len(of.texts())), int64(len(of.table.ids))}
	}
	return h
}

// texts gives the values in the order of rows.
func (s *side) texts() []byte {
	b, err := json.Marshal(s.values)
	if err != nil { // numbers and texts can always be written
		panic(err)
	}
	return b
}

// fits says whether a file of this size can hold what the head says.
func (h *sidesHead) fits(size int64) bool {
	if h == nil {
		return true
	}
	for _, k := range h {
		if k.Values < 0 || k.Values > size || k.Bytes < 0 || k.Bytes > size || k.Entries < 0 || k.Entries > size ||
			math.IsNaN(k.Weight.Cold+k.Weight.Warm) || math.IsInf(k.Weight.Cold+k.Weight.Warm, 0) {
			return false
		}
	}
	return true
}

// sideSections are the names of a side's sections: its values, and, as of a counter's
// table, starts, items and what is said of them.
func sideSections(kind int) (texts, start, items, values string) {
	name := sideNames[kind]
	return name + " texts", name + " starts", name + " items", name + " values"
}

func (s *sides) sections() (out []modelfile.Section) {
	if s == nil {
		return nil
	}
	for k, of := range s.of {
		texts, start, items, values := sideSections(k)
		out = append(out, modelfile.Section{Name: texts, Data: of.texts()}, modelfile.Numbers(start, of.table.start),
			modelfile.Numbers(items, of.table.ids), modelfile.Numbers(values, of.table.vals))
	}
	return out
}

// take takes side information out of a file; nil where there is none.
func (h *sidesHead) take(f *modelfile.File) *sides {
	if h == nil {
		return nil
	}
	s := &sides{}
	for k, from := range h {
		texts, start, items, values := sideSections(k)
		of := &side{columns: from.Columns}
		if json.Unmarshal(f.Take(texts, from.Bytes), &of.values) != nil {
			of.values = nil // sound tells
		}
		of.table = &table{modelfile.TakeNumbers[uint32](f, start, from.Values+1), modelfile.TakeNumbers[uint32](f, items, from.Entries),
			modelfile.TakeNumbers[float32](f, values, from.Entries)}
		of.number()
		s.of[k], s.weights[k] = of, from.Weight
	}
	return s
}

// sound says whether side information can be used.
func (s *sides) sound(items int) bool {
	if s == nil {
		return true
	}
	for _, of := range s.of {
		if len(of.values) != len(of.table.start)-1 || len(of.rows) != len(of.values) || !of.table.sound(items) {
			return false
		}
		for _, v := range of.values {
			if v.Column < 0 || v.Column >= len(of.columns) {
				return false
			}
		}
	}
	return true
}
