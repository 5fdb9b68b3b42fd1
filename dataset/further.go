package dataset

import "io"

// OwnColumns gives the positions of the columns of interactions that are the
// customer's own: all that an Event has no place for, but those that name an answer
// or list what it showed, which are others with nearly every event.
func (s *Schema) OwnColumns() (out []int) {
	for i, f := range s.Fields {
		if !s.dedicated(i) && f.Name != "IMPRESSION" && f.Name != "RECOMMENDATION_ID" {
			out = append(out, i)
		}
	}
	return out
}

// Cell gives what the event says in the field at a position of its schema, which is
// not the user's.
func (x *Interaction) Cell(s *Schema, field int) Value { return x.cell(field, &s.Fields[field]) }

// VisitEvents is ReadEvents with a visitor for the cells of the further columns, as
// VisitPart has it. begin makes it when all that the part has of the rows beside them
// is there.
func VisitEvents(r io.ReaderAt, size int64, s *Schema, begin func(*Part) (visit func(row, field int, v Value))) (*Part, error) {
	return readPart(r, size, s, &partReader{begin: begin, rests: s.Type == Interactions || s.Type == ActionInteractions})
}
