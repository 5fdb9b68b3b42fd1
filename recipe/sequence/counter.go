package sequence

import (
	"context"
	"fmt"
	"math"
	"slices"

	"usher/dataset"
	"usher/recipe/internal/nn"
	"usher/recipe/internal/ridge"
)

// Counters look at the data in another way than the network does: they count
// what came after what. Each is a sparse table from an item to those that follow
// it, asked for the newest items of a history; blend adds their answers to the
// network's. They learn in seconds and remember single pairs that a network
// smooths away, so the two err on different users.

// rule is how one counter counts and is asked. The order of rules is that of
// features and of model files.
type rule struct {
	name     string
	pair     func(distance int) float64 // what a pair at a distance counts, times the later event's weight; nil: not counted by pairs
	far      int                        // largest distance of a pair
	last     int                        // newest events that are asked
	decay    float64                    // weight of the w-th newest is decay^w; 0: 1/(w+1)
	norm     norm
	both     bool // what came before counts as what came after
	evidence bool // log(1+10·count), so that much evidence says more than little; else log(1+items·share)
}

// norm is how a row of counts is made comparable with others.
type norm int

const (
	plain  norm = iota
	shrunk      // ÷ (2.5 + half of the row's sum): a probability where much was seen
	cosine      // ÷ √ of both items' numbers of events
)

func inverse(d int) float64 { return 1 / float64(d) }

// The rules. What they are called is their name in Choices and in files.
var rules = [...]rule{
	{name: "ridge", last: 50, decay: ridgeDecay},
	{name: "rules_20", pair: inverse, far: 20, last: 10, evidence: true},
	{name: "rules_5", pair: inverse, far: 5, last: 4, norm: shrunk, evidence: true},
	{name: "markov", pair: inverse, far: 1, last: 1},
	{name: "rules_3", pair: inverse, far: 3, last: 3},
	{name: "near", pair: inverse, far: 8, last: 10, decay: .8, norm: cosine, both: true},
	{name: "neighbours", pair: inverse, far: 50, last: 30, decay: .9, norm: cosine, both: true},
}

// Rules that others name.
const (
	ridgeRule = 0
	nearRule  = 5
)

// rowMost is how many entries a row of a table keeps at most. Of catalogues above
// 50,000 items it is fewer, down to rowLeast, so that a table does not outgrow
// tableMost.
const (
	rowMost   = 400
	rowLeast  = 50
	tableMost = rowMost * 50_000
)

// rowsOf gives how many entries a row keeps when there are so many.
func rowsOf(items int) int { return max(rowLeast, min(rowMost, tableMost/max(1, items))) }

// table is a sparse matrix: row a holds ids[start[a]:start[a+1]], ascending, and
// their values.
type table struct {
	start []uint32 // (items+1)
	ids   []uint32
	vals  []float32
}

func (t *table) row(a uint32) ([]uint32, []float32) {
	i, j := t.start[a], t.start[a+1]
	return t.ids[i:j], t.vals[i:j]
}

// add adds weight times row a to out.
func (t *table) add(a uint32, weight float32, out []float32) {
	ids, vals := t.row(a)
	vals = vals[:len(ids)]
	for i, id := range ids {
		out[id] += float32(weight * vals[i])
	}
}

// counters are what was counted, by rule; nil where a rule is not used.
type counters struct {
	events []float32 // (items) how often each occurs
	tables [len(rules)]*table
	users  *userKNN // nil: not used
}

// count counts a corpus for the rules that want says.
func count(ctx context.Context, c *corpus, want [len(rules)]bool, workers int) (*counters, error) {
	n := len(c.items)
	out := &counters{events: make([]float32, n)}
	at := places(c)
	for a := range n {
		out.events[a] = float32(at.start[a+1] - at.start[a])
	}
	want[ridgeRule] = want[ridgeRule] && n <= ridgeRefitMost
	rows := make([][len(rules)]sparse, n)
	tallies := make([]*tally, max(1, workers))
	nn.Each(workers, n, func(worker, a int) {
		if ctx.Err() != nil {
			return
		}
		if tallies[worker] == nil {
			tallies[worker] = newTally(n, rowsOf(n))
		}
		for r := range rules {
			if want[r] && rules[r].pair != nil {
				rows[a][r] = tallies[worker].follow(c, at, uint32(a), &rules[r], out.events)
			}
		}
	})
	if want[ridgeRule] {
		if err := regress(ctx, c, at, rows, workers); err != nil {
			return nil, err
		}
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("count: %w", context.Cause(ctx))
	}
	for r := range rules {
		if want[r] {
			out.tables[r] = tabulate(rows, r)
		}
	}
	return out, nil
}

