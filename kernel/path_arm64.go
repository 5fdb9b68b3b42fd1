package kernel

import "golang.org/x/sys/cpu"

// native lists the paths in assembly that this machine can use.
func native() []path {
	if cpu.ARM64.HasASIMD {
		return []path{neon()}
	}
	return nil
}

// neon is the path for the vectors of arm64.
func neon() path {
	t := tiling{cols: 8, rowTimesRows: rowTimesRowsNEON, tiles: []tile{
		{rows: 8, full: tile8NEON}, {rows: 4, full: tile4NEON}, {rows: 2, full: tile2NEON}, {rows: 1, full: tile1NEON},
	}}
	p := elementNEON()
	p.matMul = t.matMul
	p.addSparse, p.noteSparse, p.fetch, p.sumAbove = plain.addSparse, plain.noteSparse, plain.fetch, plain.sumAbove
	p.scan = scanners{{2, scan2NEON}, {1, scan1NEON}}.scan
	return p
}

func rowTimesRowsNEON(c, a []float32, b operand, n, k int, add bool) {
	for j := range n {
		s := dotNEON(k, &a[0], &b.x[j*b.col])
		if add {
			s += c[j]
		}
		c[j] = s
	}
}
