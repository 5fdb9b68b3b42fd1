package sequence

import "usher/recipe/internal/modelfile"

// blendHead is what the head of a model file says of the counters. A nil one
// stands for a model without.
type blendHead struct {
	Weights map[string]float64 `json:"weights"` // by feature; absent: 0
	Tables  map[string]int64   `json:"tables"`  // entries of a rule's table; absent: no table
	Users   *userHead          `json:"users,omitempty"`
}

func (b *blend) head() *blendHead {
	if b == nil {
		return nil
	}
	h := &blendHead{map[string]float64{}, map[string]int64{}, b.users.head()}
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
	if !h.Users.fits(size) || h.Users == nil && h.Weights[featureName(similar)] != 0 {
		return false
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

// weights are those of the head.
func (h *blendHead) weights() (w weights) {
	for k := range w {
		w[k] = h.Weights[featureName(k)]
	}
	return w
}

// eventsSection has the items' numbers of events.
const eventsSection = "events"

// tableSections are the names of a table's sections: where each row starts and all
// end, the entries' items, as rows of the network, ascending in a row, and values.
func tableSections(rule int) (start, items, values string) {
	name := rules[rule].name
	return name + " starts", name + " items", name + " values"
}

// sections has the numbers of events and, in the order of rules, the tables.
func (b *blend) sections() []modelfile.Section {
	if b == nil {
		return nil
	}
	out := []modelfile.Section{modelfile.Numbers(eventsSection, b.events)}
	for r, t := range b.tables {
		if t != nil {
			start, items, values := tableSections(r)
			out = append(out, modelfile.Numbers(start, t.start), modelfile.Numbers(items, t.ids), modelfile.Numbers(values, t.vals))
		}
	}
	return append(out, b.users.sections()...)
}

// take takes the counters out of a file; nil where there are none.
func (h *blendHead) take(f *modelfile.File, rows int64) *counters {
	if h == nil {
		return nil
	}
	c := &counters{events: modelfile.TakeNumbers[float32](f, eventsSection, rows)}
	for r := range rules {
		n, ok := h.Tables[rules[r].name]
		if !ok {
			continue
		}
		start, items, values := tableSections(r)
		c.tables[r] = &table{modelfile.TakeNumbers[uint32](f, start, rows+1), modelfile.TakeNumbers[uint32](f, items, n),
			modelfile.TakeNumbers[float32](f, values, n)}
	}
	c.users = h.Users.take(f, rows)
	return c
}

// sound says whether the tables can be used.
func (c *counters) sound(items int) bool {
	if c == nil {
		return true
	}
	for _, t := range c.tables {
		if t != nil && !t.sound(items) {
			return false
		}
	}
	return c.users.sound(items)
}

// sound says whether all rows lie in the table and all entries are items, each
// once in a row.
func (t *table) sound(items int) bool { return listsSound(t.start, t.ids, items, items) }
