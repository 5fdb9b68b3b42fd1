package serving

import (
	"context"
	"slices"

	"usher/dataset"
	"usher/recipe"
)

// Ranking asks a campaign to put a list of items into the order that suits a user.
type Ranking struct {
	Campaign string // ARN
	User     string
	Items    []string // ids; of a repeated one the first counts
	Context  map[string]string
	Filter   Filtering              // items that it does not let through are left out
	Columns  []string               // of Items, to show with each item
	Tag      func(id string) string // as in Request
}

// Rank answers with the items of the list, best first. Items that the model does
// not know come last, in the order of the list and without a score.
func (s *Serving) Rank(ctx context.Context, r Ranking) (*Answer, error) {
	d, err := s.deployed(ctx, r.Campaign)
	if err != nil {
		return nil, err
	}
	switch {
	case d.spec.Type != recipe.PersonalizedRanking:
		return nil, invalid("GetPersonalizedRanking needs a campaign whose recipe is of type %s; %s has the recipe %s. Call GetRecommendations.", recipe.PersonalizedRanking, r.Campaign, d.spec.Name)
	case r.User == "":
		return nil, invalid("userId is missing. A ranking is made for a user: send a userId, or the sessionId of an anonymous visitor as userId.")
	case len(r.Items) == 0:
		return nil, invalid("inputList is empty. Give the ids of 1 to %d items.", maxResults)
	case len(r.Items) > maxResults:
		return nil, invalid("inputList has %d items. At most %d can be ranked in a request.", len(r.Items), maxResults)
	}
	group, err := s.opt.History.Group(ctx, d.group)
	if err != nil {
		return nil, err
	}
	if err := checkContext(group, d.spec, r.Context); err != nil {
		return nil, err
	}
	if err := checkColumns(group, d, r.Columns, "The length of inputList", len(r.Items)); err != nil {
		return nil, err
	}
	a := &asking{Serving: s, deployment: d, group: group, user: r.User}
	a.query = s.query(group, d, Request{User: r.User, Context: r.Context})
	defer a.release()
	allow, _, err := a.narrowed(ctx, r.Filter, 1)
	if err != nil {
		return nil, err
	}
	known, unknown := a.listed(r.Items, allow)
	best, err := d.model.Rank(ctx, a.query, known, nil)
	if err != nil {
		return nil, err
	}
	items := named(d.spec, group, best)
	for _, id := range unknown {
		items = append(items, Item{ID: id})
	}
	out := &Answer{ID: s.newID(r.Campaign, r.Tag), Items: items}
	s.remember(d, out)
	describe(group, items, r.Columns)
	return out, nil
}

// listed gives the items of a list that a filter lets through, each once: the
// numbers of those that the group has, and the ids of the others. Of these a
// filter knows nothing, so it judges them all as one that has neither record nor
// events: the number behind the last.
func (a *asking) listed(ids []string, allow dataset.Set) (known []dataset.Index, unknown []string) {
	seen := make(map[string]bool, len(ids))
	for _, id := range ids {
		if seen[id] {
			continue
		}
		seen[id] = true
		i := a.group.Item(id)
		switch {
		case i == dataset.NoIndex || !allow.All() && int(i) >= a.items: // came after the view
			if allow.Has(dataset.Index(a.items)) {
				unknown = append(unknown, id)
			}
		case allow.Has(i):
			known = append(known, i)
		}
	}
	return slices.Clip(known), unknown
}
