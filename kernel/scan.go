//go:build amd64 || arm64

package kernel

// scanFunc computes the products of panels with as many queries as it is made for
// (queryRange).
type scanFunc func(panels, groups int, rows *byte, scale *float32, queries *int8, step int, terms *queryTerm, out *float32, outRow int)

// scanners are a path's loops by the number of their queries, the largest first
// and the last for one.
type scanners []struct {
	queries int
	f       scanFunc
}

// scan is the path's: some panels by all queries.
func (s scanners) scan(x *Quantised, q queryRange, panel, panels int, out []float32, ld int) {
	next := 0
	for at := 0; at < len(q.terms); at += s[next].queries {
		for s[next].queries > len(q.terms)-at {
			next++
		}
		s[next].f(panels, x.groups, &x.bytes[panel*x.panelSize()], &x.scale[panel*panelRows],
			&q.bytes[4*at], q.step, &q.terms[at], &out[at*ld], ld)
	}
}
