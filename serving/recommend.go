package serving

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"usher/catalog"
	"usher/dataset"
	"usher/history"
	"usher/recipe"
)

// Limits of a request; a self-hosted server keeps AWS's so that programs move freely.
const (
	defaultResults = 25
	maxResults     = 500
)

// Request is one question to a campaign.
type Request struct {
	Campaign string // ARN, of a campaign or recommender
	User     string
	Item     string
	Results  int // 0: 25
	Context  map[string]string
	Filter   Filtering
	Promoted *Promotion             // nil: none
	Columns  []string               // of Items, to show with each item
	Tag      func(id string) string // makes the recommendationId of a fresh one; nil: it is the fresh one
}

// Item is one item of an answer.
type Item struct {
	ID     string
	Score  float64 // only with Scored
	Scored bool
	Reason string // "", "Popular item", "Exploration", "Promoted item"

	Explored bool // it is there to be learnt about; Reason says so of the second version only

	Promotion string // the name of the promotion that put it here
	Metadata  map[string]string

	number uint32 // of the group's items, from 1; 0: it has none
}

// Answer is what a campaign recommends.
type Answer struct {
	ID    string // recommendationId
	Items []Item
}

// Recommend answers a request with the best items for a user, or the items most
// related to an item, best first.
func (s *Serving) Recommend(ctx context.Context, r Request) (*Answer, error) {
	k, err := results(r.Results)
	if err != nil {
		return nil, err
	}
	d, err := s.deployed(ctx, r.Campaign)
	if err != nil {
		return nil, err
	}
	if err := suits(d.spec, r); err != nil {
		return nil, err
	}
	group, err := s.opt.History.Group(ctx, d.group)
	if err != nil {
		return nil, err
	}
	if err := checkContext(group, d.spec, r.Context); err != nil {
		return nil, err
	}
	if err := checkColumns(group, d, r.Columns, "numResults", k); err != nil {
		return nil, err
	}
	if p := r.Promoted; p != nil && (p.Filter.none() || p.Percent < 1 || p.Percent > 100) {
		return nil, invalid("promotions: a promotion needs a filterArn, which says what is promoted, and percentPromotedItems from 1 to 100.")
	}
	a := &asking{Serving: s, deployment: d, group: group, query: s.query(group, d, r), user: r.User}
	defer a.release()
	out := &Answer{ID: s.newID(r.Campaign, r.Tag)}
	if out.Items, err = a.answer(ctx, k, r, out.ID); err != nil {
		return nil, err
	}
	s.remember(d, out)
	describe(group, out.Items, r.Columns)
	return out, nil
}

// answer gives the items of an answer, those of a promotion among them.
func (a *asking) answer(ctx context.Context, k int, r Request, id string) ([]Item, error) {
	buf := scratch.Get().(*[]recipe.Scored)
	defer scratch.Put(buf)
	var promoted []recipe.Scored
	var err error
	if r.Promoted != nil {
		if promoted, err = a.promoted(ctx, k, r.Promoted); err != nil {
			return nil, err
		}
	}
	a.query.Rand = drawnBy(id)
	best, err := a.best(ctx, k-len(promoted), r.Filter, promoted, (*buf)[:0])
	if err != nil {
		return nil, err
	}
	*buf = best
	spec := a.deployment.spec
	items := named(spec, a.group, best)
	if len(promoted) == 0 {
		return items, nil
	}
	first := named(spec, a.group, promoted)
	for i := range first {
		first[i].Promotion, first[i].Reason = r.Promoted.Name, ""
		if explains(spec) {
			first[i].Reason = "Promoted item"
		}
	}
	return mixed(id, items, first), nil
}

// scratch keeps answer buffers of finished requests.
var scratch = sync.Pool{New: func() any { b := make([]recipe.Scored, 0, maxResults); return &b }}

// newID names an answer of a campaign.
func (s *Serving) newID(campaign string, tag func(id string) string) string {
	id := catalog.RecommendationID(s.opt.NewID(), campaign)
	if tag != nil {
		id = tag(id)
	}
	return id
}

func results(n int) (int, error) {
	switch {
	case n == 0:
		return defaultResults, nil
	case n < 0 || n > maxResults:
		return 0, invalid("numResults is %d. Ask for 1 to %d results.", n, maxResults)
	}
	return n, nil
}

