package dataset

// Value is one cell: null, a string, a number or a truth value.
type Value struct {
	Kind Kind    // "" is null; Int, Long, Float and Double use Num (Long also Int)
	Str  string  // of String; multi-valued categories joined by "|"
	Num  float64 // of Int, Float, Double, and of Boolean as 0 or 1
	Int  int64   // of Int and Long, exact
}

// Row is the cells of one record, in the order of Schema.Fields, the id column
// included.
type Row []Value

// Table is the metadata of all items or users: rows by Index. A Table does not
// change once it is in a Snapshot.
type Table struct {
	Schema *Schema
	rows   []Row // nil: no record
}

// NewTable gives an empty table.
func NewTable(s *Schema) *Table { return &Table{Schema: s} }

// Row gives the record with number i, nil when there is none.
func (t *Table) Row(i Index) Row {
	if int(i) >= len(t.rows) {
		return nil
	}
	return t.rows[i]
}

// Len is a number that all rows are below.
func (t *Table) Len() int {
	if t == nil {
		return 0
	}
	return len(t.rows)
}

// Set puts or replaces a record; nil removes it.
func (t *Table) Set(i Index, r Row) {
	for int(i) >= len(t.rows) {
		t.rows = append(t.rows, nil)
	}
	t.rows[i] = r
}

// Clone gives a copy that can be changed without touching t; rows are shared.
func (t *Table) Clone() *Table { return &Table{Schema: t.Schema, rows: append([]Row(nil), t.rows...)} }
