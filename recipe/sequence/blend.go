package sequence

import (
	"fmt"
	"math"
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
	featureCount = latest + 1
)

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

// wanted tells which rules have a weight.
func (w weights) wanted() (want [len(rules)]bool) {
	for r := range rules {
		want[r] = w[ruleFeature+r] != 0
	}
	return want
}

// blend adds counters to the network's logits.
type blend struct {
	weights
	*counters
	popular []float32 // (items) log(1+events)
}

func newBlend(w weights, c *counters) *blend {
	b := &blend{weights: w, counters: c, popular: make([]float32, len(c.events))}
	for i, x := range c.events {
		b.popular[i] = float32(math.Log1p(float64(x)))
	}
	return b
}

// newestMost is how much of a history the counters look at.
const newestMost = 50

// asked is the memory of one question.
type asked struct {
	newest  []uint32  // rows of the history's newest events, the newest first
	sum     []float32 // (items), zero between uses
	touched []uint32
}

// look takes the newest events of a history given as rows, the oldest first.
func (q *asked) look(history []uint32) {
	q.newest = q.newest[:0]
	for i := len(history) - 1; i >= 0 && len(q.newest) < newestMost; i-- {
		q.newest = append(q.newest, history[i])
	}
}

// bonus adds to out (items) all but the network's part of the scores.
func (b *blend) bonus(q *asked, out []float32) {
	for k := netFeature + 1; k < featureCount; k++ {
		if b.weights[k] != 0 {
			b.feature(q, k, float32(b.weights[k]), out)
		}
	}
}

// feature adds weight × feature k of all items to out (items).
func (b *blend) feature(q *asked, k int, weight float32, out []float32) {
	switch k {
	case popular:
		kernel.Axpy(out, weight, b.popular)
	case latest:
		if len(q.newest) > 0 {
			out[q.newest[0]] += weight
		}
	case again:
		q.room(len(out))
		for w, a := range q.newest {
			q.add(a, 1/float32(w+1))
		}
		q.evidence(weight, out)
	default:
		q.room(len(out))
		r := &rules[k-ruleFeature]
		q.follow(b.tables[k-ruleFeature], r)
		if r.evidence {
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
// than there are items, what was touched is looked up afterwards: noting it at
// each entry costs more than the sums.
func (q *asked) follow(t *table, r *rule) {
	newest := q.newest[:min(len(q.newest), r.last)]
	entries := 0
	for _, a := range newest {
		entries += int(t.start[a+1] - t.start[a])
	}
	if entries > len(t.start) {
		q.sumRows(t, r, newest)
		for i, x := range q.sum[:len(t.start)-1] {
			if x != 0 {
				q.touched = append(q.touched, uint32(i))
			}
		}
		return
	}
	for w, a := range newest {
		f := r.weight(w)
		ids, vals := t.row(a)
		vals = vals[:len(ids)]
		for i, id := range ids {
			old := q.sum[id]
			if old == 0 {
				q.touched = append(q.touched, id)
			}
			q.sum[id] = old + float32(f*vals[i])
		}
	}
}

// sumRows is follow without a list of what it touches.
func (q *asked) sumRows(t *table, r *rule, newest []uint32) {
	sum := q.sum
	for w, a := range newest {
		f := r.weight(w)
		ids, vals := t.row(a)
		vals = vals[:len(ids)]
		for i, id := range ids {
			sum[id] += float32(f * vals[i])
		}
	}
}

// weight is what the w-th newest event counts.
func (r *rule) weight(w int) float32 {
	if r.decay == 0 {
		return 1 / float32(w+1)
	}
	return float32(math.Pow(r.decay, float64(w)))
}

// evidence adds weight × log(1+10·sum) and clears the sums.
func (q *asked) evidence(weight float32, out []float32) {
	for _, i := range q.touched {
		if x := q.sum[i]; x > 0 {
			out[i] += weight * logOf(1+10*x)
		}
		q.sum[i] = 0 // one that comes twice adds nothing again
	}
	q.touched = q.touched[:0]
}

// share adds weight × log(1+items·share), where share is the item's part of all
// that is above zero, and clears the sums.
func (q *asked) share(weight float32, out []float32) {
	var all float64
	last := len(q.touched)
	for at := 0; at < last; at++ {
		if x := q.sum[q.touched[at]]; x > 0 {
			all += float64(x)
		}
	}
	g := float32(float64(len(out)) / all)
	for _, i := range q.touched {
		if x := q.sum[i]; x > 0 {
			out[i] += weight * logOf(1+g*x)
		}
		q.sum[i] = 0
	}
	q.touched = q.touched[:0]
}

// logOf is the natural logarithm of a number from 1 on, right to 1e-7: Cephes's
// polynomial around 1, in a fraction of math.Log's time. The roundings are
// spelled out, so that it gives the same bits on every machine.
func logOf(x float32) float32 {
	bits := math.Float32bits(x)
	exponent := int32(bits>>23) - 127
	m := math.Float32frombits(bits&(1<<23-1) | 127<<23)
	if m > math.Sqrt2 {
		m /= 2
		exponent++
	}
	f := m - 1
	z := float32(f * f)
	z2 := float32(z * z)
	// By pairs (Estrin), which a processor works on side by side.
	low := 3.3333331174e-1 + float32(-2.4999993993e-1*f) + float32((2.0000714765e-1+float32(-1.6668057665e-1*f))*z)
	high := 1.4249322787e-1 + float32(-1.2420140846e-1*f) + float32((1.1676998740e-1+float32(-1.1514610310e-1*f))*z)
	y := low + float32(high*z2) + float32(float32(7.0376836292e-2*z2)*z2)
	y = float32(float32(y*f) * z)
	y -= float32(.5 * z)
	return f + y + float32(float32(exponent)*math.Ln2)
}
