package dataset

import (
	"context"
	"io"
)

// File is one CSV file of an import, opened by the caller: this room opens no
// blobs. Name is used in messages.
type File struct {
	Name string
	R    io.ReaderAt
	Size int64
}

// RowError is one bad place in the customer's files.
type RowError struct {
	File   string
	Line   int64 // 1 is the header
	Column string
	Value  string // shortened
	Want   string // what was expected, and a hint how to mend it
}

func (e RowError) Error() string { panic("todo") }

// ImportError says why files could not be imported: the first ten bad places
// and how many there are. Its text is the import job's failureReason.
type ImportError struct {
	Msg   string // for errors that are not about rows, for example missing columns
	Rows  []RowError
	Total int64
}

func (e *ImportError) Error() string { panic("todo") }

// ImportOptions configure Import.
type ImportOptions struct {
	MinRows  int64                                   // fewer rows are refused
	Workers  int                                     // 0: one for each CPU
	Progress func(doneBytes, totalBytes, rows int64) // may be nil
	Now      int64                                   // Unix seconds, to recognise times in milliseconds
}

// Import reads CSV files with a header by the schema and writes one part to w.
// A customer's mistake is an *ImportError; nothing of w is then of use. The
// number of rows is returned.
func Import(ctx context.Context, files []File, s *Schema, w io.Writer, opt ImportOptions) (rows int64, err error) {
	panic("todo")
}
