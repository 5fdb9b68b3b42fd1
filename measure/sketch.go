package measure

import (
	"cmp"
	"hash/maphash"
	"math"
	"math/bits"
	"slices"
)

// distinct counts different texts: exactly up to exactMost, by HyperLogLog
// (Flajolet, Fusy, Gandouet, Meunier, 2007) beyond, with a standard error of
// distinctError.
type distinct struct {
	seen map[uint64]struct{} // hashes; nil once there are too many
	regs []uint8
}

const (
	exactMost     = 1 << 17
	registerBits  = 14
	distinctError = 1.04 / (1 << (registerBits / 2))
)

// The seed is fixed for one process: counts up to exactMost do not depend on it.
var hashSeed = maphash.MakeSeed()

func newDistinct() *distinct {
	return &distinct{seen: map[uint64]struct{}{}, regs: make([]uint8, 1<<registerBits)}
}

// hash takes the hash of a value.
func (d *distinct) hash(h uint64) {
	r := &d.regs[h>>(64-registerBits)]
	*r = max(*r, uint8(bits.LeadingZeros64(h<<registerBits|1<<(registerBits-1))+1))
	if d.seen != nil {
		if d.seen[h] = struct{}{}; len(d.seen) > exactMost {
			d.seen = nil
		}
	}
}

// count gives the number of different texts and its relative standard error, 0 for
// an exact one.
func (d *distinct) count() (n int64, err float64) {
	if d.seen != nil {
		return int64(len(d.seen)), 0
	}
	const m = 1 << registerBits
	sum := 0.0
	for _, r := range d.regs {
		sum += math.Ldexp(1, -int(r))
	}
	return int64(.7213 / (1 + 1.079/m) * m * m / sum), distinctError
}

// numbers describes many numbers: count, least, most, mean and deviation exactly
// (Welford); how they are spread exactly while at most exactNumbers of them are
// different, and by buckets beyond. A bucket of plain numbers holds those that agree in
// sign, exponent and the first bucketBits bits behind the point, so that its middle is
// within quantileError of each; one of times holds a day.
type numbers struct {
	times      bool
	n          int64
	least      float64
	most       float64
	mean, sum2 float64
	each       map[float64]int64 // nil once there are too many
	buckets    map[int64]int64   // used then
}

const (
	exactNumbers  = 1 << 16
	bucketBits    = 7
	quantileError = 1. / (1 << (bucketBits + 1))
	day           = 24 * 3600
)

func newNumbers(times bool) *numbers {
	return &numbers{times: times, least: math.Inf(1), most: math.Inf(-1), each: map[float64]int64{}, buckets: map[int64]int64{}}
}

func (s *numbers) add(x float64) {
	s.n++
	s.least, s.most = min(s.least, x), max(s.most, x)
	d := x - s.mean
	s.mean += d / float64(s.n)
	s.sum2 += d * (x - s.mean)
	if s.each == nil {
		s.buckets[s.bucket(x)]++
		return
	}
	s.each[x]++
	if len(s.each) > exactNumbers {
		for x, n := range s.each {
			s.buckets[s.bucket(x)] += n
		}
		s.each = nil
	}
}

// bucket gives the bucket of x; buckets are in the order of numbers.
func (s *numbers) bucket(x float64) int64 {
	if s.times {
		return int64(math.Floor(x / day))
	}
	b := int64(math.Float64bits(math.Abs(x)) >> (52 - bucketBits))
	if x < 0 {
		return -b - 1
	}
	return b
}

// middle is the number that stands for a bucket.
func (s *numbers) middle(b int64) float64 {
	if s.times {
		return (float64(b) + .5) * day
	}
	sign := 1.
	if b < 0 {
		sign, b = -1, -b-1
	}
	lo := math.Float64frombits(uint64(b) << (52 - bucketBits))
	hi := math.Float64frombits(uint64(b+1) << (52 - bucketBits))
	if b == 0 {
		return 0
	}
	return sign * (lo + hi) / 2
}

func (s *numbers) deviation() float64 {
	if s.n < 2 {
		return 0
	}
	return math.Sqrt(s.sum2 / float64(s.n-1))
}

// spread is how numbers are spread: each, or the middles of buckets, in order.
type spread []heap

// heap is numbers that are alike.
type heap struct {
	x float64
	n int64
}

func (s *numbers) spread() spread {
	list := make(spread, 0, max(len(s.each), len(s.buckets)))
	for x, n := range s.each {
		list = append(list, heap{x, n})
	}
	for b, n := range s.buckets {
		list = append(list, heap{min(max(s.middle(b), s.least), s.most), n})
	}
	slices.SortFunc(list, func(a, b heap) int { return cmp.Compare(a.x, b.x) })
	return list
}

// quantile gives the least number that a share q of them does not exceed.
func (s spread) quantile(q float64, n int64) float64 {
	rank := int64(math.Ceil(q * float64(n)))
	for _, p := range s {
		if rank -= p.n; rank <= 0 {
			return p.x
		}
	}
	return s[len(s)-1].x
}

// outside counts the numbers below lo or above hi.
func (s spread) outside(lo, hi float64) (n int64) {
	for _, p := range s {
		if p.x < lo || p.x > hi {
			n += p.n
		}
	}
	return n
}

// histogram cuts the range into so many stretches of one width.
func (s spread) histogram(least, most float64, stretches int) []Bin {
	width := (most - least) / float64(stretches)
	bins := make([]Bin, stretches)
	if width == 0 {
		bins, width = bins[:1], 1
	}
	for i := range bins {
		bins[i].From, bins[i].To = least+float64(i)*width, least+float64(i+1)*width
	}
	bins[len(bins)-1].To = most
	for _, p := range s {
		bins[min(int((p.x-least)/width), len(bins)-1)].Count += p.n
	}
	return bins
}
