package sequence

import (
	"context"
	"fmt"
	"math"
	"slices"

	"usher/dataset"
	"usher/recipe/internal/content"
)

const (
	// sideEvents is how many events a column is counted over, about: of more, every
	// so manieth.
	sideEvents = 5_000_000
	// sideValues is how many values a column may have: of more, each says too little.
	sideValues = 1 << 16
	// sideEntries bounds the table of a side. Columns for which there is no room are
	// left out.
	sideEntries = tableMost
	// surely is how many standard errors a column has to help by.
	surely = 3
)

// sideStrengths are those that are tried, in events for each item.
var sideStrengths = [...]float64{.02, .2, 1, 4, 16, 64}

// subjects say what a side's columns are of: users, or moments.
type subjects struct {
	table *dataset.Table
	of    func(user dataset.Index, place int64) dataset.Index // of an event
}

func (f *fit) subjects(kind int) subjects {
	data := f.in.Data
	switch kind {
	case profileSide:
		return subjects{data.UserTable, func(u dataset.Index, _ int64) dataset.Index { return u }}
	case contextSide:
		return subjects{data.ContextTable, func(_ dataset.Index, at int64) dataset.Index { return dataset.Index(data.Events[at].Context) }}
	}
	return subjects{clockTable, func(u dataset.Index, at int64) dataset.Index { return clockOf(data, u, at) }}
}

// sideItems are the events that sides are counted over.
type sideItems struct {
	*fit
	stride int
	events []float64 // (items) their weights
	all    float64
}

func (f *fit) countSideItems() *sideItems {
	n := &sideItems{fit: f, stride: 1 + f.c.events/sideEvents, events: make([]float64, len(f.c.items))}
	n.eachEvent(func(_ dataset.Index, at int64) {
		weight := n.c.weight(int(at))
		n.events[n.c.rows[at]] += weight
		n.all += weight
	})
	return n
}

// eachEvent calls fn for the events: their users and places.
func (n *sideItems) eachEvent(fn func(u dataset.Index, at int64)) {
	left := 0
	for u, count := range n.c.count {
		for i := range int64(count) {
			if left--; left < 0 {
				left = n.stride - 1
				fn(dataset.Index(u), n.c.start[u]+i)
			}
		}
	}
}

// sideCounter counts one column of a side after the other.
type sideCounter struct {
	*sideItems
	subjects
}

// each calls fn for the events that are counted: their subject, row and weight.
func (n *sideCounter) each(fn func(subject dataset.Index, row uint32, weight float64)) {
	n.eachEvent(func(u dataset.Index, at int64) { fn(n.of(u, at), n.c.rows[at], n.c.weight(int(at))) })
}

// learnSide counts what the columns of a side say: those that help, or, in a refit,
// those that were chosen.
func (f *fit) learnSide(ctx context.Context, items *sideItems, kind int) (*side, error) {
	n, out := &sideCounter{items, f.subjects(kind)}, newSide()
	if n.table == nil || n.all == 0 {
		return out, nil
	}
	all := make([]dataset.Index, n.table.Len())
	for i := range all {
		all[i] = dataset.Index(i)
	}
	for _, c := range content.Columns(n.table, all) {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("count side information: %w", context.Cause(ctx))
		}
		chosen := 0.
		if f.in.Tuned != nil {
			if chosen = f.in.Tuned.Values[strengthName(kind, c.Name)]; !(chosen > 0) {
				continue
			}
		}
		if counted := n.column(c); counted != nil {
			out.take(n, counted, chosen)
		}
	}
	out.number()
	return out, nil
}

// strengthName is a column's name in Choices.
func strengthName(kind int, column string) string { return sideNames[kind] + "_" + column }

// columnCount is what was counted of a column.
type columnCount struct {
	column *side    // it alone
	at     int      // of the column in its table
	rows   []sparse // by value: how often each item was had with it
	totals []float64
}

// column counts a column; nil where it has too many values.
func (n *sideCounter) column(c content.Column) *columnCount {
	out := &columnCount{column: &side{columns: []sideColumn{{Column: c}}}, at: n.table.Schema.Column(c.Name)}
	if !out.collect(n.table) {
		return nil
	}
	ends := make([]int, len(out.column.values)+1)
	tell := n.teller(out)
	n.each(func(subject dataset.Index, _ uint32, _ float64) {
		for _, x := range tell(subject) {
			ends[x.row+1]++
		}
	})
	for v := range out.column.values {
		ends[v+1] += ends[v]
	}
	next := slices.Clone(ends)
	rows, weights := make([]uint32, ends[len(ends)-1]), make([]float32, ends[len(ends)-1])
	n.each(func(subject dataset.Index, row uint32, weight float64) {
		for _, x := range tell(subject) {
			at := next[x.row]
			rows[at], weights[at] = row, x.part*float32(weight)
			next[x.row]++
		}
	})
	sum := newTally(len(n.events), 0)
	for v := range out.column.values {
		row, total := sum.side(rows[ends[v]:ends[v+1]], weights[ends[v]:ends[v+1]])
		out.rows, out.totals = append(out.rows, row), append(out.totals, total)
	}
	return out
}

// side sums weights by row.
func (t *tally) side(rows []uint32, weights []float32) (out sparse, total float64) {
	t.touched = t.touched[:0]
	for i, r := range rows {
		if t.sum[r] == 0 {
			t.touched = append(t.touched, r)
		}
		t.sum[r] += float64(weights[i])
		total += float64(weights[i])
	}
	slices.Sort(t.touched)
	for _, r := range slices.Compact(t.touched) {
		out.ids, out.vals = append(out.ids, r), append(out.vals, float32(t.sum[r]))
		t.sum[r] = 0
	}
	return out, total
}