// suits says whether the request carries what the campaign's recipe needs.
func suits(spec recipe.Spec, r Request) error {
	switch spec.Type {
	case recipe.PersonalizedRanking:
		return invalid("The recipe %s ranks a list of yours. Call GetPersonalizedRanking.", spec.Name)
	case recipe.PersonalizedActions:
		return invalid("The recipe %s recommends actions. Call GetActionRecommendations.", spec.Name)
	case recipe.UserSegmentation:
		return invalid("The recipe %s makes user segments. Call CreateBatchSegmentJob.", spec.Name)
	}
	if spec.NeedsUser && r.User == "" {
		return invalid("userId is missing. The recipe %s recommends for a user: send a userId, or the sessionId of an anonymous visitor as userId.", spec.Name)
	}
	if spec.NeedsItem && r.Item == "" {
		return invalid("itemId is missing. The recipe %s finds items related to an item: send an itemId.", spec.Name)
	}
	return nil
}

// checkContext refuses context that no model could know.
func checkContext(g *history.Group, spec recipe.Spec, given map[string]string) error {
	if len(given) == 0 {
		return nil
	}
	if spec.Type != recipe.UserPersonalization && spec.Type != recipe.PersonalizedRanking {
		return invalid("context is only used by USER_PERSONALIZATION and PERSONALIZED_RANKING recipes; the recipe %s is of type %s.", spec.Name, spec.Type)
	}
	schema := g.Schema(dataset.Interactions)
	for _, key := range slices.Sorted(maps.Keys(given)) {
		if schema == nil || schema.Column(key) < 0 {
			return invalid("context.%s: the Interactions schema has no column of that name. %s", key, contextColumns(schema))
		}
	}
	return nil
}

// contextColumns says what a context can name.
func contextColumns(s *dataset.Schema) string {
	var names []string
	if s != nil {
		for _, i := range s.ContextColumns() {
			names = append(names, s.Fields[i].Name)
		}
	}
	if len(names) == 0 {
		return "It has none that says something of the moment: leave the context out."
	}
	return "Use " + strings.Join(names, ", ") + "."
}

// query makes numbers of a request's ids; unknown ones become NoIndex.
func (s *Serving) query(g *history.Group, d *deployment, r Request) *recipe.Query {
	q := &recipe.Query{User: dataset.NoIndex, Item: dataset.NoIndex, Context: r.Context, Now: s.opt.Now(), Config: d.config, Once: d.once}
	if r.User != "" {
		if q.User = g.User(r.User); q.User != dataset.NoIndex {
			q.History = g.Events(q.User)
			q.ProfileSchema = g.Schema(dataset.Users)
			q.Profile = g.Row(dataset.Users, q.User)
			q.Shown = func() []dataset.Exposure { return g.Shown(q.User) }
		}
	}
	if r.Item != "" && d.spec.Type == recipe.RelatedItems {
		q.Item = g.Item(r.Item)
	}
	return q
}

// named turns numbers back into ids.
func named(spec recipe.Spec, g *history.Group, best []recipe.Scored) []Item {
	ids := g.ItemIDs()
	out := make([]Item, 0, len(best))
	for _, b := range best {
		item := Item{ID: ids[b.Index], Explored: b.Flags&recipe.Exploration != 0, number: uint32(b.Index) + 1}
		if item.ID == "" { // deleted while the model was asked
			continue
		}
		if spec.Scores && b.Flags&recipe.NoScore == 0 {
			item.Score, item.Scored = float64(b.Score), true
		}
		switch {
		case !explains(spec):
		case item.Explored:
			item.Reason = "Exploration"
		case b.Flags&recipe.Popular != 0:
			item.Reason = "Popular item"
		}
		out = append(out, item)
	}
	return out
}

// Served is what a campaign answers with.
type Served struct {
	Group string // catalog id of its dataset group
	Spec  recipe.Spec
}

// Serves tells what a campaign answers with. It wakes it.
func (s *Serving) Serves(ctx context.Context, campaignARN string) (Served, error) {
	d, err := s.deployed(ctx, campaignARN)
	if err != nil {
		return Served{}, err
	}
	return Served{d.group, d.spec}, nil
}

// Recipe gives the name of the recipe that a campaign serves.
func (s *Serving) Recipe(ctx context.Context, campaignARN string) (string, error) {
	served, err := s.Serves(ctx, campaignARN)
	return served.Spec.Name, err
}