// tabulate makes a table of a rule's rows and lets go of them.
func tabulate(rows [][len(rules)]sparse, r int) *table {
	entries := 0
	for a := range rows {
		entries += len(rows[a][r].ids)
	}
	t := &table{start: make([]uint32, 1, len(rows)+1), ids: make([]uint32, 0, entries), vals: make([]float32, 0, entries)}
	for a := range rows {
		t.ids = append(t.ids, rows[a][r].ids...)
		t.vals = append(t.vals, rows[a][r].vals...)
		t.start = append(t.start, uint32(len(t.ids)))
		rows[a][r] = sparse{}
	}
	return t
}

// occurrences are the places of all items in the corpus.
type occurrences struct {
	start []int    // (items+1)
	place []uint32 // in corpus.rows
	begin []uint32 // of the user's counted events
	end   []uint32
}

func places(c *corpus) occurrences {
	o := occurrences{start: make([]int, len(c.items)+1),
		place: make([]uint32, c.events), begin: make([]uint32, c.events), end: make([]uint32, c.events)}
	for u := range c.count {
		for _, r := range c.history(dataset.Index(u)) {
			o.start[r+1]++
		}
	}
	for r := range c.items {
		o.start[r+1] += o.start[r]
	}
	next := slices.Clone(o.start)
	for u, n := range c.count {
		from := int(c.start[u])
		for i := from; i < from+n; i++ {
			r := c.rows[i]
			o.place[next[r]], o.begin[next[r]], o.end[next[r]] = uint32(i), uint32(from), uint32(from+n)
			next[r]++
		}
	}
	return o
}

// sparse is one row of a table.
type sparse struct {
	ids  []uint32
	vals []float32
}

// tally is the memory of one worker that counts.
type tally struct {
	most    int       // entries that a row keeps
	sum     []float64 // (items)
	touched []uint32
	vals    []float32
	order   []float32
}

func newTally(items, most int) *tally { return &tally{most: most, sum: make([]float64, items)} }

// follow counts what follows item a by a rule.
func (t *tally) follow(c *corpus, at occurrences, a uint32, r *rule, events []float32) sparse {
	var weight [64]float64
	for d := 1; d <= r.far; d++ {
		weight[d] = r.pair(d)
	}
	total := 0.
	t.touched = t.touched[:0]
	for o := at.start[a]; o < at.start[a+1]; o++ {
		p, begin, end := int(at.place[o]), int(at.begin[o]), int(at.end[o])
		for d := 1; d <= r.far && p+d < end; d++ {
			b := c.rows[p+d]
			if t.sum[b] == 0 {
				t.touched = append(t.touched, b)
			}
			x := weight[d] * c.weight(p+d)
			t.sum[b] += x
			total += x
		}
		for d := 1; r.both && d <= r.far && p-d >= begin; d++ {
			b := c.rows[p-d]
			if t.sum[b] == 0 {
				t.touched = append(t.touched, b)
			}
			x := weight[d] * c.weight(p)
			t.sum[b] += x
			total += x
		}
	}
	slices.Sort(t.touched)
	t.vals = t.vals[:0]
	for _, b := range t.touched {
		x := t.sum[b]
		t.sum[b] = 0
		switch r.norm {
		case shrunk:
			x /= 2.5 + total/2
		case cosine:
			x /= math.Sqrt(float64(events[a]+1) * float64(events[b]+1))
		}
		t.vals = append(t.vals, float32(x))
	}
	return t.keep(t.touched, t.vals)
}

// keep copies the t.most entries of a row that are largest without their signs,
// of equal ones the first.
func (t *tally) keep(ids []uint32, vals []float32) (out sparse) {
	least, ties := float32(0), 0
	if len(ids) > t.most {
		t.order = t.order[:0]
		for _, x := range vals {
			t.order = append(t.order, float32(math.Abs(float64(x))))
		}
		least = nthLargest(t.order, t.most)
		ties = t.most
		for _, x := range vals {
			if float32(math.Abs(float64(x))) > least {
				ties--
			}
		}
	} else {
		return sparse{slices.Clone(ids), slices.Clone(vals)}
	}
	out = sparse{make([]uint32, 0, t.most), make([]float32, 0, t.most)}
	for i, x := range vals {
		size := float32(math.Abs(float64(x)))
		if size == least && ties > 0 {
			ties--
		} else if !(size > least) {
			continue
		}
		out.ids, out.vals = append(out.ids, ids[i]), append(out.vals, x)
	}
	return out
}

