// Package sequence is aws-user-personalization-v2: it reads a user's history as
// a sequence and says which items come next.
//
// A causal transformer (recipe/internal/nn) learns at each place of each
// history to name the item that follows. A history begins with a start token,
// so that the network also knows what users begin with: that is the answer for
// a brand-new user. Answers encode the history given with the question, so an
// event counts at once, without training. Histories longer than the window are
// cut into pieces with left context, so all their events are learnt from. All
// sizes, dropout and the number of epochs come from the data; a validation part
// (the last item of a sample of users) says when to stop. What was chosen is in
// Choices and is repeated by a refit.
//
// Beside the network stand counters (counter.go): what followed what, at several
// distances and with several norms, a linear regression in closed form, and of sparse
// data what users with similar histories had (userknn.go). An
// item's score is a weighted sum of the network's logit and the counters' logs
// (blend.go); the weights are the most likely ones for the validation part
// (weigh.go). Where they do not beat the network there, it stays alone; of few users'
// first-time items, usual weights are where it begins. A refit
// repeats the weights, with counters over all data.
//
// Where the times between events differ, the network is told them too (gap.go): what
// was found on one page and what was found weeks later is followed by other things.
//
// When (almost) nobody in the data has an item twice, items of the user's
// history are ranked behind all others; otherwise they compete as all do.
//
// apply_recency_bias lets newer events weigh more in training: the newest
// count 1, those as old as the median event count 3/4, the oldest about 1/2.
//
// Metadata of items (content.go) give vectors to items that nobody has had yet,
// also to those that come after the training (Meet), and better ones to those that
// few have had; how far they are trusted is chosen on the validation part.
//
// Invariants: items without an event in training have no row in the network, and
// without metadata that say something they are never recommended; the same Input gives the same bytes (I4); work is cut
// by data and no rule reads a clock.
//
// Where types of events have weights (eventsConfig), an event counts so much in the
// network's loss, in the counters, and as a question of the validation part.
//
// What users were shown and did not choose counts against it, where that helps
// (shown.go).
//
// Users' metadata and the context of a question add what is said of items there
// (side.go), where that helps.
//
// Answers can bring high values of a number that items have, besides relevance
// (objective.go): it is weighed so that the validation part loses no more than it may.
//
// Values of events are not used yet. Numbers
// become ids, filters become sets and promotions are mixed in above.
package sequence

import (
	"context"
	"fmt"
	"maps"
	"runtime"

	"usher/internal/seed"
	"usher/recipe"
)

// Name is the recipe's name in its ARN.
const Name = "aws-user-personalization-v2"

// Recipe is the algorithm. It has no state.
type Recipe struct{}

// Spec is the recipe's entry in the table.
func (Recipe) Spec() recipe.Spec { return spec }

// Train learns a model. Without in.Tuned it keeps back the validation part and
// chooses by it; with in.Tuned it learns from everything, as chosen before.
func (Recipe) Train(ctx context.Context, in recipe.Input) (recipe.Model, error) {
	if in.Data == nil {
		return nil, fmt.Errorf("train %s: no data", Name)
	}
	if in.Workers <= 0 {
		in.Workers = runtime.GOMAXPROCS(0)
	}
	if in.Weights != nil && len(in.Weights) != len(in.Data.EventTypes) {
		return nil, fmt.Errorf("train %s: %d weights for %d event types", Name, len(in.Weights), len(in.Data.EventTypes))
	}
	root := in.Seed.Branch("sequence")
	var held []heldOut
	if in.Tuned == nil {
		held = holdOut(in.Data, in.Weights, root.Branch("validation"))
	}
	c := newCorpus(in.Data, held)
	if len(c.items) == 0 {
		return nil, fmt.Errorf("train %s: the data have no interactions", Name)
	}
	s := derive(c)
	s.bound(in.Params)
	s.recency = in.Params.Bool("apply_recency_bias")
	if in.Tuned != nil {
		if err := s.repeat(in.Tuned.Values); err != nil {
			return nil, fmt.Errorf("train %s: %w", Name, err)
		}
	}
	c.weigh(s.recency, in.Weights)
	memory := s.memory(c, in.Workers)
	if in.Needs != nil {
		in.Needs(int64(memory))
	}
	if in.Progress != nil {
		in.Progress(0, fmt.Sprintf("takes about %.1f GiB of memory", memory/(1<<30)))
	}
	f := newFit(c, s, held, root, in)
	if err := f.wantObjective(); err != nil {
		return nil, fmt.Errorf("train %s: %w", Name, err)
	}
	m, err := f.train(ctx)
	if err != nil {
		return nil, fmt.Errorf("train %s: %w", Name, err)
	}
	return m, nil
}

// train trains the network and adds the counters.
func (f *fit) train(ctx context.Context) (*Model, error) {
	if err := f.run(ctx); err != nil {
		return nil, err
	}
	net := f.net()
	if err := f.learnContent(ctx, net); err != nil {
		return nil, err
	}
	b, err := f.blend(ctx, net)
	if err != nil {
		return nil, err
	}
	m := newModelOf(net, f.vectors, f.c.known, f.c.items, f.s.maskSeen, nil)
	m.blend = b
	if err := f.addSides(ctx, m); err != nil {
		return nil, err
	}
	if err := f.weighShown(ctx, m); err != nil {
		return nil, err
	}
	if err := f.addNewcomers(ctx, m); err != nil {
		return nil, err
	}
	if err := f.addObjective(ctx, m); err != nil {
		return nil, err
	}
	m.chosen = f.choices()
	if f.in.Tuned == nil {
		maps.Copy(m.chosen.Values, m.shown.values())
		maps.Copy(m.chosen.Values, m.cold.values())
		maps.Copy(m.chosen.Values, m.sides.values())
		m.chosen.Notes = append(m.chosen.Notes, f.sided...)
	}
	return m, nil
}

// fingerprint tells trainings apart, so that a checkpoint of another one is not
// taken for ours.
func fingerprint(c *corpus, s settings, root seed.Seed, held int) uint64 {
	x := root.Branch("fingerprint", uint64(c.known), uint64(held))
	for _, v := range s.values() {
		x = x.Branch(v.name, floatBits(v.value))
	}
	for _, r := range c.rows {
		x = x*0x100000001b3 ^ seed.Seed(r)
	}
	for _, e := range c.weights {
		x = x*0x100000001b3 ^ seed.Seed(floatBits(float64(e)))
	}
	return uint64(x)
}
