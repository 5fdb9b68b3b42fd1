package serving

import (
	"context"
	"math"
	"math/bits"
	"slices"

	"usher/dataset"
	"usher/internal/seed"
	"usher/recipe"
)

// Promotion puts items of the caller's into an answer: a share of it is taken
// from those that a filter lets through.
type Promotion struct {
	Name    string
	Percent int // 1 to 100
	Filter  Filtering
}

// Items that a model does not know, because they came after its training, can be
// promoted and can fill an answer; they have no score, and the newest comes first.

// best gives the k best items under a filter. Where the answers of a recipe are
// filled up (v2), items that satisfy an INCLUDE but were not in the training do
// so.
func (a *asking) best(ctx context.Context, k int, f Filtering, without []recipe.Scored, dst []recipe.Scored) ([]recipe.Scored, error) {
	allow, p, err := a.narrowed(ctx, f, 0)
	if err != nil {
		return dst[:0], err
	}
	dst, err = a.deployment.model.Recommend(ctx, a.query, k+len(without), allow, dst)
	if err != nil {
		return dst, err
	}
	if len(without) > 0 {
		taken := indexesOf(without)
		dst = slices.DeleteFunc(dst, func(x recipe.Scored) bool { return taken[x.Index] })
	}
	dst = dst[:min(k, len(dst))]
	if p != nil && p.Includes() && explains(a.deployment.spec) {
		dst = a.fill(dst, k, allow, without)
	}
	return dst, nil
}

// explains says whether the recipe tells why an item is in its answer, and fills
// answers up with items that it tells to be popular.
func explains(spec recipe.Spec) bool { return spec.Name == "aws-user-personalization-v2" }

func indexesOf(list []recipe.Scored) map[dataset.Index]bool {
	out := make(map[dataset.Index]bool, len(list))
	for _, x := range list {
		out[x.Index] = true
	}
	return out
}

// fill appends items of allow that the model did not answer, up to k: those that
// have a record, for others may be long gone, and which no rule of the recipe
// keeps out.
func (a *asking) fill(dst []recipe.Scored, k int, allow dataset.Set, without []recipe.Scored) []recipe.Scored {
	if len(dst) >= k {
		return dst
	}
	taken := indexesOf(without)
	for _, x := range dst {
		taken[x.Index] = true
	}
	taken[a.query.Item] = true // an item is not related to itself
	a.deployment.spec.Excluded(a.query.History, a.view.EventTypes, func(i dataset.Index) { taken[i] = true })
	words := allow.Words()
	for w := len(words) - 1; w >= 0; w-- {
		for x := words[w]; x != 0; {
			b := bits.Len64(x) - 1
			x &^= 1 << b
			i := dataset.Index(w*64 + b)
			if taken[i] || a.view.Items.Row(i) == nil {
				continue
			}
			if dst = append(dst, recipe.Scored{Index: i, Flags: recipe.NoScore | recipe.Popular}); len(dst) == k {
				return dst
			}
		}
	}
	return dst
}

// promoted gives the items of a promotion, best first.
func (a *asking) promoted(ctx context.Context, k int, p *Promotion) ([]recipe.Scored, error) {
	n := int(math.Round(float64(k) * float64(p.Percent) / 100))
	allow, _, err := a.narrowed(ctx, p.Filter, 0)
	if err != nil || n == 0 {
		return nil, err
	}
	dst, err := a.deployment.model.Recommend(ctx, a.query, n, allow, nil)
	if err != nil {
		return nil, err
	}
	return a.fill(dst, n, allow, nil), nil
}

// interleave says at which places of an answer of n items the m promoted ones
// stand: a choice in which all are equally likely, drawn by the answer's id.
func interleave(id string, n, m int) []bool {
	draw := seed.Seed(0).Branch("promotion " + id).Rand()
	out := make([]bool, n)
	for i := range out {
		if draw.IntN(n-i) < m {
			out[i] = true
			m--
		}
	}
	return out
}

// mixed puts promoted items between the others. Both keep their order.
func mixed(id string, normal, promoted []Item) []Item {
	out := make([]Item, 0, len(normal)+len(promoted))
	for _, here := range interleave(id, len(normal)+len(promoted), len(promoted)) {
		if here {
			out, promoted = append(out, promoted[0]), promoted[1:]
		} else {
			out, normal = append(out, normal[0]), normal[1:]
		}
	}
	return out
}
