package kernel

// mask says which elements dropout keeps: those whose hash is limit or more.
type mask struct {
	scale      float32
	limit      uint32 // p·2²⁴
	first      uint32 // counter of the first element, lower half
	key0, key1 uint32
}

// newMask makes the mask for elements whose counters have the upper half of first.
func newMask(p float32, key, first uint64) mask {
	k := mix(mix(key) ^ first>>32)
	return mask{
		scale: float32(1 / (1 - float64(p))), limit: uint32(min(float64(p), 1) * (1 << 24)),
		first: uint32(first), key0: uint32(k), key1: uint32(k >> 32),
	}
}

// mix is the finaliser of splitmix64: each bit of x changes half of the result.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// hash gives 24 random bits for a counter: the "lowbias32" function of
// C. Wellons with one key before it and one between its rounds.
func (m mask) hash(counter uint32) uint32 {
	h := counter ^ m.key0
	h = (h ^ h>>16) * 0x7feb352d
	h = (h ^ h>>15) + m.key1
	h *= 0x846ca68b
	return (h ^ h>>16) >> 8
}

func plainDropout(y, x []float32, mask mask) {
	for i, v := range x {
		y[i] = 0
		if mask.hash(mask.first+uint32(i)) >= mask.limit {
			y[i] = v * mask.scale
		}
	}
}
