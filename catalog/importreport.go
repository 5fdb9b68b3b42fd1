package catalog

// ImportReport is what an import found in its files.
type ImportReport struct {
	Rows      int64      `json:"rows"`      // that are good
	BadRows   int64      `json:"badRows"`   // that were left out, or for which the import was refused
	BadValues int64      `json:"badValues"` // in them
	Bad       []BadValue `json:"bad"`       // the first 100, in the order of files and lines
}

// BadValue is one bad place in the files of an import.
type BadValue struct {
	File   string `json:"file"`
	Line   int64  `json:"line"`   // 1 is the header; of a Parquet file the row, from 1 on
	Column string `json:"column"` // "" where the whole row is bad
	Value  string `json:"value"`  // quoted, and shortened
	Reason string `json:"reason"` // what was expected, and how to mend it
}
