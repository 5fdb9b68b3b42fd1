package serving

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"usher/dataset"
	"usher/history"
	"usher/internal/seed"
	"usher/recipe"
)

// Exploration shows new items, of which little is known, to learn about them. Each
// place of an answer is with the probability explorationWeight one of an item that
// is new: created, or first had by somebody, no longer before the newest event
// than explorationItemAgeCutOff days, or neither. Half of the candidates are the
// new items that the model ranks best for the user, the others any; those that
// were shown less often are more likely: those of impressions that were not chosen
// count, and what the answers of this process have shown since it last looked. Which
// places and items is drawn by the answer's id.

// exploration is what a campaign, recommender or job is told.
type exploration struct {
	weight float64
	days   float64
}

// explores says whether a recipe explores by settings of its campaign or recommender:
// the first version of aws-user-personalization, and the personal use case of each domain.
func explores(spec recipe.Spec) bool {
	return spec.Name == "aws-user-personalization" || spec.Domain != "" && spec.Type == recipe.UserPersonalization
}

// exploration gives the settings of exploration, AWS's defaults where none are given.
func (c *config) exploration() exploration {
	out, given := exploration{weight: .3, days: 30}, c.ItemExplorationConfig
	if _, ok := given["explorationWeight"]; ok {
		out.weight = given.Float("explorationWeight")
	}
	if _, ok := given["explorationItemAgeCutOff"]; ok {
		out.days = given.Float("explorationItemAgeCutOff")
	}
	return out
}

// exploring is a model that shows new items in some places of its answers.
type exploring struct {
	recipe.Model
	serving *Serving
	group   string // catalog ID
	config  exploration
	cold    atomic.Pointer[coldItems]

	mu      sync.Mutex
	looked  time.Time // when the search for new items began last
	running bool
}

// coldItems are the items that are new, and how often each was shown.
type coldItems struct {
	known int // items that were looked at; those behind are new
	list  []dataset.Index
	set   dataset.Set
	shown []atomic.Uint32 // by place in list
}

// coldPeriod is how old a list of new items gets: AWS's interval of updates. Items
// that come meanwhile are new at once.
const coldPeriod = 2 * time.Hour

// explore gives a deployment's model as one that explores, if its recipe does.
func (s *Serving) explore(ctx context.Context, d *deployment, config exploration) error {
	if !explores(d.spec) || config.weight <= 0 {
		return nil
	}
	e := &exploring{Model: d.model, serving: s, group: d.group, config: config, looked: s.opt.Now()}
	if err := e.look(ctx); err != nil {
		return err
	}
	d.model = e
	return nil
}

// look finds the items that are new now.
func (e *exploring) look(ctx context.Context) error {
	group, err := e.serving.opt.History.Group(ctx, e.group)
	if err != nil {
		return err
	}
	data, err := group.Snapshot(ctx)
	if err != nil {
		return err
	}
	c := newColdItems(data, group.Schema(dataset.Items), e.config.days)
	c.countShown(data.Shown)
	e.cold.Store(c)
	return nil
}

// newColdItems finds the items that are no older, at the newest event, than so many
// days.
func newColdItems(data *dataset.Snapshot, schema *dataset.Schema, days float64) *coldItems {
	const never = math.MaxInt64
	began := slices.Repeat([]int64{never}, data.Items()) // created, or first had
	newest := int64(0)
	for _, x := range data.Events {
		began[x.Item] = min(began[x.Item], x.Time)
		newest = max(newest, x.Time)
	}
	created := -1
	if schema != nil {
		created = schema.Column("CREATION_TIMESTAMP")
	}
	since := newest - int64(days*24*3600)
	c := &coldItems{known: data.Items(), set: dataset.NewSet(data.Items())}
	for i, at := range began {
		if created >= 0 && data.ItemTable != nil {
			if row := data.ItemTable.Row(dataset.Index(i)); created < len(row) && row[created].Kind != "" {
				at = row[created].Int
			}
		}
		if at >= since {
			c.list = append(c.list, dataset.Index(i))
			c.set.Add(dataset.Index(i))
		}
	}
	c.shown = make([]atomic.Uint32, len(c.list))
	return c
}

// countShown counts how often each was shown and not chosen.
func (c *coldItems) countShown(shown *dataset.Shown) {
	if shown == nil {
		return
	}
	for _, x := range shown.List {
		if at, ok := slices.BinarySearch(c.list, x.Item); ok {
			c.shown[at].Add(1)
		}
	}
}

// current gives the new items, and has them looked for anew when that is long ago.
func (e *exploring) current(ctx context.Context) *coldItems {
	now := e.serving.opt.Now()
	e.mu.Lock()
	due := !e.running && now.Sub(e.looked) >= coldPeriod
	if due {
		e.running, e.looked = true, now
	}
	e.mu.Unlock()
	if due {
		ctx := context.WithoutCancel(ctx)
		e.serving.renewals.Go(func() {
			err := e.look(ctx)
			e.mu.Lock()
			e.running = false
			e.mu.Unlock()
			if err != nil {
				e.serving.opt.Log.Warn("look for new items", "group", e.group, "error", err)
			}
		})
	}
	return e.cold.Load()
}

