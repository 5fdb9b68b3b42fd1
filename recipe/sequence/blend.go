package sequence

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"usher/kernel"
)

// The features of an item in a question: the network's logit, what each rule
// says, and three plain facts.
const (
	netFeature   = 0
	ruleFeature  = 1
	popular      = ruleFeature + len(rules) // log(1+events)
	again        = popular + 1              // it is in the history, the newer the more
	latest       = again + 1                // it is the newest of the history
	similar      = latest + 1               // users with similar histories had it
	featureCount = similar + 1
)

// isRule says whether a feature is what a rule says.
func isRule(k int) bool { return k >= ruleFeature && k < popular }

// weights say what each feature counts in an item's score.
type weights [featureCount]float64

// featureName gives a feature's name in Choices.
func featureName(k int) string {
	switch k {
	case netFeature:
		return "network"
	case popular:
		return "popularity"
	case again:
		return "again"
	case latest:
		return "latest"
	case similar:
		return "similar_users"
	}
	return rules[k-ruleFeature].name
}

// String names the features that count, with their weights.
func (w weights) String() string {
	var parts []string
	for k, x := range w {
		if x != 0 {
			parts = append(parts, fmt.Sprintf("%s %.2f", featureName(k), x))
		}
	}
	return strings.Join(parts, ", ")
}

// wanted tells which features have a weight.
func (w weights) wanted() (want [featureCount]bool) {
	for k, x := range w {
		want[k] = x != 0
	}
	return want
}

// blend adds counters to the network's logits.
type blend struct {
	weights
	*counters
	popular []float32 // (items) log(1+events)
	base    []float32 // (items) what popularity adds; nil: nothing
}

func newBlend(w weights, c *counters) *blend {
	b := &blend{weights: w, counters: c, popular: make([]float32, len(c.events))}
	for i, x := range c.events {
		b.popular[i] = float32(math.Log1p(float64(x)))
	}
	if x := b.weights[popular]; x != 0 {
		b.base = make([]float32, len(b.popular))
		kernel.Axpy(b.base, float32(x), b.popular)
	}
	return b
}

// newestMost is how much of a history the counters look at.
const newestMost = 50

// asked is the memory of one question.
type asked struct {
	newest []uint32 // rows of the history's newest events, the newest first

	// What a feature summed: of the rows touched, or of any where there were many.
	sum     []float32 // (items), zero between uses
	many    bool
	touched []uint32
	sums    []float32 // (touched)
	logs    []float32 // (touched)

	// The rows that bonus added to; of any where they were many.
	changedMany bool
	changed     []uint32

	nearest nearest
}

// look takes the newest events of a history given as rows, the oldest first.
func (q *asked) look(history []uint32) {
	q.newest = q.newest[:0]
	for i := len(history) - 1; i >= 0 && len(q.newest) < newestMost; i-- {
		q.newest = append(q.newest, history[i])
	}
}

// bonus adds to out (items), which is base, what the counters say, and notes the rows.
func (b *blend) bonus(q *asked, out []float32) {
	for k := ruleFeature; k < featureCount; k++ {
		if k == popular || b.weights[k] == 0 {
			continue
		}
		b.feature(q, k, float32(b.weights[k]), out)
		q.changed = append(q.changed, q.touched...)
		q.changedMany = q.changedMany || q.many
	}
}

// feature adds weight × feature k of all items to out (items).
func (b *blend) feature(q *asked, k int, weight float32, out []float32) {
	q.touched, q.many = q.touched[:0], false
	switch k {
	case popular:
		kernel.Axpy(out, weight, b.popular)
	case latest:
		if len(q.newest) > 0 {
			q.touched = append(q.touched, q.newest[0])
			out[q.newest[0]] += weight
		}
	case again:
		q.room(len(out))
		for w, a := range q.newest {
			q.add(a, 1/float32(w+1))
		}
		q.evidence(weight, out)
	case similar:
		q.room(len(out))
		q.similar(b.users)
		q.evidence(weight, out)
	default:
		q.room(len(out))
		r := k - ruleFeature
		q.follow(b.tables[r], r)
		if rules[r].evidence {
			q.evidence(weight, out)
		} else {
			q.share(weight, out)
		}
	}
}

func (q *asked) room(items int) {
	if len(q.sum) < items {
		q.sum = make([]float32, items)
	}
}

func (q *asked) add(i uint32, x float32) {
	if q.sum[i] == 0 {
		q.touched = append(q.touched, i)
	}
	q.sum[i] += x
}

// follow sums a rule's rows of the newest events. Where they have more entries
// than there are items, what is touched is not noted: it costs more than the sums,
// and than to look at all items afterwards.
func (q *asked) follow(t *table, r int) {
	newest := q.newest[:min(len(q.newest), rules[r].last)]
	entries := 0
	for _, a := range newest {
		entries += int(t.start[a+1] - t.start[a])
	}
	q.many = entries > len(t.start)
	if !q.many {
		q.touched = slices.Grow(q.touched, entries)
	}
	var row kernel.Sparse
	next := t.sparse(newest, 0)
	for w := range newest {
		row, next = next, t.sparse(newest, w+1)
		if q.many {
			kernel.AddSparse(q.sum, counts[r][w], row, next)
			continue
		}
		n := len(q.touched)
		room := q.touched[n : n+len(row.At)]
		q.touched = q.touched[:n+kernel.NoteSparse(room, q.sum, counts[r][w], row, next)]
	}
}

// counts is what the w-th newest event counts, by rule.
var counts = func() (out [len(rules)][newestMost]float32) {
	for r, rule := range rules {
		for w := range out[r] {
			out[r][w] = 1 / float32(w+1)
			if rule.decay != 0 {
				out[r][w] = float32(math.Pow(rule.decay, float64(w)))
			}
		}
	}
	return out
}()

// sparse is the row of the i-th of some items; none where there are fewer.
func (t *table) sparse(of []uint32, i int) kernel.Sparse {
	if i >= len(of) {
		return kernel.Sparse{}
	}
	ids, vals := t.row(of[i])
	return kernel.Sparse{At: ids, X: vals}
}

// evidence adds weight × log(1+10·sum) and clears the sums.
func (q *asked) evidence(weight float32, out []float32) {
	q.addLogs(q.take(len(out)), weight, 10, out)
}

// share adds weight × log(1+items·share), where share is the item's part of all
// that is above zero, and clears the sums.
func (q *asked) share(weight float32, out []float32) {
	sums := q.take(len(out))
	if all := kernel.SumAbove(sums); all > 0 {
		q.addLogs(sums, weight, float32(float64(len(out))/all), out)
	} else {
		clear(sums)
	}
}

// take gives what was summed: of all items, or of those touched, whose sums are
// cleared. One that was touched twice has nothing the second time.
func (q *asked) take(items int) []float32 {
	if q.many {
		return q.sum[:items]
	}
	q.sums = q.sums[:0]
	for _, i := range q.touched {
		q.sums = append(q.sums, q.sum[i])
		q.sum[i] = 0
	}
	return q.sums
}

// addLogs adds weight × log(1+scale·sum) of the sums that are above zero to out, and
// clears them.
func (q *asked) addLogs(sums []float32, weight, scale float32, out []float32) {
	if q.many {
		kernel.AddLog(out, sums, weight, scale)
		clear(sums)
		return
	}
	if cap(q.logs) < len(sums) {
		q.logs = make([]float32, 2*len(sums))
	}
	logs := q.logs[:len(sums)]
	clear(logs)
	kernel.AddLog(logs, sums, weight, scale)
	for at, i := range q.touched {
		out[i] += logs[at]
	}
}
