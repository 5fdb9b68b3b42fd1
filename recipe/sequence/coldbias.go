package sequence

import (
	"context"
	"math"
	"time"

	"usher/dataset"
	"usher/recipe"
)

// Newcomers are favoured as far as they cost what is known at most costMost of its
// NDCG, and fill at most placesMost of the first places: somebody has to be shown them
// first. What they cost depends on who is asked about: users of the newest events have
// had what newcomers are like, and short histories are less sure of what is next than
// the long ones of the validation part. So lists are made for the newest tenth of the
// events, each with the history before it, as it will be asked when the model is
// served, and at the moments of as long a time to come as that tenth took. But the
// network has learnt which item comes next there, so where items that were looked for
// stand in lists is taken from the validation part.
//
// Where there are fewer newcomers than trialLeast, one item of trialShare stands for one.
const (
	costMost   = .01
	placesMost = .2
	biasMost   = 6
	biasStep   = .25
	trialLeast = 20
	trialShare = 20

	trialTop     = 10   // of a list: NDCG@10 sees no more
	recentPart   = 10   // one event of so many, the newest, is asked for
	recentMost   = 1000 // questions
	recentOfUser = 50   // a few users who have much there shall not outweigh all others
)

// trial is one question with newcomers.
type trial struct {
	weight float64
	rank   int       // of the item looked for, from 0, among those that are no newcomers; trialTop: behind
	warm   []float32 // the best scores of these
	cold   []float32 // the best scores of newcomers, without bias
}

// chooseBias gives the bias of newcomers.
func (f *fit) chooseBias(ctx context.Context, m *Model) (float64, error) {
	n := m.cold
	if n.count() < trialLeast {
		n = f.standIns(m)
	}
	if n.count() == 0 {
		return 0, nil
	}
	held, err := f.trials(ctx, m, n, f.last())
	if err != nil {
		return 0, err
	}
	recent, err := f.trials(ctx, m, n, f.recent())
	if err != nil {
		return 0, err
	}
	found := ranksOf(held)
	return found.most(recent), nil
}

// most gives the largest bias with which newcomers cost and fill no more of questions
// than they may, when items are looked for at these ranks.
func (r *ranks) most(trials []trial) float64 {
	least := (1 - costMost) * r.gain(trials, math.Inf(-1))
	for b := float64(biasMost); b > -biasMost; b -= biasStep {
		if r.gain(trials, b) >= least && placesWith(trials, b) <= placesMost {
			return b
		}
	}
	return -biasMost
}

// trials asks questions.
func (f *fit) trials(ctx context.Context, m *Model, n *newcomers, ask []probe) ([]trial, error) {
	out := make([]trial, len(ask))
	err := f.each(ctx, "weigh new items", len(ask), func(_, i int) {
		q := &recipe.Query{User: ask[i].user, History: f.in.Data.History(ask[i].user)[:ask[i].events]}
		out[i] = m.try(n, ask[i].heldOut, q, n.newness.later(float64(i)/float64(len(ask))))
	})
	return out, err
}

// last gives the validation part's questions.
func (f *fit) last() (out []probe) {
	for _, h := range measured(f.held) {
		out = append(out, probe{h, f.c.count[h.user]})
	}
	return out
}

// recent gives questions for the newest events.
func (f *fit) recent() (out []probe) {
	times := timesOf(f.in.Data.Events)
	since := times[len(times)-1-len(times)/recentPart]
	for u := range f.in.Data.UserIDs {
		h := f.in.Data.History(dataset.Index(u))
		from := 0
		for from < len(h) && h[from].Time < since {
			from++
		}
		for at := from; at < min(len(h), from+recentOfUser); at++ {
			out = append(out, probe{heldOut{user: dataset.Index(u), item: h[at].Item, weight: weightOf(f.in.Weights, h[at])}, at})
		}
	}
	if n := len(out); n > recentMost {
		for i := range recentMost {
			out[i] = out[i*n/recentMost]
		}
		out = out[:recentMost]
	}
	return out
}

// standIns gives items that play the part of newcomers.
func (f *fit) standIns(m *Model) *newcomers {
	var items []dataset.Index
	for r := 0; r < len(f.c.items); r += trialShare {
		items = append(items, dataset.Index(f.c.items[r]))
	}
	t := f.in.Data.ItemTable
	return m.newcomersOf(0, m.cold.newness, t.Schema, items, t.Row)
}

// try asks one question, with newcomers of the age that they have at a moment.
func (m *Model) try(n *newcomers, h heldOut, q *recipe.Query, moment time.Time) trial {
	a := m.answers.Get().(*answer)
	defer m.answers.Put(a)
	m.listen(a, q)
	a.now = moment.Unix()
	history := q.History
	e := m.encoded(a, q)
	t := trial{weight: h.weight, rank: trialTop}
	best, _ := m.best(a, e, history, min(trialTop, len(m.items)), dataset.Set{})
	for rank, x := range best {
		t.warm = append(t.warm, x.score)
		if m.item(x.row) == h.item {
			t.rank = rank
		}
	}
	for _, x := range firstOf(&a.coldTop, m.coldScores(n, a, e, history), trialTop) {
		t.cold = append(t.cold, x.score)
	}
	return t
}

// placesWith gives the part of the first trialTop places that newcomers take when
// they have a bias.
func placesWith(trials []trial, bias float64) float64 {
	known, all := 0, 0
	for i := range trials {
		t := &trials[i]
		places := min(trialTop, len(t.warm)+len(t.cold))
		all += places
		for rank := range t.warm {
			if rank+t.above(rank, bias) < places {
				known++
			}
		}
	}
	return 1 - float64(known)/float64(max(1, all))
}

// above counts the newcomers above the item at a rank.
func (t *trial) above(rank int, bias float64) (n int) {
	for n < len(t.cold) && float64(t.cold[n])+bias > float64(t.warm[rank]) {
		n++
	}
	return n
}

// ranks says how often the item looked for was at each rank.
type ranks [trialTop]float64

// ranksOf counts them. Where nothing was found all ranks are alike.
func ranksOf(trials []trial) (r ranks) {
	sum := 0.
	for _, t := range trials {
		if t.rank < trialTop {
			r[t.rank] += t.weight
			sum += t.weight
		}
	}
	if sum == 0 {
		for k := range r {
			r[k] = 1
		}
	}
	return r
}

// gain gives the NDCG@10 of questions, but for a factor, when newcomers have a bias and
// items are looked for at these ranks.
func (r *ranks) gain(trials []trial, bias float64) float64 {
	var sum metric
	for i := range trials {
		for rank := range trials[i].warm {
			sum.add(rank+trials[i].above(rank, bias), trials[i].weight*r[rank])
		}
	}
	return sum.ndcg
}
