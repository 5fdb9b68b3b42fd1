package history

import (
	"maps"
	"slices"

	"usher/dataset"
	"usher/filter"
)

// records is the metadata of items or users: bulk rows and rows that were put
// one by one. Of two rows for one id the later in the log counts; a FULL import
// replaces bulk rows only. Rows are in the order of schema's fields.
type records struct {
	schema  *dataset.Schema
	bulk    map[dataset.Index]numbered
	single  map[dataset.Index]numbered
	filters prepared
}

// numbered is a row and its position in the log.
type numbered struct {
	row dataset.Row
	seq uint64
}

func newRecords() *records {
	return &records{bulk: map[dataset.Index]numbered{}, single: map[dataset.Index]numbered{}, filters: newPrepared(nil)}
}

func (t *records) put(i dataset.Index, r dataset.Row, seq uint64) {
	if t.schema != nil && len(r) < len(t.schema.Fields) { // checked by the schema before, just as that was replaced
		r = append(slices.Clone(r), make(dataset.Row, len(t.schema.Fields)-len(r))...)
	}
	t.single[i] = numbered{r, seq}
	t.filters.changed = append(t.filters.changed, filter.Change{Index: i, Row: r})
}

// part prepares the rows of a part.
func (t *records) part(p *dataset.Part, ids *overlay, replace bool, seq uint64) (change func()) {
	bulk := t.with(p, ids, replace, seq)
	filters := t.prepare(bulk)
	return func() { t.bulk, t.filters = bulk, filters }
}

// with gives the bulk rows once a part has come in.
func (t *records) with(p *dataset.Part, ids *overlay, replace bool, seq uint64) map[dataset.Index]numbered {
	var out map[dataset.Index]numbered
	if replace {
		out = make(map[dataset.Index]numbered, len(p.IDs))
	} else {
		out = maps.Clone(t.bulk)
	}
	for r, id := range p.IDs { // a repeated id: the last row of the file counts
		out[ids.intern(id)] = numbered{p.Cells[r], seq}
	}
	return out
}

// under gives the records under a new schema: each cell moves to where its
// column is now, and new columns are null.
func (t *records) under(s *dataset.Schema) *records {
	out := &records{schema: s, bulk: t.bulk, single: t.single}
	if t.schema == nil || sameColumns(t.schema, s) {
		out.filters = out.prepare(out.bulk)
		return out
	}
	from := make([]int, len(s.Fields))
	for i, f := range s.Fields {
		from[i] = t.schema.Column(f.Name)
	}
	move := func(rows map[dataset.Index]numbered) map[dataset.Index]numbered {
		moved := make(map[dataset.Index]numbered, len(rows))
		for i, n := range rows {
			row := make(dataset.Row, len(from))
			for to, at := range from {
				if at >= 0 && at < len(n.row) {
					row[to] = n.row[at]
				}
			}
			moved[i] = numbered{row, n.seq}
		}
		return moved
	}
	out.bulk, out.single = move(t.bulk), move(t.single)
	out.filters = out.prepare(out.bulk)
	return out
}

func sameColumns(a, b *dataset.Schema) bool {
	if len(a.Fields) != len(b.Fields) {
		return false
	}
	for i := range a.Fields {
		if a.Fields[i].Name != b.Fields[i].Name {
			return false
		}
	}
	return true
}

// row gives the record that counts, nil when there is none.
func (t *records) row(i dataset.Index) dataset.Row {
	b, s := t.bulk[i], t.single[i]
	if b.seq > s.seq {
		return b.row
	}
	return s.row
}

// table freezes the records; nil when the dataset does not exist.
func (t *records) table() *dataset.Table {
	if t.schema == nil {
		return nil
	}
	return t.freeze()
}

// freeze is table, whether or not the dataset exists.
func (t *records) freeze() *dataset.Table {
	out := dataset.NewTable(t.schema)
	for i := range t.bulk {
		out.Set(i, t.row(i))
	}
	for i := range t.single {
		out.Set(i, t.row(i))
	}
	return out
}
