//go:build amd64 || arm64

package kernel

import "sync"

// scanFunc computes the products of panels with as many queries as it is made
// for, whose values lie side by side: four of each, then the next four.
type scanFunc func(panels, groups int, rows *byte, scale *float32, queries *int8, zero *int32, queryScale *float32, out *float32, outRow int)

// scanners are a path's loops by the number of their queries, the largest first
// and the last for one.
type scanners []struct {
	queries int
	f       scanFunc
}

// interleaved is the queries of a call as the loops want them.
type interleaved struct {
	values []int8
	zero   [8]int32
	scale  [8]float32
}

var queryMemory = sync.Pool{New: func() any { return new(interleaved) }}

// set takes over the values of queries, four of each at a time.
func (v *interleaved) set(queries []ByteQuery, groups int) {
	n := len(queries)
	if len(v.values) < n*groups*4 {
		v.values = make([]int8, n*groups*4)
	}
	for i := range queries {
		q := &queries[i]
		v.zero[i], v.scale[i] = q.zero, q.scale
		for g := range groups {
			copy(v.values[(g*n+i)*4:][:4], q.values[g*4:])
		}
	}
}

// scan is the path's: some panels by all queries.
func (s scanners) scan(x *Quantised, queries []ByteQuery, panel, panels int, out []float32, ld int) {
	v := queryMemory.Get().(*interleaved)
	defer queryMemory.Put(v)
	next := 0
	for at := 0; at < len(queries); at += s[next].queries {
		for s[next].queries > len(queries)-at {
			next++
		}
		v.set(queries[at:at+s[next].queries], x.groups)
		s[next].f(panels, x.groups, &x.bytes[panel*x.panelSize()], &x.scale[panel*panelRows],
			&v.values[0], &v.zero[0], &v.scale[0], &out[at*ld], ld)
	}
}
