// Package serving is the workload of `usher bench serving`: how fast real-time
// answers are, beside what the machine can do at best.
//
// A data folder is made as users make one – an import through the API – but for
// the model, whose network is drawn instead of trained: how good it is does not
// matter here, and its counters, sizes and files are those of a trained one.
// Sixteen clients ask in a closed loop over kept connections. Their requests are
// encoded and signed beforehand, so the machine's time goes to the server. Rounds
// of usher and of the limit, a bare net/http handler that returns a fixed answer,
// take turns in one process; ratios of medians are what counts.
//
// The states of a history, which decide what an answer costs: "repeated" (asked
// before, nothing new: the ranking is kept), "filtered" (repeated, without what
// the user has had), "cold" (nothing is kept). "training" and "events" are
// repeated ones while a model is trained and while a thousand PutEvents a second
// come in.
package serving

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"time"
)

// Options configure a run.
type Options struct {
	// Open starts usher on a data folder, with the keys of Access and Secret.
	// Its models keep nothing of histories if cold is set.
	Open func(ctx context.Context, dir string, cold bool) (Server, error)
	// Access and Secret sign the requests.
	Access, Secret string

	Scales []Scale  // the three of the issue
	States []string // all
	Round  time.Duration
	Rounds int
	Out    io.Writer
	Now    func() time.Time
}

// Server is a running usher.
type Server struct {
	URL   string
	Close func() error
}

// Scale is a size of catalogue.
type Scale struct {
	Items, Dim, Users int
}

// scales are those that goals are set for.
var scales = []Scale{{4000, 64, 5000}, {100_000, 64, 5000}, {1_000_000, 128, 20_000}}

func (o Options) withDefaults() Options {
	if len(o.Scales) == 0 {
		o.Scales = scales
	}
	o.Round = cmp.Or(o.Round, 2*time.Second)
	o.Rounds = cmp.Or(o.Rounds, 5)
	return o
}

// Line is what was measured of one scale and state.
type Line struct {
	Items    int
	Dim      int
	State    string
	PerSec   float64 // answers
	Limit    float64 // answers of the bare handler, in the rounds between
	P50, P99 time.Duration
}

// Ratio is the part of the limit that was reached.
func (l Line) Ratio() float64 { return l.PerSec / l.Limit }

// Run measures all scales and prints a line for each state.
func Run(ctx context.Context, opt Options) ([]Line, error) {
	opt = opt.withDefaults()
	fmt.Fprintf(opt.Out, "%9s %4s  %-9s %10s %10s %6s %9s %9s\n", "items", "d", "state", "answers/s", "limit/s", "ratio", "p50", "p99")
	var all []Line
	for _, s := range opt.Scales {
		lines, err := runScale(ctx, opt, s)
		if err != nil {
			return all, fmt.Errorf("bench serving with %d items: %w", s.Items, err)
		}
		all = append(all, lines...)
	}
	return all, nil
}

func runScale(ctx context.Context, opt Options, s Scale) ([]Line, error) {
	dir, err := os.MkdirTemp("", "usher-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	w := &world{opt: opt, scale: s, dir: dir}
	if err := w.build(ctx); err != nil {
		return nil, err
	}
	limit, err := newLimit()
	if err != nil {
		return nil, err
	}
	defer limit.close()
	b := &bench{opt: opt, world: w, limit: limit}
	for _, part := range []struct {
		cold bool
		run  func(context.Context) error
	}{{false, b.warm}, {true, b.cold}} {
		if err := w.open(ctx, part.cold); err != nil {
			return nil, err
		}
		err := part.run(ctx)
		if cerr := w.server.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return nil, err
		}
	}
	return b.lines, nil
}

// bench measures one scale.
type bench struct {
	opt   Options
	world *world
	limit *limit
	lines []Line
}

// warm measures the states in which histories are kept.
func (b *bench) warm(ctx context.Context) error {
	w := b.world
	plain, err := w.requests(ctx, "")
	if err != nil {
		return err
	}
	filtered, err := w.requests(ctx, w.filter)
	if err != nil {
		return err
	}
	for _, list := range [][][]byte{plain, filtered} { // every history once
		if _, err := ask(ctx, w.address(), list, len(list)); err != nil {
			return err
		}
	}
	if err := b.measure(ctx, "repeated", plain); err != nil {
		return err
	}
	if err := b.measure(ctx, "filtered", filtered); err != nil {
		return err
	}
	stop, err := w.train(ctx)
	if err != nil {
		return err
	}
	err = b.measure(ctx, "training", plain)
	if serr := stop(); err == nil {
		err = serr
	}
	if err != nil {
		return err
	}
	if stop, err = w.sendEvents(ctx); err != nil {
		return err
	}
	err = b.measure(ctx, "events", plain)
	if serr := stop(); err == nil {
		err = serr
	}
	return err
}

// cold measures the state in which nothing is kept.
func (b *bench) cold(ctx context.Context) error {
	list, err := b.world.requests(ctx, "")
	if err != nil {
		return err
	}
	if _, err := ask(ctx, b.world.address(), list, 200); err != nil {
		return err
	}
	return b.measure(ctx, "cold", list)
}

// measure takes turns with the limit and keeps the medians.
func (b *bench) measure(ctx context.Context, state string, requests [][]byte) error {
	if len(b.opt.States) > 0 && !slices.Contains(b.opt.States, state) {
		return nil
	}
	var rate, limit []float64
	var took []time.Duration
	for range b.opt.Rounds {
		l, err := load(ctx, b.limit.address, requests[:1], b.opt.Round, b.opt.Now)
		if err != nil {
			return err
		}
		u, err := load(ctx, b.world.address(), requests, b.opt.Round, b.opt.Now)
		if err != nil {
			return err
		}
		limit, rate = append(limit, l.perSecond), append(rate, u.perSecond)
		took = append(took, u.took...)
	}
	slices.Sort(took)
	s := b.world.scale
	line := Line{s.Items, s.Dim, state, median(rate), median(limit), took[len(took)/2], took[len(took)*99/100]}
	b.lines = append(b.lines, line)
	fmt.Fprintf(b.opt.Out, "%9d %4d  %-9s %10.0f %10.0f %5.0f%% %9s %9s\n", line.Items, line.Dim, line.State, line.PerSec, line.Limit, 100*line.Ratio(),
		line.P50.Round(10*time.Microsecond), line.P99.Round(10*time.Microsecond))
	return nil
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}

// ScaleOf gives the scale with a number of items.
func ScaleOf(items int) (Scale, bool) {
	i := slices.IndexFunc(scales, func(s Scale) bool { return s.Items == items })
	if i < 0 {
		return Scale{}, false
	}
	return scales[i], true
}
