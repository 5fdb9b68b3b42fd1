package sequence

import (
	"math"
	"math/bits"
	"slices"
	"time"

	"usher/dataset"
)

// How old a newcomer is says how likely it is had: of films that nobody has rated yet
// last month's are found many times as often as those of twenty years ago. How old
// items are is told by their records (birth), and how often newcomers of each age are
// had by the data themselves: at two moments, with eight and nine tenths of the events
// before them, the items without an event are what newcomers will be, and what follows
// says which are found. What the first moment tells has to predict the second; else age
// is left alone.

// Ages are powers of two of hours, between those of the future and of those of whom no
// age is known.
const (
	ageFuture  = 0
	ageUnknown = 21
	agesCount  = 22
)

// ageOf gives the age at a moment of what was born then.
func ageOf(now, born int64) int {
	switch {
	case born == unborn:
		return ageUnknown
	case born > now:
		return ageFuture
	}
	return min(1+bits.Len64(uint64(now-born)/3600), ageUnknown-1)
}

// newness is how much more often than the mean newcomer one of an age is had.
type newness struct {
	Birth  birth     `json:"birth"`
	Newest int64     `json:"newest"` // of the events: the moment of questions that have none
	Tenth  int64     `json:"tenth"`  // how long the newest tenth of the events took
	Effect []float32 `json:"effect"` // (ages) on the score
}

// later gives a moment when the model will be asked, if it is asked for as long as the
// newest tenth of the events took: after a part of that.
func (n *newness) later(part float64) time.Time {
	if n == nil {
		return time.Time{}
	}
	return time.Unix(n.Newest+int64(part*float64(n.Tenth)), 0).UTC()
}

// sound says whether it can be used.
func (n *newness) sound() bool {
	return n == nil || len(n.Effect) == agesCount && !slices.ContainsFunc(n.Effect, func(x float32) bool {
		return math.IsNaN(float64(x)) || math.IsInf(float64(x), 0)
	})
}

// moment gives when a question is asked.
func (n *newness) moment(now time.Time) int64 {
	if now.IsZero() {
		return n.Newest
	}
	return now.Unix()
}

// ageCounts are, by age, events with newcomers and the newcomers that were there.
type ageCounts struct{ events, items [agesCount]float64 }

// newnessName marks in Choices that age is used.
const newnessName = "new_by_age"

// The least that age has to tell: events with newcomers, and what of the second
// moment's log likelihood the first one's rates gain.
const (
	newnessEvents = 20
	newnessGain   = 4
	newnessPrior  = 5  // events of mean rate that each age is thought to have had
	newnessLooks  = 16 // at the newcomers, between two moments
)

// learnNewness learns what age says; nil: nothing.
func (f *fit) learnNewness() *newness {
	t := f.in.Data.ItemTable
	if f.in.Tuned != nil && f.in.Tuned.Values[newnessName] == 0 {
		return nil
	}
	b, ok := findBirth(t, f.in.Data.Items())
	if !ok {
		return nil
	}
	c := f.countAges(&b)
	if f.in.Tuned == nil && c[0].explains(&c[1]) < newnessGain {
		return nil
	}
	for a := range agesCount {
		c[0].items[a] += c[1].items[a]
		c[0].events[a] += c[1].events[a]
	}
	return &newness{Birth: b, Newest: c[1].until, Tenth: c[1].until - c[1].from, Effect: c[0].effects()}
}

// agedSlice is what is counted between two moments: events with items that had none
// before the first, and how many of these items there were at each look.
type agedSlice struct {
	ageCounts
	from, until int64
}

// countAges counts between eight and nine tenths of the events, and behind.
func (f *fit) countAges(b *birth) (out [2]agedSlice) {
	first, born := f.beginnings(b)
	times := timesOf(f.in.Data.Events)
	n := len(times)
	for k, marks := range [2][2]int{{n * 8 / 10, n * 9 / 10}, {n * 9 / 10, n - 1}} {
		s := &out[k]
		s.from, s.until = times[marks[0]], times[marks[1]]
		for look := range newnessLooks {
			now := times[marks[0]+(marks[1]-marks[0])*(2*look+1)/(2*newnessLooks)]
			for i, at := range first {
				if at >= s.from {
					s.items[ageOf(now, born[i])]++
				}
			}
		}
	}
	for _, e := range f.in.Data.Events {
		k := 0
		if e.Time >= out[1].from {
			k = 1
		}
		if s := &out[k]; e.Time >= s.from && first[e.Item] >= s.from {
			s.events[ageOf(e.Time, born[e.Item])]++
		}
	}
	return out
}

// beginnings gives when each item was had first, and since when it is there.
func (f *fit) beginnings(b *birth) (first, born []int64) {
	data := f.in.Data
	first, born = slices.Repeat([]int64{math.MaxInt64}, data.Items()), make([]int64, data.Items())
	for _, e := range data.Events {
		first[e.Item] = min(first[e.Item], e.Time)
	}
	for i := range born {
		born[i] = b.of(data.ItemTable.Schema, data.ItemTable.Row(dataset.Index(i)))
	}
	return first, born
}

// effects gives the logs of rates against the mean. Neighbouring ages count half as
// much, so that one that happened not to be looked at is like them.
func (c *ageCounts) effects() []float32 {
	out := make([]float32, agesCount)
	events, items := sumOf(c.events[:]), sumOf(c.items[:])
	if events == 0 || items == 0 {
		return out
	}
	mean := events / items
	for a := range out {
		had, were := c.events[a], c.items[a]
		for _, b := range [...]int{a - 1, a + 1} {
			if a > ageFuture && a < ageUnknown && b > ageFuture && b < ageUnknown {
				had, were = had+c.events[b]/2, were+c.items[b]/2
			}
		}
		out[a] = float32(math.Log((had + newnessPrior) / (were*mean + newnessPrior)))
	}
	return out
}

// explains gives by how much the log likelihood of which newcomers were had later is
// larger by the rates of c than by chance.
func (c *agedSlice) explains(later *agedSlice) (gain float64) {
	events := sumOf(later.events[:])
	if events < newnessEvents || sumOf(c.events[:]) < newnessEvents {
		return 0
	}
	all := 0.
	for a, x := range c.effects() {
		gain += later.events[a] * float64(x)
		all += later.items[a] * exp(x)
	}
	return gain - events*math.Log(all/sumOf(later.items[:]))
}

func sumOf(x []float64) (sum float64) {
	for _, v := range x {
		sum += v
	}
	return sum
}
