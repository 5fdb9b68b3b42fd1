package sequence

import (
	"context"
	"fmt"
	"math"

	"usher/internal/seed"
	"usher/recipe"
	"usher/recipe/internal/content"
	"usher/recipe/internal/nn"
)

// fit is one training from start to end.
type fit struct {
	s     settings
	c     *corpus
	steps *steps
	held  []heldOut // empty: refit, nothing to choose
	in    recipe.Input
	print uint64
	tr    nn.Trainer
	every int // steps from one checkpoint to the next
	tell  int // steps from one word of progress to the next

	step  int // steps done
	best  best
	after int // measurements since the best one
	curve []recipe.CurvePoint

	vectors   []float32    // (items,d) of the network to keep, moved by what metadata say
	content   *content.Map // nil: metadata say nothing
	explained float64      // part of the vectors' variance that metadata explain

	objective *objective // what answers are to bring besides relevance; nil: nothing

	sided   []string // what is told of side information and objective
	blended metric   // of network and counters on the validation part; zero: not blended
	alone   metric   // of the network on the same questions
}

// best is the network that did best on the validation part: the last one that
// came near the best score, because of two that differ by less than the
// score's error the longer and more slowly trained one is the safer.
type best struct {
	epoch        int // 0: none measured yet
	score        metric
	peak         float64 // the best NDCG of all
	table, dense []float32
}

// asGood is the part of the best score that counts as just as good, and
// patience how many measurements below it in a row end the training.
const (
	asGood   = .98
	patience = 3
)

// measurements is how many times about a full training is measured.
const measurements = 8

// netShare is the network's part of a training, about; the rest is the counters'.
const netShare = .95

func newFit(c *corpus, s settings, held []heldOut, root seed.Seed, in recipe.Input) *fit {
	net := nn.New(s.shape(len(c.items)), root.Branch("init"))
	c.gaps = s.gaps
	f := &fit{s: s, c: c, steps: newSteps(c, s, root), held: held, in: in}
	f.print = fingerprint(c, s, root, len(held))
	f.every, f.tell = f.pace()
	f.tr = nn.Trainer{Net: net, Items: len(c.items), Sample: s.sample, Drop: float32(s.drop),
		Workers: in.Workers, Muon: float32(s.matrixLR / s.lr), State: nn.NewAdam(net)}
	return f
}

// run trains to the end, or until ctx is done.
func (f *fit) run(ctx context.Context) error {
	if err := f.resume(); err != nil {
		return err
	}
	root := f.steps.root.Branch("step")
	all := f.s.planned * f.steps.perEpoch
	end := f.s.epochs * f.steps.perEpoch
	for f.step < end {
		lr := rate(f.s.lr, f.step+1, all)
		if _, err := f.tr.Step(ctx, f.steps.step(f.step), lr, root.Branch("n", uint64(f.step))); err != nil {
			return err
		}
		f.step++
		if (f.step%f.tell == 0 || f.step == 1) && f.in.Progress != nil {
			f.in.Progress(netShare*float64(f.step)/float64(end), f.note())
		}
		if f.step%f.steps.perEpoch == 0 {
			stop, err := f.measure(ctx)
			if err != nil || stop {
				return err
			}
		}
		if f.step%f.every == 0 && f.in.Checkpoint != nil {
			if err := f.in.Checkpoint.Save(f.state()); err != nil {
				return fmt.Errorf("save checkpoint: %w", err)
			}
		}
	}
	return nil
}

// rate is the learning rate of a step (that of matrices goes the same way): a warm-up,
// then half a cosine down to a fiftieth.
func rate(top float64, step, all int) float32 {
	warm := max(min(100, all/10), all*3/100, 1)
	lr := top * (.02 + .98*.5*(1+math.Cos(math.Pi*float64(step)/float64(all))))
	return float32(lr * min(1, float64(step)/float64(warm)))
}

// pace gives after how many steps to save a checkpoint and to tell progress:
// ten seconds and one second of a machine of usual speed.
func (f *fit) pace() (save, tell int) {
	step := f.s.tokenWork(len(f.c.items)) * float64(f.s.stepTokens)
	const second = 60e9 // multiplications and additions
	return max(1, int(10*second/step)), max(1, int(second/step))
}