// Recommend implements recipe.Model.
func (e *exploring) Recommend(ctx context.Context, q *recipe.Query, k int, allow dataset.Set, dst []recipe.Scored) ([]recipe.Scored, error) {
	dst, err := e.Model.Recommend(ctx, q, k, allow, dst)
	if err != nil || q.Rand == nil {
		return dst, err
	}
	places := 0
	for range k {
		if q.Rand.Float64() < e.config.weight {
			places++
		}
	}
	if places == 0 {
		return dst, nil
	}
	group, err := e.serving.opt.History.Group(ctx, e.group)
	if err != nil {
		return dst, err
	}
	chosen, err := e.choose(ctx, q, places, allow, group)
	if err != nil {
		return dst, err
	}
	return mixedIn(q.Rand, dst, chosen, k), nil
}

// candidatesLeast is how many candidates of each half there are at least, so that what
// was shown often has others beside it.
const candidatesLeast = 10

// choose gives n new items of allow that the user has not had, or all where there
// are fewer, in the order in which they are to be shown.
func (e *exploring) choose(ctx context.Context, q *recipe.Query, n int, allow dataset.Set, group *history.Group) ([]recipe.Scored, error) {
	cold := e.current(ctx)
	had := make(map[dataset.Index]bool, len(q.History))
	for _, x := range q.History {
		had[x.Item] = true
	}
	half := max(2*n, candidatesLeast)
	pool, err := e.Model.Recommend(ctx, q, half+len(had), intersection(cold.set, allow), nil)
	if err != nil {
		return nil, err
	}
	pool = slices.DeleteFunc(pool, func(x recipe.Scored) bool { return had[x.Index] })
	pool = pool[:min(half, len(pool))]
	for _, x := range pool {
		had[x.Index] = true
	}
	pool = cold.any(q.Rand, half, len(group.ItemIDs()), func(i dataset.Index) bool { return !had[i] && allow.Has(i) }, pool)
	return cold.draw(q.Rand, pool, n), nil
}

// any appends up to n items, from a random place in the list of the new ones on.
func (c *coldItems) any(r *rand.Rand, n, items int, may func(i dataset.Index) bool, to []recipe.Scored) []recipe.Scored {
	all := len(c.list) + max(0, items-c.known)
	if all == 0 {
		return to
	}
	from, most := r.IntN(all), min(all, 64*n+1024) // under a narrow filter some are found, not all
	for step := 0; step < most && n > 0; step++ {
		at := (from + step) % all
		i := dataset.Index(c.known + at - len(c.list))
		if at < len(c.list) {
			i = c.list[at]
		}
		if may(i) {
			to = append(to, recipe.Scored{Index: i, Flags: recipe.NoScore})
			n--
		}
	}
	return to
}

// draw takes n of the pool, without repetition; one that was shown more often is
// less likely.
func (c *coldItems) draw(r *rand.Rand, pool []recipe.Scored, n int) []recipe.Scored {
	keys := make([]float64, len(pool))
	order := make([]int, len(pool))
	for i, x := range pool {
		shown := 0.
		if at, ok := slices.BinarySearch(c.list, x.Index); ok {
			shown = float64(c.shown[at].Load())
		}
		keys[i], order[i] = r.ExpFloat64()*(1+shown), i // the first of exponentials: a draw by their rates
	}
	slices.SortFunc(order, func(a, b int) int {
		if keys[a] < keys[b] {
			return -1
		}
		return 1
	})
	out := make([]recipe.Scored, 0, n)
	for _, i := range order[:min(n, len(order))] {
		x := pool[i]
		x.Flags |= recipe.Exploration
		out = append(out, x)
		if at, ok := slices.BinarySearch(c.list, x.Index); ok {
			c.shown[at].Add(1)
		}
	}
	return out
}

// mixedIn puts the chosen items at random places of an answer of k, from which they
// and then the last ones are taken out.
func mixedIn(r *rand.Rand, best, chosen []recipe.Scored, k int) []recipe.Scored {
	taken := indexesOf(chosen)
	rest := slices.DeleteFunc(slices.Clone(best), func(x recipe.Scored) bool { return taken[x.Index] })
	rest = rest[:min(len(rest), k-len(chosen))]
	n := len(rest) + len(chosen)
	out := best[:0]
	left := len(chosen)
	for i := range n {
		if r.IntN(n-i) < left {
			out = append(out, chosen[len(chosen)-left])
			left--
		} else {
			out = append(out, rest[i-(len(chosen)-left)])
		}
	}
	return out
}

// intersection gives the indexes of two sets, of which the first is not everything.
func intersection(a, b dataset.Set) dataset.Set {
	if b.All() {
		return a
	}
	words, others := a.Words(), b.Words()
	out := dataset.NewSet(64 * len(words))
	for i := range min(len(words), len(others)) {
		out.Words()[i] = words[i] & others[i]
	}
	return out
}

// drawnBy gives the chance of an answer.
func drawnBy(id string) *rand.Rand { return seed.Seed(0).Branch("exploration " + id).Rand() }
