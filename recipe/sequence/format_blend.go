package sequence

// blendHead is what the head of a model file says of the counters. A nil one
// stands for a model without.
type blendHead struct {
	Weights map[string]float64 `json:"weights"` // by feature; absent: 0
	Tables  map[string]int64   `json:"tables"`  // entries of a rule's table; absent: no table
}

func (b *blend) head() *blendHead {
	if b == nil {
		return nil
	}
	h := &blendHead{map[string]float64{}, map[string]int64{}}
	for k, w := range b.weights {
		if w != 0 {
			h.Weights[featureName(k)] = w
		}
	}
	for r, t := range b.tables {
		if t != nil {
			h.Tables[rules[r].name] = int64(len(t.ids))
		}
	}
	return h
}

// fits says whether a file of this size can hold what the head says: there is a
// table for each rule with a weight, and nothing that is unknown.
func (h *blendHead) fits(size int64) bool {
	if h == nil {
		return true
	}
	known := 0
	for k := range featureCount {
		if _, ok := h.Weights[featureName(k)]; ok {
			known++
		}
	}
	if known != len(h.Weights) {
		return false
	}
	known = 0
	for r := range rules {
		n, ok := h.Tables[rules[r].name]
		if ok {
			known++
		}
		if h.Weights[rules[r].name] != 0 && !ok || n < 0 || n > size {
			return false
		}
	}
	return known == len(h.Tables)
}

// bytes gives the length of the counters in the file.
func (h *blendHead) bytes(items int64) int64 {
	if h == nil {
		return 0
	}
	n := 4 * items
	for _, entries := range h.Tables {
		n += 4 * (items + 1 + 2*entries)
	}
	return n
}

// write writes the items' numbers of events (float32 each) and, in the order of
// rules, the tables: where each row starts and all end (uint32 each), the
// entries' items (uint32 each, as rows of the network, ascending in a row) and
// values (float32 each).
func (b *blend) write(out *writer) {
	if b == nil {
		return
	}
	out.floats(b.events)
	for _, t := range b.tables {
		if t != nil {
			out.numbers(t.start)
			out.numbers(t.ids)
			out.floats(t.vals)
		}
	}
}

// read reads what write wrote. It says whether the tables can be used.
func (h *blendHead) read(in *reader, items int) (b *blend, ok bool) {
	if h == nil {
		return nil, true
	}
	var w weights
	for k := range w {
		w[k] = h.Weights[featureName(k)]
	}
	c := &counters{events: make([]float32, items)}
	in.floats(c.events)
	for r := range rules {
		entries, ok := h.Tables[rules[r].name]
		if !ok {
			continue
		}
		t := &table{make([]uint32, items+1), make([]uint32, entries), make([]float32, entries)}
		in.numbers(t.start)
		in.numbers(t.ids)
		in.floats(t.vals)
		if in.err != nil || !t.sound(items) {
			return nil, false
		}
		c.tables[r] = t
	}
	return newBlend(w, c), true
}

// sound says whether all rows lie in the table and all entries are items, each
// once in a row.
func (t *table) sound(items int) bool {
	if t.start[0] != 0 || int(t.start[items]) != len(t.ids) {
		return false
	}
	for a := range items {
		i, j := t.start[a], t.start[a+1]
		if i > j || int(j) > len(t.ids) {
			return false
		}
		for at, id := range t.ids[i:j] {
			if int(id) >= items || at > 0 && id <= t.ids[int(i)+at-1] {
				return false
			}
		}
	}
	return true
}

func (w *writer) numbers(x []uint32) {
	for _, v := range x {
		w.number(v)
	}
}

func (r *reader) numbers(x []uint32) {
	for i := range x {
		x[i] = r.number()
	}
}
