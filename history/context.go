package history

import "usher/dataset"

// contexts makes the group's numbers of moments, in a snapshot's events, rows of its
// ContextTable, which has the columns that can be learnt from.
func (m *moments) contexts(s *dataset.Snapshot, schema *dataset.Schema) {
	var c *dataset.Contexts
	if schema != nil && m.len() > 0 {
		c = dataset.NewContexts(schema)
	}
	if c == nil {
		for i := range s.Events {
			s.Events[i].Context = 0
		}
		return
	}
	columns := make([]int, len(schema.Fields))
	for i, f := range schema.Fields {
		columns[i] = m.Column(f.Name)
	}
	const unknown = ^uint32(0)
	numbers := make([]uint32, m.len()+1)
	for i := range numbers {
		numbers[i] = unknown
	}
	row := make(dataset.Row, len(columns))
	for i := range s.Events {
		n := &numbers[s.Events[i].Context]
		if *n == unknown {
			for k, at := range columns {
				row[k] = m.Cell(s.Events[i].Context, at)
			}
			*n = c.Number(row)
		}
		s.Events[i].Context = *n
	}
	s.ContextTable = c.Table()
}
