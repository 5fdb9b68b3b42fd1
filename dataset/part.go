package dataset

import "io"

// Part is one file of bulk data: Parquet columns with local numbers, its own
// dictionaries in order of first appearance, a version and checksums. Any
// Parquet tool can read it (docs/formats.md).
type Part struct {
	Type Type
	Rows int64

	// Interactions: local dictionaries and columns.
	UserIDs, ItemIDs, EventTypes []string
	Users, Items                 []Index   // (Rows) local numbers
	Types                        []uint16  // (Rows) local numbers
	Times                        []int64   // (Rows) Unix seconds
	Values                       []float32 // (Rows) NaN when absent; nil without EVENT_VALUE

	// Interactions' other columns, and all of items' and users': row by row in
	// schema order; nil when the schema has no further columns.
	Cells []Row
	IDs   []string // (Rows) of items and users
}

// ReadPart reads a part written by Import. The schema must be the one it was
// written with.
func ReadPart(r io.ReaderAt, size int64, s *Schema) (*Part, error) { panic("todo") }
