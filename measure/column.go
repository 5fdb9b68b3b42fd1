package measure

import (
	"cmp"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"

	"usher/dataset"
)

// column gathers what is said of one column.
type column struct {
	field   dataset.Field
	values  int64
	missing int64
	unique  *distinct
	counts  map[string]int64 // of values; nil once there are too many
	numbers *numbers         // nil of strings and truth values
}

const (
	countedMost = 5000 // different values that are counted
	topMost     = 20
	histogram   = 20 // stretches
)

func newColumn(f dataset.Field) *column {
	c := &column{field: f, unique: newDistinct(), counts: map[string]int64{}}
	switch f.Kind {
	case dataset.Int, dataset.Long, dataset.Float, dataset.Double:
		c.numbers = newNumbers(strings.HasSuffix(f.Name, "TIMESTAMP"))
	}
	return c
}

// add takes a cell.
func (c *column) add(v dataset.Value) {
	switch v.Kind {
	case "":
		c.missing++
	case dataset.String:
		c.values++
		if !c.field.Categorical {
			c.count(v.Str, 1)
			return
		}
		for part := range strings.SplitSeq(v.Str, "|") {
			c.count(part, 1)
		}
	case dataset.Boolean:
		c.values++
		c.count(strconv.FormatBool(v.Num != 0), 1)
	default:
		c.number(v.Num)
	}
}

// number takes a number.
func (c *column) number(x float64) {
	c.values++
	c.numbers.add(x)
	c.unique.hash(maphash.Comparable(hashSeed, x))
	if c.counts != nil {
		c.tally(strconv.FormatFloat(x, 'f', -1, 64), 1)
	}
}

// count takes a value that stands there n times.
func (c *column) count(text string, n int64) {
	c.unique.hash(maphash.String(hashSeed, text))
	if c.counts != nil {
		c.tally(text, n)
	}
}

// tally counts a value for the list of the most frequent ones.
func (c *column) tally(text string, n int64) {
	if c.field.Textual {
		return
	}
	if _, known := c.counts[text]; !known {
		if len(c.counts) == countedMost {
			c.counts = nil
			return
		}
		text = strings.Clone(text)
	}
	c.counts[text] += n
}

// statistics sums up.
func (c *column) statistics() ColumnStatistics {
	out := ColumnStatistics{
		Name: c.field.Name, Kind: c.field.Kind, Categorical: c.field.Categorical, Textual: c.field.Textual,
		Values: c.values, Missing: c.missing, Complete: share(c.values, c.values+c.missing),
	}
	out.Unique, out.UniqueError = c.unique.count()
	if !c.field.Textual {
		out.Top = top(c.counts)
	}
	if c.numbers != nil && c.numbers.n > 0 {
		out.Numbers = c.numbers.statistics()
	}
	return out
}

// share is a part of all; 1 of nothing.
func share(part, all int64) float64 {
	if all == 0 {
		return 1
	}
	return float64(part) / float64(all)
}

// top gives the most frequent values; of equal ones the first by name.
func top(counts map[string]int64) []ValueCount {
	list := make([]ValueCount, 0, len(counts))
	for v, n := range counts {
		list = append(list, ValueCount{v, n})
	}
	slices.SortFunc(list, func(a, b ValueCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Value, b.Value))
	})
	return list[:min(len(list), topMost)]
}

func (s *numbers) statistics() *NumberStatistics {
	spread := s.spread()
	out := &NumberStatistics{
		Least: s.least, Most: s.most, Mean: s.mean, Deviation: s.deviation(),
		Quantiles: map[string]float64{}, Histogram: spread.histogram(s.least, s.most, histogram),
	}
	if s.each == nil && !s.times { // of times it is half a day, whatever the time
		out.QuantileError = quantileError
	}
	for _, p := range []int{1, 5, 25, 50, 75, 95, 99} {
		out.Quantiles["p"+strconv.Itoa(p)] = spread.quantile(float64(p)/100, s.n)
	}
	lo, hi := out.Quantiles["p25"], out.Quantiles["p75"]
	out.Outliers = spread.outside(lo-3*(hi-lo), hi+3*(hi-lo))
	return out
}
