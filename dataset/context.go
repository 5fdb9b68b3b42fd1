package dataset

import "strconv"

// ContextColumns gives the positions of the columns of interactions that say
// something of the moment: the customer's own categories, numbers and truth values.
func (s *Schema) ContextColumns() (out []int) {
	rule := domainRules[s.Domain][s.Type]
	for i, f := range s.Fields {
		if rule.find(f.Name) == nil && (f.Categorical || f.Kind != String) {
			out = append(out, i)
		}
	}
	return out
}

const (
	// contextsMost is how many combinations of values a snapshot knows. Those that
	// come later say nothing.
	contextsMost = 1 << 22
	// contextDigits is how exact numbers are taken, so that a measured column does not
	// make every moment another one.
	contextDigits = 3
)

// Contexts numbers the moments of events: equal combinations of values once, in the
// order in which they come, from 1.
type Contexts struct {
	columns []int
	table   *Table
	known   map[string]uint32
	key     []byte
}

// NewContexts gives one for rows of the schema; nil when it has no columns for it.
func NewContexts(s *Schema) *Contexts {
	c := &Contexts{columns: s.ContextColumns(), known: map[string]uint32{}}
	if len(c.columns) == 0 {
		return nil
	}
	schema := &Schema{Type: s.Type, Domain: s.Domain}
	for _, i := range c.columns {
		schema.Fields = append(schema.Fields, s.Fields[i])
	}
	c.table = NewTable(schema)
	return c
}

// Number gives the number of what a row says of its moment; 0: nothing.
func (c *Contexts) Number(row Row) uint32 {
	c.key = c.key[:0]
	some := false
	for _, i := range c.columns {
		if i < len(row) && row[i].Kind != "" {
			some = true
			c.key = row[i].rounded().appendCSV(c.key)
		}
		c.key = append(c.key, 0)
	}
	if !some {
		return 0
	}
	n, ok := c.known[string(c.key)]
	if !ok && len(c.known) < contextsMost {
		n = uint32(len(c.known) + 1)
		c.known[string(c.key)] = n
		c.table.Set(Index(n), c.cells(row))
	}
	return n
}

func (c *Contexts) cells(row Row) Row {
	out := make(Row, len(c.columns))
	for k, i := range c.columns {
		if i < len(row) {
			out[k] = row[i].rounded()
		}
	}
	return out
}

// rounded takes a number as exactly as moments are told apart.
func (v Value) rounded() Value {
	if v.Kind == String || v.Kind == "" || v.Kind == Boolean {
		return v
	}
	x, err := strconv.ParseFloat(strconv.FormatFloat(v.Num, 'e', contextDigits-1, 64), 64)
	if err != nil {
		return v
	}
	v.Num = x
	if v.Kind == Int || v.Kind == Long {
		v.Int = int64(x)
	}
	return v
}

// Table gives the moments by their numbers.
func (c *Contexts) Table() *Table { return c.table }

// Text gives a value as people write it; "" for null.
func (v Value) Text() string {
	if v.Kind == String {
		return v.Str
	}
	return string(v.appendCSV(nil))
}
