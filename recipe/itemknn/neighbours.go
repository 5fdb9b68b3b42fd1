package itemknn

import (
	"context"
	"math"
	"slices"
	"sync"
	"sync/atomic"
)

const (
	// The neighbours kept of an item: more than a request can ask for (500), so
	// that something is left when a filter takes some away; fewer where all
	// items together would take more than mostKept.
	longList  = 1000
	shortList = 500
	mostKept  = 128 << 20

	rowsAtOnce = 16 // what a worker takes at a time
)

// kept gives how many neighbours an item may have.
func kept(rows int) int { return min(max(mostKept/rows, shortList), longList) }

// counter counts the neighbours of one row after the other.
type counter struct {
	*pairs
	together uint32
	weight   []float64 // (rows) users(row)^-discount
	kept     int

	both []uint32 // (rows) users that had this row too; zeros between rows
	keys []uint64 // of neighbours: see key
}

// key orders neighbours: the most similar first, of equal ones the lower row.
// Positive floats order as their bits do. Similarities that are equal as
// float32 are equal.
func key(similarity float64, row uint32) uint64 {
	return uint64(^math.Float32bits(float32(similarity)))<<32 | uint64(row)
}

// neighbours gives the rows that are similar to each row, the most similar
// first; nil for a row without any.
func (p *pairs) neighbours(ctx context.Context, s settings, workers int, progress func(float64, string)) ([][]uint32, error) {
	weight := make([]float64, p.rows)
	for r := range weight {
		weight[r] = math.Pow(float64(max(1, len(p.users.of(uint32(r))))), -s.discount)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		near = make([][]uint32, p.rows)
		next atomic.Int64
		wg   sync.WaitGroup
		done = p.meter(progress)
	)
	for range min(workers, (p.rows+rowsAtOnce-1)/rowsAtOnce) {
		wg.Go(func() {
			c := &counter{pairs: p, together: s.together, weight: weight, kept: kept(p.rows), both: make([]uint32, p.rows)}
			stop := &stopper{ctx: ctx}
			for {
				end := int(next.Add(rowsAtOnce))
				for r := end - rowsAtOnce; r < min(end, p.rows) && ctx.Err() == nil; r++ {
					steps, err := c.count(stop, uint32(r))
					if err != nil {
						cancel(err)
						return
					}
					near[r] = c.take(uint32(r), steps)
					done(steps)
				}
				if end >= p.rows || ctx.Err() != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	return near, context.Cause(ctx)
}

// count counts who had row r and another row, and puts the keys of those that
// enough users had into c.keys. It gives the number of steps it took.
func (c *counter) count(stop *stopper, r uint32) (steps int, err error) {
	both, keys := c.both, c.keys[:0]
	for _, u := range c.users.of(r) {
		basket := c.baskets.of(u)
		if err := stop.after(len(basket)); err != nil {
			return steps, err
		}
		steps += len(basket)
		for _, j := range basket {
			n := both[j] + 1
			both[j] = n
			if n == c.together && j != r {
				keys = append(keys, uint64(j))
			}
		}
	}
	for at, j := range keys {
		keys[at] = key(float64(both[j])*c.weight[j], uint32(j))
	}
	c.keys = keys
	return steps, nil
}

// take gives the best of c.keys and leaves the counter ready for the next row.
func (c *counter) take(r uint32, steps int) []uint32 {
	if steps > c.rows/8 { // a clear is about eight times as quick for each row
		clear(c.both)
	} else {
		for _, u := range c.users.of(r) {
			for _, j := range c.baskets.of(u) {
				c.both[j] = 0
			}
		}
	}
	if len(c.keys) == 0 {
		return nil
	}
	best := smallest(c.keys, c.kept)
	rows := make([]uint32, len(best))
	for at, k := range best {
		rows[at] = uint32(k)
	}
	return rows
}

// smallest gives the n smallest keys in order. It changes keys.
func smallest(keys []uint64, n int) []uint64 {
	if len(keys) > n {
		heap := keys[:n] // the largest on top
		for i := n/2 - 1; i >= 0; i-- {
			sink(heap, i)
		}
		for _, k := range keys[n:] {
			if k < heap[0] {
				heap[0] = k
				sink(heap, 0)
			}
		}
		keys = heap
	}
	slices.Sort(keys)
	return keys
}

// sink puts heap[i] where it belongs below.
func sink(heap []uint64, i int) {
	for {
		large := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(heap); c++ {
			if heap[c] > heap[large] {
				large = c
			}
		}
		if large == i {
			return
		}
		heap[i], heap[large] = heap[large], heap[i]
		i = large
	}
}

// meter gives a function that adds steps and tells progress whenever another
// hundredth of all is done.
func (p *pairs) meter(progress func(float64, string)) func(steps int) {
	if progress == nil {
		return func(int) {}
	}
	total := int64(0)
	for u := range len(p.baskets.start) - 1 {
		n := p.baskets.start[u+1] - p.baskets.start[u]
		total += n * n
	}
	var guarded struct {
		sync.Mutex
		done, told int64
	}
	return func(steps int) {
		guarded.Lock()
		defer guarded.Unlock()
		guarded.done += int64(steps)
		if hundredth := 100 * guarded.done / max(1, total); hundredth > guarded.told {
			guarded.told = hundredth
			progress(float64(guarded.done)/float64(total), "counting neighbours")
		}
	}
}
