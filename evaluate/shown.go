package evaluate

import (
	"cmp"
	"slices"

	"usher/dataset"
)

// shown gives what the users of a part were shown and did not choose, of the items
// that are known; nil where that is not said.
func shown(p *dataset.Part, s *dataset.Schema, users int, items *dataset.Dict) *dataset.Shown {
	column := s.Column("IMPRESSION")
	if column < 0 {
		return nil
	}
	by := make([][]dataset.Exposure, users)
	for r, u := range p.Users {
		for id := range dataset.Several(p.Cells[r][column].Str) {
			if i := items.Index(id); i != dataset.NoIndex && i != p.Items[r] {
				by[u] = append(by[u], dataset.Exposure{Time: p.Times[r], Item: i})
			}
		}
	}
	out := &dataset.Shown{Start: []int64{0}}
	for _, list := range by {
		slices.SortStableFunc(list, func(a, b dataset.Exposure) int { return cmp.Compare(a.Time, b.Time) })
		out.List = append(out.List, list...)
		out.Start = append(out.Start, int64(len(out.List)))
	}
	if len(out.List) == 0 {
		return nil
	}
	return out
}
