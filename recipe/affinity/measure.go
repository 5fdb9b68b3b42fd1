package affinity

import (
	"context"
	"math"
	"slices"
	"strings"

	"usher/dataset"
	"usher/recipe"
)

// AWS's metrics of segments. Of each user the oldest four fifths of the events are
// trained on and the others the truth; a segment is as many users as one of a hundred.
const (
	trainedShare = .8
	segmentShare = .01
	askedMost    = 500 // segments that are measured: those with the most truth
)

// Measure takes AWS's metrics: coverage, and how many of those who had an item next,
// or an item of an attribute, are in its segment – the mean number of them and the
// mean share.
func (Item) Measure(ctx context.Context, in recipe.Input) (map[string]float64, error) {
	return measure(ctx, ItemName, true, in.Data, func(data *dataset.Snapshot) [][]dataset.Index {
		out := make([][]dataset.Index, data.Items())
		for i := range out {
			out[i] = []dataset.Index{dataset.Index(i)}
		}
		return out
	})
}

// Measure takes AWS's metrics, as Item's does, of the values of the items'
// categories.
func (Attribute) Measure(ctx context.Context, in recipe.Input) (map[string]float64, error) {
	return measure(ctx, AttributeName, false, in.Data, attributes)
}

// measure asks for the segments of the groups of items that there is most truth of.
func measure(ctx context.Context, name string, neighbours bool, data *dataset.Snapshot, groups func(*dataset.Snapshot) [][]dataset.Index) (map[string]float64, error) {
	cut := func(events []dataset.Event) int { return int(math.Ceil(trainedShare * float64(len(events)))) }
	m, err := train(ctx, name, neighbours, data.With(func(_ dataset.Index, e []dataset.Event) []dataset.Event { return e[:cut(e)] }))
	if err != nil {
		return nil, err
	}
	truth := data.With(func(_ dataset.Index, e []dataset.Event) []dataset.Event { return e[cut(e):] })
	next := make([][]dataset.Index, data.Items()) // users who had an item next, ascending
	for u := range truth.UserIDs {
		for _, e := range truth.History(dataset.Index(u)) {
			if l := next[e.Item]; len(l) == 0 || l[len(l)-1] != dataset.Index(u) {
				next[e.Item] = append(l, dataset.Index(u))
			}
		}
	}
	cases := casesOf(groups(data), next)
	k := max(1, int(math.Round(segmentShare*float64(len(m.busy)))))
	var hits, recall float64
	covered := map[dataset.Index]bool{}
	var dst []recipe.Scored
	for _, c := range cases {
		if dst, err = m.Segment(ctx, c.items, dataset.Set{}, k, dst); err != nil {
			return nil, err
		}
		found := 0.
		for _, x := range dst {
			covered[x.Index] = true
			if _, ok := slices.BinarySearch(c.users, x.Index); ok {
				found++
			}
		}
		hits += found
		recall += found / float64(len(c.users))
	}
	n := float64(max(1, len(cases)))
	return map[string]float64{
		"coverage": rounded(float64(len(covered)) / float64(len(m.busy))), "hits_at_1_percent": rounded(hits / n), "recall_at_1_percent": rounded(recall / n),
	}, nil
}

func rounded(x float64) float64 { return math.Round(x*1e4) / 1e4 }

// segmentCase is a segment that is asked for, and who should be in it.
type segmentCase struct{ items, users []dataset.Index }

func casesOf(groups, next [][]dataset.Index) (out []segmentCase) {
	for _, items := range groups {
		var users []dataset.Index
		for _, i := range items {
			users = append(users, next[i]...)
		}
		slices.Sort(users)
		if users = slices.Compact(users); len(users) > 0 {
			out = append(out, segmentCase{items, users})
		}
	}
	slices.SortStableFunc(out, func(a, b segmentCase) int { return len(b.users) - len(a.users) })
	return out[:min(askedMost, len(out))]
}

// attributes gives the items of each value of the items' categorical columns.
func attributes(data *dataset.Snapshot) (out [][]dataset.Index) {
	t := data.ItemTable
	if t == nil {
		return nil
	}
	for f, field := range t.Schema.Fields {
		if !field.Categorical {
			continue
		}
		at := map[string]int{}
		for i := range data.ItemIDs {
			row := t.Row(dataset.Index(i))
			if f >= len(row) || row[f].Kind == "" {
				continue
			}
			for _, value := range strings.Split(row[f].Str, "|") {
				if _, ok := at[value]; !ok {
					at[value] = len(out)
					out = append(out, nil)
				}
				out[at[value]] = append(out[at[value]], dataset.Index(i))
			}
		}
	}
	return out
}
