package history

import "usher/dataset"

// records is the metadata of items or users: bulk rows and rows that were put
// one by one. Of two rows for one id the later in the log counts; a FULL import
// replaces bulk rows only.
type records struct {
	schema *dataset.Schema
	bulk   map[dataset.Index]numbered
	single map[dataset.Index]numbered
}

// numbered is a row and its position in the log.
type numbered struct {
	row dataset.Row
	seq uint64
}

func newRecords() *records {
	return &records{bulk: map[dataset.Index]numbered{}, single: map[dataset.Index]numbered{}}
}

func (t *records) put(i dataset.Index, r dataset.Row, seq uint64) {
	t.single[i] = numbered{r, seq}
}

func (t *records) replace(p *dataset.Part, d *dataset.Dict, all bool, seq uint64) {
	if all {
		t.bulk = make(map[dataset.Index]numbered, len(p.IDs))
	}
	for r, id := range p.IDs { // a repeated id: the last row of the file counts
		t.bulk[d.Intern(id)] = numbered{p.Cells[r], seq}
	}
}

// row gives the record that counts, nil when there is none.
func (t *records) row(i dataset.Index) dataset.Row {
	b, s := t.bulk[i], t.single[i]
	if s.row == nil || b.row != nil && b.seq > s.seq {
		return b.row
	}
	return s.row
}

// table freezes the records; nil when the dataset does not exist.
func (t *records) table() *dataset.Table {
	if t.schema == nil {
		return nil
	}
	out := dataset.NewTable(t.schema)
	for i := range t.bulk {
		out.Set(i, t.row(i))
	}
	for i := range t.single {
		out.Set(i, t.row(i))
	}
	return out
}
