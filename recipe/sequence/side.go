package sequence

import (
	"math"
	"strconv"
	"strings"

	"usher/dataset"
	"usher/recipe"
	"usher/recipe/internal/content"
)

// Side information is what a question says beside the history: the user's record
// (the profile), the moment (the context, columns of interactions) and the time
// (sidetime.go). Each value of a column – DEVICE phone, AGE from 31 to 35 – says of
// each item how much more often it is had there than elsewhere, a smoothed log of a
// ratio of counts, and all that is said is added to the items' scores. So users of
// whom nothing else is known get an answer of their own, and the same user another one
// on the phone.
//
// Which columns are used, how far their counts are trusted and how much a side
// weighs, for a user without history and for one with a long one, is chosen on the
// validation part (sidefit.go). Where it does not help there, there are no sides.

// The sides.
const (
	profileSide = iota
	contextSide
	timeSide
	sideCount
)

// sideNames are the names of the sides in Choices and files.
var sideNames = [sideCount]string{"profile", "context", "time"}

// sides are all side information that a model uses. They do not change; nil: none.
type sides struct {
	of      [sideCount]*side
	weights [sideCount]sideWeight
}

// sideWeight is what a side counts for a user without events, and for one with
// very many.
type sideWeight struct{ Cold, Warm float64 }

// at gives the weight at a number of events.
func (w sideWeight) at(events int) float64 {
	n := float64(events)
	return (w.Cold + n*w.Warm) / (1 + n)
}

// side is what the columns of one kind say of items: row r of table has, for the
// items that were had with value r, log(1 + count/(strength·popularity)). What is
// left out of the logarithm is the same for all items.
type side struct {
	columns []sideColumn
	values  []sideValue // by row
	rows    map[sideValue]uint32
	table   *table
}

// sideColumn is a column that is used. Its strength is how many events the items'
// popularity counts for beside a value's own.
type sideColumn struct {
	content.Column
	Strength float64 `json:"strength"`
}

// sideValue is what a cell says: the text of a category or of a number's bin.
type sideValue struct {
	Column int    `json:"column"`
	Text   string `json:"text"`
}

// spoken is a row of a side's table that a question speaks of, and its part in what
// its column says.
type spoken struct {
	row  uint32
	part float32
}

// newSide gives one without columns.
func newSide() *side { return &side{table: &table{start: make([]uint32, 1)}} }

// number gives each value its row.
func (s *side) number() {
	s.rows = make(map[sideValue]uint32, len(s.values))
	for r, v := range s.values {
		s.rows[v] = uint32(r)
	}
}

// hear appends what a cell of a column says. Values that were not in the training
// say nothing.
func (s *side) hear(column int, v dataset.Value, to []spoken) []spoken {
	from, all := len(to), float32(0)
	s.columns[column].Each(v, func(text string, weight float32) {
		all += weight
		if r, ok := s.rows[sideValue{column, text}]; ok {
			to = append(to, spoken{r, weight})
		}
	})
	for i := from; i < len(to); i++ {
		to[i].part /= all
	}
	return to
}

// hearRecord appends what a record says.
func (s *side) hearRecord(schema *dataset.Schema, row dataset.Row, to []spoken) []spoken {
	if row == nil || schema == nil {
		return to
	}
	for c := range s.columns {
		if at := schema.Column(s.columns[c].Name); at >= 0 && at < len(row) {
			to = s.hear(c, row[at], to)
		}
	}
	return to
}

// hearContext appends what the context of a request says: texts by the names of
// columns, whatever their case.
func (s *side) hearContext(given map[string]string, to []spoken) []spoken {
	for c := range s.columns {
		col := &s.columns[c]
		for name, text := range given {
			if strings.EqualFold(name, col.Name) {
				to = s.hear(c, col.cell(text), to)
				break
			}
		}
	}
	return to
}

// cell makes a value of a text as requests have it; a null where a number is none.
func (c *sideColumn) cell(text string) dataset.Value {
	if c.Cuts == nil {
		return dataset.Value{Kind: dataset.String, Str: text}
	}
	x, err := strconv.ParseFloat(text, 64)
	if yes, wrong := strconv.ParseBool(text); err != nil && wrong == nil {
		x, err = flag(yes), nil
	}
	if err != nil || math.IsNaN(x) {
		return dataset.Value{}
	}
	return dataset.Value{Kind: dataset.Double, Num: x}
}

// add adds weight times what is spoken of to out (items).
func (s *side) add(said []spoken, weight float32, out []float32) {
	if weight == 0 {
		return
	}
	for _, x := range said {
		s.table.add(x.row, float32(weight*x.part), out)
	}
}

// said is what one question says, by side.
type said [sideCount][]spoken

// listen takes down what a question says beside its history.
func (m *Model) listen(a *answer, q *recipe.Query) {
	for k := range a.said {
		a.said[k] = a.said[k][:0]
	}
	if m.sides != nil {
		m.sides.listen(&a.said, q)
	}
	m.recall(a, q)
	if m.cold != nil && m.cold.newness != nil {
		a.now = m.cold.newness.moment(q.Now)
	}
}

func (s *sides) listen(to *said, q *recipe.Query) {
	to[profileSide] = s.of[profileSide].hearRecord(q.ProfileSchema, q.Profile, to[profileSide])
	if len(q.Context) > 0 {
		to[contextSide] = s.of[contextSide].hearContext(q.Context, to[contextSide])
	}
	to[timeSide] = s.of[timeSide].hearClock(q.Now, q.History, to[timeSide])
}

// some says whether anything is said.
func (s *said) some() bool { return len(s[profileSide])+len(s[contextSide])+len(s[timeSide]) > 0 }

// add adds to out (items) what is said, for a history of so many events.
func (s *sides) add(what *said, events int, out []float32) {
	for k := range s.of {
		s.of[k].add(what[k], float32(s.weights[k].at(events)), out)
	}
}
