package eval

import (
	"math"
	"strconv"

	"usher/dataset"
)

// Tally sums over the users of an evaluation. It is used by one goroutine; add
// in the order of the cases, so that the sums round in the same way each time.
type Tally struct {
	catalogue int         // unique items of Interactions ∪ Items
	known     dataset.Set // the same, as a set
	covered   dataset.Set // of them, those recommended to somebody
	users     int
	sum       Ranking
}

// NewTally gives an empty tally for models of this data. data is all the data,
// not the part that was trained on: coverage counts every item that has an
// event or a record.
func NewTally(data *dataset.Snapshot) *Tally {
	t := &Tally{known: dataset.NewSet(data.Items()), covered: dataset.NewSet(data.Items())}
	for _, e := range data.Events {
		t.known.Add(e.Item)
	}
	if data.ItemTable != nil {
		for i := range data.ItemIDs {
			if data.ItemTable.Row(dataset.Index(i)) != nil {
				t.known.Add(dataset.Index(i))
			}
		}
	}
	t.catalogue = t.known.Len()
	return t
}

// Add judges the answer to one case and gives its Ranking. The first 25 items
// of list count.
func (t *Tally) Add(list, truth []dataset.Index) Ranking {
	r := Measure(list, truth)
	t.users++
	t.sum.ReciprocalRank += r.ReciprocalRank
	for c := range cutoffs {
		t.sum.NDCG[c] += r.NDCG[c]
		t.sum.IdealNDCG[c] += r.IdealNDCG[c]
		t.sum.Precision[c] += r.Precision[c]
	}
	for _, i := range list[:min(len(list), ListLength)] {
		if t.known.Has(i) {
			t.covered.Add(i)
		}
	}
	return r
}

// Users counts the cases that were added.
func (t *Tally) Users() int { return t.users }

// Coverage is the share of the catalogue that was recommended to somebody.
func (t *Tally) Coverage() float64 {
	return float64(t.covered.Len()) / float64(max(1, t.catalogue))
}

// Mean is the mean Ranking over users; all zeros without users.
func (t *Tally) Mean() Ranking {
	m, n := t.sum, float64(max(1, t.users))
	m.ReciprocalRank /= n
	for c := range cutoffs {
		m.NDCG[c] /= n
		m.IdealNDCG[c] /= n
		m.Precision[c] /= n
	}
	return m
}

// Metrics gives what GetSolutionMetrics shows: by AWS's keys, rounded to four
// decimals.
func (t *Tally) Metrics() map[string]float64 {
	m := t.Mean()
	out := map[string]float64{
		"coverage":                   round(t.Coverage()),
		"mean_reciprocal_rank_at_25": round(m.ReciprocalRank),
	}
	for c, k := range cutoffs {
		out["normalized_discounted_cumulative_gain_at_"+strconv.Itoa(k)] = round(m.NDCG[c])
		out["precision_at_"+strconv.Itoa(k)] = round(m.Precision[c])
	}
	return out
}

func round(x float64) float64 { return math.Round(x*1e4) / 1e4 }
