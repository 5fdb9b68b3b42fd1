package measure

import (
	"hash/maphash"
	"maps"
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
// (Welford), how they are spread by buckets. A bucket of plain numbers holds those
// that agree in sign, exponent and the first bucketBits bits behind the point, so
// that its middle is within quantileError of each; one of times holds a day.
type numbers struct {
	times      bool
	n          int64
	least      float64
	most       float64
	mean, sum2 float64
	buckets    map[int64]int64
}

const (
	bucketBits    = 7
	quantileError = 1. / (1 << (bucketBits + 1))
	day           = 24 * 3600
)

func newNumbers(times bool) *numbers {
	return &numbers{times: times, least: math.Inf(1), most: math.Inf(-1), buckets: map[int64]int64{}}
}

func (s *numbers) add(x float64) {
	s.n++
	s.least, s.most = min(s.least, x), max(s.most, x)
	d := x - s.mean
	s.mean += d / float64(s.n)
	s.sum2 += d * (x - s.mean)
	s.buckets[s.bucket(x)]++
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

func (s *numbers) order() []int64 { return slices.Sorted(maps.Keys(s.buckets)) }

// quantile gives the number below which a share q lies.
func (s *numbers) quantile(q float64) float64 {
	rank := int64(math.Ceil(q * float64(s.n)))
	for _, b := range s.order() {
		if rank -= s.buckets[b]; rank <= 0 {
			return min(max(s.middle(b), s.least), s.most)
		}
	}
	return s.most
}

// outside counts the numbers below lo or above hi, by their buckets' middles.
func (s *numbers) outside(lo, hi float64) (n int64) {
	for b, k := range s.buckets {
		if x := min(max(s.middle(b), s.least), s.most); x < lo || x > hi {
			n += k
		}
	}
	return n
}

// histogram cuts the range into so many stretches of one width.
func (s *numbers) histogram(stretches int) []Bin {
	if s.n == 0 {
		return nil
	}
	width := (s.most - s.least) / float64(stretches)
	if width == 0 {
		return []Bin{{s.least, s.most, s.n}}
	}
	bins := make([]Bin, stretches)
	for i := range bins {
		bins[i].From, bins[i].To = s.least+float64(i)*width, s.least+float64(i+1)*width
	}
	bins[stretches-1].To = s.most
	for b, k := range s.buckets {
		x := min(max(s.middle(b), s.least), s.most)
		bins[min(int((x-s.least)/width), stretches-1)].Count += k
	}
	return bins
}
