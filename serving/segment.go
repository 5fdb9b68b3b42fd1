package serving

import (
	"context"
	"errors"
	"math/bits"

	"usher/dataset"
	"usher/filter"
	"usher/history"
	"usher/recipe"
)

// Segment asks for the users who are most drawn to an item, or to the items that a
// condition is true of.
type Segment struct {
	Job        string // ARN of the batch job whose version answers
	Item       string
	Attributes string // conditions on columns of Items, joined by AND; see parseAttributes
	Results    int    // 0: 25
	Filter     Filtering
}

// Segment gives the ids of users, the most drawn first.
func (s *Serving) Segment(ctx context.Context, r Segment) ([]string, error) {
	d, err := s.deployed(ctx, r.Job)
	if err != nil {
		return nil, err
	}
	m, ok := d.model.(recipe.Segmenter)
	if !ok {
		return nil, invalid("The recipe %s makes no user segments.", d.spec.Name)
	}
	group, err := s.opt.History.Group(ctx, d.group)
	if err != nil {
		return nil, err
	}
	view, items := group.View()
	view.Limits = s.opt.FilterLimits
	var asked []dataset.Index
	if d.spec.NeedsItem {
		asked, err = segmentItem(group, m, r.Item)
	} else {
		asked, err = segmentItems(view, m, items, r.Attributes)
	}
	if err != nil {
		return nil, err
	}
	ids := group.UserIDs()
	users, err := s.segmentUsers(ctx, d, r.Filter, view, len(ids))
	if err != nil {
		return nil, err
	}
	k := r.Results
	if k == 0 {
		k = defaultResults
	}
	best, err := m.Segment(ctx, asked, users, k, nil)
	if err != nil {
		return nil, err
	}
	out := make([]string, 0, len(best))
	for _, x := range best {
		if ids[x.Index] != "" { // else he was deleted since
			out = append(out, ids[x.Index])
		}
	}
	return out, nil
}

// segmentItem gives the number of the item that a segment is asked for.
func segmentItem(group *history.Group, m recipe.Segmenter, id string) ([]dataset.Index, error) {
	if id == "" {
		return nil, invalid("itemId is missing. The recipe finds the users who are drawn to an item: give one, for example {\"itemId\": \"105\"}.")
	}
	i := group.Item(id)
	if i == dataset.NoIndex || !m.Knows(i) {
		return nil, invalid("itemId: the training had no interactions with the item %q. Ask for another one, or train a new solution version.", id)
	}
	return []dataset.Index{i}, nil
}

// segmentItems gives the items that the conditions are true of.
func segmentItems(view *filter.View, m recipe.Segmenter, items int, attributes string) ([]dataset.Index, error) {
	if attributes == "" {
		return nil, invalid("itemAttributes is missing. The recipe finds the users who are drawn to an attribute of items: give one, for example {\"itemAttributes\": \"ITEMS.GENRE = \\\"Comedy\\\"\"}.")
	}
	p, err := parseAttributes(attributes, view.Schemas)
	if err != nil {
		return nil, err
	}
	set := dataset.NewSet(items)
	set.Fill(items)
	if err := p.Narrow(set, view, filter.At{User: dataset.NoIndex, Item: dataset.NoIndex}, nil); err != nil {
		return nil, err
	}
	var out []dataset.Index
	for w, word := range set.Words() {
		for ; word != 0; word &= word - 1 {
			if i := dataset.Index(w*64 + bits.TrailingZeros64(word)); m.Knows(i) {
				out = append(out, i)
			}
		}
	}
	if len(out) == 0 {
		return nil, invalid("itemAttributes: the training had no interactions with items of which %q is true. Texts are compared exactly.", attributes)
	}
	return out, nil
}

// segmentUsers gives the users that the job's filter lets through.
func (s *Serving) segmentUsers(ctx context.Context, d *deployment, f Filtering, view *filter.View, users int) (dataset.Set, error) {
	if f.ARN == "" {
		return dataset.Set{}, nil
	}
	live, err := s.filter(ctx, f.ARN)
	if err != nil {
		return dataset.Set{}, err
	}
	p, err := live.compiled(view.Schemas)
	if err != nil {
		return dataset.Set{}, err
	}
	switch {
	case live.record.Group != d.groupARN:
		return dataset.Set{}, invalid("The filter %s is of another dataset group than the solution version. Give a filter of its group.", f.ARN)
	case p.Target() != filter.Users:
		return dataset.Set{}, invalid("The filter %s is about %s, and segments are of users. Use a filter of UserID.", f.ARN, p.Target())
	}
	set := dataset.NewSet(users)
	set.Fill(users)
	err = p.Narrow(set, view, filter.At{User: dataset.NoIndex, Item: dataset.NoIndex}, f.Values)
	var bad *filter.ArgumentError
	if errors.As(err, &bad) {
		return dataset.Set{}, invalid("%s (filter %s)", bad.Msg, f.ARN)
	}
	return set, err
}
