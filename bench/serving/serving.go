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
// come in; "overload" are cold ones by eight times as many clients, who wait a
// little where they are refused.
package serving

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
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
	PerSec   float64       // answers
	Limit    float64       // answers of the bare handler, in the rounds between
	CPU      time.Duration // that an answer took of the processors, its client's part included
	LimitCPU time.Duration
	P50, P99 time.Duration
}

// Ratio is the part of the limit that was reached.
func (l Line) Ratio() float64 { return l.PerSec / l.Limit }

// CPURatio is Ratio on a machine that has nothing else to do, told by what answers
// took of the processors: other programs disturb it less.
func (l Line) CPURatio() float64 { return float64(l.LimitCPU) / float64(max(1, l.CPU)) }

// Run measures all scales and prints a line for each state.
func Run(ctx context.Context, opt Options) ([]Line, error) {
	opt = opt.withDefaults()
	fmt.Fprintf(opt.Out, "%9s %4s  %-9s %10s %10s %6s %9s %9s %6s %9s %9s\n", "items", "d", "state", "answers/s", "limit/s", "ratio", "cpu", "limit cpu", "ratio", "p50", "p99")
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
	for _, cold := range []bool{false, true} {
		if err := b.states(ctx, cold); err != nil {
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

// state is a state of histories, and what happens beside the questions.
type state struct {
	name     string
	cold     bool // nothing is kept
	filtered bool
	clients  int // 0: 16
	beside   func(w *world, ctx context.Context) (stop func() error, err error)
}

var states = []state{
	{name: "repeated"}, {name: "filtered", filtered: true}, {name: "training", beside: (*world).train}, {name: "events", beside: (*world).sendEvents},
	{name: "cold", cold: true}, {name: "overload", cold: true, clients: 8 * clients},
}

// asked is how many users' histories are asked about.
const asked = 5000

// states measures those that are wanted, on a server of their own.
func (b *bench) states(ctx context.Context, cold bool) (err error) {
	wanted := slices.DeleteFunc(slices.Clone(states), func(s state) bool {
		return s.cold != cold || len(b.opt.States) > 0 && !slices.Contains(b.opt.States, s.name)
	})
	if len(wanted) == 0 {
		return nil
	}
	if err := b.world.open(ctx, cold); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.world.server.Close()) }()
	for _, s := range wanted {
		if err := b.state(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

func (b *bench) state(ctx context.Context, s state) (err error) {
	filter := ""
	if s.filtered {
		filter = b.world.filter
	}
	requests, err := b.world.requests(ctx, filter)
	if err != nil {
		return err
	}
	first := len(requests) // every history once
	if s.cold {
		first = 100
	}
	if err := ask(ctx, b.world.address(), requests[:first]); err != nil {
		return err
	}
	if s.beside != nil {
		stop, err := s.beside(b.world, ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	return b.measure(ctx, s, requests)
}

// measureLimit asks the bare handler, with as many processors as a bare program has:
// usher serves with one more (cmd/usher), which would be a gift to the handler.
func (b *bench) measureLimit(ctx context.Context, requests [][]byte) (measured, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	runtime.SetDefaultGOMAXPROCS()
	return load(ctx, b.limit.address, requests, clients, b.opt.Round, b.opt.Now)
}

// measure takes turns with the limit and keeps the medians.
func (b *bench) measure(ctx context.Context, s state, requests [][]byte) error {
	var rate, limit []float64
	var cpu, limitCPU []time.Duration
	var took, refused []time.Duration
	for range b.opt.Rounds {
		l, err := b.measureLimit(ctx, requests[:1])
		if err != nil {
			return err
		}
		u, err := load(ctx, b.world.address(), requests, cmp.Or(s.clients, clients), b.opt.Round, b.opt.Now)
		if err != nil {
			return err
		}
		limit, rate = append(limit, l.perSecond), append(rate, u.perSecond)
		limitCPU, cpu = append(limitCPU, l.cpu), append(cpu, u.cpu)
		took, refused = append(took, u.took...), append(refused, u.refused...)
	}
	slices.Sort(took)
	scale := b.world.scale
	line := Line{scale.Items, scale.Dim, s.name, median(rate), median(limit), median(cpu), median(limitCPU), took[len(took)/2], took[len(took)*99/100]}
	b.lines = append(b.lines, line)
	fmt.Fprintf(b.opt.Out, "%9d %4d  %-9s %10.0f %10.0f %5.0f%% %9s %9s %5.0f%% %9s %9s\n", line.Items, line.Dim, line.State, line.PerSec, line.Limit, 100*line.Ratio(),
		short(line.CPU), short(line.LimitCPU), 100*line.CPURatio(), short(line.P50), short(line.P99))
	if len(refused) > 0 {
		slices.Sort(refused)
		fmt.Fprintf(b.opt.Out, "%25s refused %d of %d, p50 %s, p99 %s\n", "", len(refused), len(refused)+len(took), short(refused[len(refused)/2]), short(refused[len(refused)*99/100]))
	}
	return nil
}

// short rounds a time for a table.
func short(d time.Duration) string {
	if d < 10*time.Millisecond {
		return d.Round(time.Microsecond).String()
	}
	return d.Round(100 * time.Microsecond).String()
}

func median[T cmp.Ordered](x []T) T {
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
