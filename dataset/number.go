package dataset

import (
	"context"
)

// columns is a whole import: chunks in file order whose refs are local numbers by
// first appearance.
type columns struct {
	rows   int64
	chunks []*chunk
	ids    [][]string // by field, of strings: by local number
}

// number puts the chunks in order and gives all strings their local numbers.
func (in *importer) number(ctx context.Context) (*columns, error) {
	out := &columns{ids: make([][]string, len(in.schema.Fields))}
	workers := map[int]bool{}
	for _, src := range in.files {
		for _, c := range src.chunks {
			out.chunks = append(out.chunks, c)
			out.rows += int64(c.rows)
			workers[c.worker] = true
		}
		src.chunks = nil
	}
	var fields []int
	for i := range in.schema.Fields {
		if in.schema.layout(&in.schema.Fields[i]) == asRef {
			fields = append(fields, i)
		}
	}
	in.parallel(ctx, len(fields), func(_, i int) error {
		f := fields[i]
		out.ids[f] = out.renumber(f, in.readers, len(workers) == 1)
		return nil
	})
	if in.err != nil {
		return nil, in.err
	}
	if c := in.schema.Column("EVENT_TYPE"); c >= 0 && in.schema.dedicated(c) && len(out.ids[c]) > 1<<16 {
		return nil, importError("Input CSV has %d different values of EVENT_TYPE. At most %d are possible; AWS allows 10.", len(out.ids[c]), 1<<16)
	}
	return out, nil
}

// renumber makes the refs of a field numbers by first appearance and gives the
// texts. alone says that one worker read everything, so that no text can have come
// from two dictionaries.
func (d *columns) renumber(f int, readers []*chunkReader, alone bool) []string {
	all := newByteDict()
	known := make([][]uint32, len(readers)) // by worker and its number: the local number plus 1
	for _, c := range d.chunks {
		from := readers[c.worker].dicts[f]
		if known[c.worker] == nil {
			known[c.worker] = make([]uint32, from.len())
		}
		to := known[c.worker]
		for i, n := range c.cols[f].refs {
			if n == uint32(NoIndex) {
				continue
			}
			if to[n] == 0 {
				k := from.key(n)
				if alone {
					all.add(&k)
					to[n] = uint32(all.len())
				} else {
					to[n] = all.number(&k) + 1
				}
			}
			c.cols[f].refs[i] = to[n] - 1
		}
	}
	for _, r := range readers {
		r.dicts[f] = nil // not needed any more, and large
	}
	return all.strings()
}

// dedicated says whether a field of interactions has a place of its own in a Part;
// the others are cells.
func (s *Schema) dedicated(f int) bool {
	if s.Type != Interactions && s.Type != ActionInteractions {
		return false
	}
	switch s.Fields[f].Name {
	case "USER_ID", "ITEM_ID", "ACTION_ID", "EVENT_TYPE", "TIMESTAMP":
		return true
	case "EVENT_VALUE":
		return s.Type == Interactions
	}
	return false
}