// nthLargest gives the k-th largest of x, counted from 1, and reorders x.
func nthLargest(x []float32, k int) float32 {
	lo, hi := 0, len(x)-1
	for lo < hi {
		pivot := x[(lo+hi)/2]
		i, j := lo, hi
		for i <= j {
			for x[i] > pivot {
				i++
			}
			for x[j] < pivot {
				j--
			}
			if i <= j {
				x[i], x[j] = x[j], x[i]
				i++
				j--
			}
		}
		switch {
		case k-1 <= j:
			hi = j
		case k-1 >= i:
			lo = i
		default:
			return x[k-1]
		}
	}
	return x[lo]
}

// Sequential ridge: the next item as a linear function of x = Σ decay^w·e of the
// items before it, in closed form W = (XᵀX + λI)⁻¹·XᵀY over all places of all
// histories. It costs items³ and items² of memory, hence ridgeMost. What the validation
// part and the test users keep back are also items: a refit of everything has more of
// them, and counts the ridge that was chosen for up to ridgeRefitMost.
const (
	ridgeDecay = .9
	ridgeFar   = 50 // pairs further apart weigh less than 1/190 and are left out
	ridgeMost  = 5000

	ridgeRefitMost = ridgeMost + ridgeMost/5
)

// ridgeLambda grows a little with the data: 100 at 100 thousand events, 300 at
// a million (both flat within a factor of two).
func ridgeLambda(events int) float64 { return 100 * math.Pow(max(1, float64(events)/1e5), .5) }

// regress solves the ridge and puts its rows into rows. Both matrices are summed
// pair by pair: items a, b at distance d of a history that goes on for m events
// after b have the product decay^d·(1+decay²+…) summed over the m places, a
// geometric series.
func regress(ctx context.Context, c *corpus, at occurrences, rows [][len(rules)]sparse, workers int) error {
	n := len(c.items)
	gram, cross := make([]float32, n*n), make([]float32, n*n)
	var decay, series [ridgeFar + 1]float64
	for d := range decay {
		decay[d] = math.Pow(ridgeDecay, float64(d))
		series[d] = (1 - math.Pow(ridgeDecay, 2*float64(d))) / (1 - ridgeDecay*ridgeDecay)
	}
	lambda := float32(ridgeLambda(c.events))
	self := make([]float32, n)           // products of places with themselves
	nn.Each(workers, n, func(_, a int) { // rows a of both: pairs with all that came before and after a
		g, y := gram[a*n:(a+1)*n], cross[a*n:(a+1)*n]
		for o := at.start[a]; o < at.start[a+1]; o++ {
			p := int(at.place[o])
			left := int(at.end[o]) - 1 - p // places whose history ends with or goes on after p
			if left == 0 {
				continue
			}
			self[a] += float32(series[min(left, ridgeFar)])
			for d := 1; d <= ridgeFar && d <= left; d++ {
				b := c.rows[p+d]
				y[b] += float32(decay[d-1])
				if more := left - d; more > 0 {
					g[b] += float32(decay[d] * series[min(more, ridgeFar)])
				}
			}
		}
	})
	if ctx.Err() != nil {
		return fmt.Errorf("count: %w", context.Cause(ctx))
	}
	for a := range n { // both directions of each pair
		for b := range a {
			gram[a*n+b] += gram[b*n+a]
		}
		gram[a*n+a] = 2*gram[a*n+a] + self[a] + lambda
	}
	f, err := ridge.NewFactor(ctx, gram, n, workers)
	if err != nil {
		return fmt.Errorf("sequential ridge: %w", err)
	}
	if err := f.Solve(ctx, cross, n, workers); err != nil {
		return fmt.Errorf("sequential ridge: %w", err)
	}
	tallies := make([]*tally, max(1, workers))
	ids := make([]uint32, n)
	for i := range ids {
		ids[i] = uint32(i)
	}
	nn.Each(workers, n, func(worker, a int) {
		if tallies[worker] == nil {
			tallies[worker] = newTally(0, rowsOf(n))
		}
		rows[a][ridgeRule] = tallies[worker].keep(ids, cross[a*n:(a+1)*n])
	})
	return nil
}