// measure looks at the validation part when it is time for that, and says
// whether to stop.
func (f *fit) measure(ctx context.Context) (stop bool, err error) {
	epoch := f.step / f.steps.perEpoch
	every := max(1, f.s.planned/measurements)
	if len(f.held) == 0 || epoch != f.s.planned && (epoch%every != 0 || epoch*4 < f.s.planned) {
		return false, nil
	}
	m, err := f.validate(ctx, f.tr.Net, f.tr.Net.Items(len(f.c.items)))
	if err != nil {
		return false, err
	}
	f.curve = append(f.curve, recipe.CurvePoint{Epoch: epoch, NDCG: m.ndcg})
	if f.best.take(epoch, m) {
		f.best.table = append(f.best.table[:0], f.tr.Net.Table...)
		f.best.dense = append(f.best.dense[:0], f.tr.Net.Dense...)
		f.after = 0
	} else {
		f.after++
	}
	if f.in.Progress != nil {
		f.in.Progress(netShare*float64(epoch)/float64(f.s.planned), f.note())
	}
	return f.after >= patience, nil
}

// note is where the training is, for people.
func (f *fit) note() string {
	n := fmt.Sprintf("epoch %d of %d", min(f.s.epochs, f.step/f.steps.perEpoch+1), f.s.epochs)
	if f.best.epoch > 0 {
		n += fmt.Sprintf(", validation NDCG@10 %.4f HR@10 %.4f", f.best.score.ndcg, f.best.score.hits)
	}
	return n
}

// take says whether the network measured after epoch is the one to keep.
func (b *best) take(epoch int, m metric) bool {
	b.peak = max(b.peak, m.ndcg)
	if m.ndcg < asGood*b.peak {
		return false
	}
	b.epoch, b.score = epoch, m
	return true
}

// net is the network to keep.
func (f *fit) net() *nn.Net {
	if f.best.epoch == 0 {
		return f.tr.Net
	}
	return nn.Wrap(f.tr.Net.Shape, f.best.table, f.best.dense)
}

// choices tell what was chosen, for the refit and for people.
func (f *fit) choices() *recipe.Choices {
	if f.in.Tuned != nil {
		return &recipe.Choices{Values: f.in.Tuned.Values, Notes: f.in.Tuned.Notes, Curve: f.in.Tuned.Curve}
	}
	s := f.s
	out := &recipe.Choices{Values: map[string]float64{}, Curve: f.curve}
	if f.best.epoch > 0 {
		s.epochs = f.best.epoch
		out.Values["validation_ndcg_at_10"] = f.best.score.ndcg
		out.Values["validation_hit_rate_at_10"] = f.best.score.hits
		out.Values["validation_users"] = float64(len(f.held))
		out.Notes = append(out.Notes, fmt.Sprintf("epoch %d of %d was best on the last items of %d users: NDCG@10 %.4f, HR@10 %.4f",
			s.epochs, s.planned, len(measured(f.held)), f.best.score.ndcg, f.best.score.hits))
	}
	if f.blended != (metric{}) {
		out.Values["network_ndcg_at_10"] = f.alone.ndcg
		out.Values["network_hit_rate_at_10"] = f.alone.hits
		out.Values["validation_ndcg_at_10"] = f.blended.ndcg
		out.Values["validation_hit_rate_at_10"] = f.blended.hits
		out.Notes = append(out.Notes, fmt.Sprintf("with counters (weights %v): NDCG@10 %.4f, HR@10 %.4f; without %.4f, %.4f",
			s.weights, f.blended.ndcg, f.blended.hits, f.alone.ndcg, f.alone.hits))
	}
	if s.contentLambda != 0 {
		out.Notes = append(out.Notes, fmt.Sprintf("metadata explain %.0f %% of what is learnt of items; they count as %g events, and items that nobody had are favoured by %.2f",
			100*f.explained, s.contentStrength, s.coldBias))
	}
	for _, v := range s.values() {
		out.Values[v.name] = v.value
	}
	out.Values["steps"] = float64(s.epochs * f.steps.perEpoch)
	if s.maskSeen {
		out.Notes = append(out.Notes, "nobody has an item twice: items of the history are ranked behind all others")
	}
	return out
}
