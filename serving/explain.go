package serving

import (
	"context"
	"slices"
	"time"

	"usher/dataset"
	"usher/filter"
	"usher/recipe"
)

// explainedMost is how many items one call explains: each costs as much as many
// answers.
const explainedMost = 25

// Question asks why items are in an answer, or are not.
type Question struct {
	Request
	List  []string // a ranking's ids, for a campaign that ranks; the request is asked as Rank is
	Items []string // ids; none: those of the answer
}

// answered gives the answer that is asked about.
func (s *Serving) answered(ctx context.Context, q Question) (*Answer, error) {
	if q.List == nil {
		return s.Recommend(ctx, q.Request)
	}
	return s.Rank(ctx, Ranking{Campaign: q.Campaign, User: q.User, Items: q.List, Context: q.Context, Filter: q.Filter, Columns: q.Columns, Tag: q.Tag})
}

// Explained is an item of an answer, or one that is not in it, and why.
type Explained struct {
	Item
	Place int // in the answer, from 1; 0: it is not in it

	Why        recipe.Explanation
	Events     []Cause          // those of Why, in the words of the caller
	Filter     []filter.Verdict // of the request's filter; nil: there is none
	Promotion  []filter.Verdict // of the promotion's filter; nil: there is none
	AlreadyHad bool             // the use case's automatic filter leaves it out
}

// Cause is an event of the user's that matters to an item.
type Cause struct {
	ItemID, EventType string
	Time              time.Time
	Effect            float64 // by how much the log of the score falls without it
}

// Explain answers a request and says of its items, or of those that are asked
// about, what put them where they are.
func (s *Serving) Explain(ctx context.Context, q Question) (*Answer, []Explained, error) {
	answer, err := s.answered(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	if len(q.Items) == 0 {
		for _, i := range answer.Items {
			q.Items = append(q.Items, i.ID)
		}
		q.Items = q.Items[:min(explainedMost, len(q.Items))]
	}
	if len(q.Items) > explainedMost {
		return nil, nil, invalid("items has %d ids. At most %d items can be explained in a call.", len(q.Items), explainedMost)
	}
	d, err := s.deployed(ctx, q.Campaign)
	if err != nil {
		return nil, nil, err
	}
	group, err := s.opt.History.Group(ctx, d.group)
	if err != nil {
		return nil, nil, err
	}
	a := &asking{Serving: s, deployment: d, group: group, query: s.query(group, d, q.Request), user: q.User}
	defer a.release()
	a.all(0) // the view
	var out []Explained
	for _, id := range q.Items {
		e, err := a.explained(ctx, q, answer, id)
		if err != nil {
			return nil, nil, err
		}
		out = append(out, e)
	}
	return answer, out, nil
}

// explained explains one item.
func (a *asking) explained(ctx context.Context, q Question, answer *Answer, id string) (Explained, error) {
	out := Explained{Item: Item{ID: id}, Why: recipe.Explanation{Basis: recipe.Unknown}}
	if at := slices.IndexFunc(answer.Items, func(i Item) bool { return i.ID == id }); at >= 0 {
		out.Item, out.Place = answer.Items[at], at+1
	}
	i := a.group.Item(id)
	var err error
	if out.Filter, err = a.judged(ctx, q.Filter, i); err != nil {
		return Explained{}, err
	}
	if q.Promoted != nil {
		if out.Promotion, err = a.judged(ctx, q.Promoted.Filter, i); err != nil {
			return Explained{}, err
		}
	}
	m, ok := explainerOf(a.deployment.model)
	if i == dataset.NoIndex || !ok {
		return out, nil
	}
	a.deployment.spec.Excluded(a.query.History, a.view.EventTypes, func(had dataset.Index) { out.AlreadyHad = out.AlreadyHad || had == i })
	why, err := m.Explain(ctx, a.query, i)
	if err != nil {
		return Explained{}, err
	}
	out.Why = *why
	ids, types := a.group.ItemIDs(), a.group.EventTypes()
	for _, x := range why.Events {
		e := a.query.History[x.At]
		out.Events = append(out.Events, Cause{ids[e.Item], types[e.Type], time.Unix(e.Time, 0).UTC(), x.Effect})
	}
	return out, nil
}

// judged says what a filter says of an item. One that the view does not have is
// judged as one without record and events.
func (a *asking) judged(ctx context.Context, f Filtering, i dataset.Index) ([]filter.Verdict, error) {
	if f.none() {
		return nil, nil
	}
	p, err := a.program(ctx, f)
	if err != nil {
		return nil, err
	}
	if i == dataset.NoIndex || int(i) > a.items {
		i = dataset.Index(a.items)
	}
	out, err := p.Judge(i, a.view, a.at(), f.Values)
	return out, f.mistake(err)
}

// explainerOf finds the model that explains behind those that serving puts
// before it.
func explainerOf(m recipe.Model) (recipe.Explainer, bool) {
	switch m := m.(type) {
	case *excluding:
		return explainerOf(m.Model)
	case *renewing:
		return explainerOf(*m.model.Load())
	case *meeting:
		return explainerOf(*m.model.Load())
	case *exploring:
		return explainerOf(m.Model)
	}
	e, ok := m.(recipe.Explainer)
	return e, ok
}