// collect numbers the values of a column, and says whether they are few enough.
func (c *columnCount) collect(t *dataset.Table) bool {
	s := c.column
	s.rows = map[sideValue]uint32{}
	for i := range t.Len() {
		row := t.Row(dataset.Index(i))
		if row == nil {
			continue
		}
		s.columns[0].Each(row[c.at], func(text string, _ float32) {
			v := sideValue{0, text}
			if _, ok := s.rows[v]; !ok {
				s.rows[v] = uint32(len(s.values))
				s.values = append(s.values, v)
			}
		})
		if len(s.values) > sideValues {
			return false
		}
	}
	return len(s.values) > 0
}

// teller gives a function that says what the column has of a subject.
func (n *sideCounter) teller(c *columnCount) func(subject dataset.Index) []spoken {
	known := make([][]spoken, n.table.Len())
	for i := range known {
		if row := n.table.Row(dataset.Index(i)); row != nil {
			known[i] = c.column.hear(0, row[c.at], nil)
		}
	}
	return func(subject dataset.Index) []spoken {
		if int(subject) < len(known) {
			return known[subject]
		}
		return nil
	}
}

// take adds a column with the strength that was chosen before or, where that is 0,
// with the one that helps most; a column that does not surely help is left out.
func (s *side) take(n *sideCounter, c *columnCount, chosen float64) {
	if chosen == 0 {
		if chosen = n.choose(c); chosen == 0 {
			return
		}
	}
	entries := len(s.table.ids)
	for _, r := range c.rows {
		entries += len(r.ids)
	}
	if entries > sideEntries {
		return
	}
	col := c.column.columns[0]
	col.Strength = chosen
	for v, r := range c.rows {
		s.values = append(s.values, sideValue{len(s.columns), c.column.values[v].Text})
		for i, id := range r.ids {
			if r.vals[i] <= 0 { // events that weigh nothing
				continue
			}
			s.table.ids = append(s.table.ids, id)
			s.table.vals = append(s.table.vals, float32(math.Log1p(float64(r.vals[i])*n.all/(chosen*n.events[id]))))
		}
		s.table.start = append(s.table.start, uint32(len(s.table.ids)))
	}
	s.columns = append(s.columns, col)
}

// choose gives the strength by which the column makes what the users of the
// validation part had most likely, against the items' popularity alone; 0: it does
// not surely help. A user's own events are taken out of the counts, so that a column
// does not help by knowing the user himself again, and so that all of them can ask.
func (n *sideCounter) choose(c *columnCount) (best float64) {
	tell := n.teller(c)
	var gain, squares [len(sideStrengths)]float64
	users := 0.
	for _, h := range n.held {
		own := n.ownOf(h.user, tell)
		mean, asked := n.gains(c, h.user, own, tell)
		if asked == 0 {
			continue
		}
		users++
		for k, x := range mean {
			x *= h.weight / asked
			gain[k], squares[k] = gain[k]+x, squares[k]+x*x
		}
	}
	if users < examplesLeast {
		return 0
	}
	most := 0.
	for k, each := range sideStrengths {
		mean := gain[k] / users
		if err := math.Sqrt(max(0, squares[k]/users-mean*mean) / users); mean > surely*err && mean > most {
			most, best = mean, each*float64(len(n.events))
		}
	}
	return best
}

// askedMost is how many events of a user ask in choose, the newest.
const askedMost = 50

// gains sums over a user's events how much likelier their items are with the column,
// by strength, as the log of a ratio; and how many they are.
func (n *sideCounter) gains(c *columnCount, u dataset.Index, own ownCount, tell func(dataset.Index) []spoken) (sum [len(sideStrengths)]float64, asked float64) {
	last := n.c.count[u] // with what is held back
	for i := max(0, last-askedMost+1); i <= last; i++ {
		at := n.c.start[u] + int64(i)
		r := n.c.rows[at]
		if r == noRow || n.events[r]-own.plain[r] < .5 { // nobody else has had it
			continue
		}
		asked++
		popularity := (n.events[r] - own.plain[r]) / (n.all - own.sum)
		for _, v := range tell(n.of(u, at)) {
			had := c.had(v.row, r) - own.items[[2]uint32{v.row, r}]
			total := c.totals[v.row] - own.all[v.row]
			for k, each := range sideStrengths {
				strength := each * float64(len(n.events))
				expected := strength * popularity
				sum[k] += float64(v.part) * (math.Log((max(0, had)+expected)/(max(0, total)+strength)) - math.Log(expected/strength))
			}
		}
	}
	return sum, asked
}

// ownCount is what a user's own events count with each value, and with each item.
type ownCount struct {
	all   map[uint32]float64
	items map[[2]uint32]float64
	plain map[uint32]float64 // with each item, whatever the value
	sum   float64
}

func (n *sideCounter) ownOf(u dataset.Index, tell func(dataset.Index) []spoken) ownCount {
	own := ownCount{all: map[uint32]float64{}, items: map[[2]uint32]float64{}, plain: map[uint32]float64{}}
	for i, row := range n.c.history(u) {
		at := n.c.start[u] + int64(i)
		counted := n.c.weight(int(at)) / float64(n.stride)
		own.plain[row] += counted
		own.sum += counted
		for _, x := range tell(n.of(u, at)) {
			weight := float64(x.part) * counted
			own.all[x.row] += weight
			own.items[[2]uint32{x.row, row}] += weight
		}
	}
	return own
}

// had is how often an item was had with a value.
func (c *columnCount) had(value, item uint32) float64 {
	if at, ok := slices.BinarySearch(c.rows[value].ids, item); ok {
		return float64(c.rows[value].vals[at])
	}
	return 0
}
