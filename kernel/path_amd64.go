package kernel

import "golang.org/x/sys/cpu"

// native lists the paths in assembly that this machine can use. The flags ask
// the operating system, too.
func native() (out []path) {
	x := &cpu.X86
	if !x.HasAVX2 || !x.HasFMA {
		return nil
	}
	if x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL && x.HasAVX512VNNI {
		out = append(out, avx512())
	}
	return append(out, avx2())
}

// avx2 is the path for AVX2 and FMA.
func avx2() path {
	t := tiling{cols: 16, transpose8: transpose8, rowTimesRows: rowTimesRowsAVX2, tiles: []tile{
		{6, tile6AVX2, tile6WideAVX2, tile6NarrowAVX2}, {5, tile5AVX2, tile5WideAVX2, tile5NarrowAVX2},
		{4, tile4AVX2, tile4WideAVX2, tile4NarrowAVX2}, {3, tile3AVX2, tile3WideAVX2, tile3NarrowAVX2},
		{2, tile2AVX2, tile2WideAVX2, tile2NarrowAVX2}, {1, tile1AVX2, tile1WideAVX2, tile1NarrowAVX2},
	}}
	p := elementAVX2()
	p.matMul = t.matMul
	p.sparseLoops()
	p.scan = scanners{{2, scan2AVX2}, {1, scan1AVX2}}.scan
	return p
}

// avx512 is the path for AVX-512 with VNNI. Where half the width does as well it
// is AVX2's.
func avx512() path {
	t := tiling{cols: 32, transpose8: transpose8, rowTimesRows: rowTimesRowsAVX2, tiles: []tile{
		{12, tile12AVX512, tile12WideAVX512, tile12NarrowAVX512}, {8, tile8AVX512, tile8WideAVX512, tile8NarrowAVX512},
		{4, tile4AVX512, tile4WideAVX512, tile4NarrowAVX512}, {2, tile2AVX512, tile2WideAVX512, tile2NarrowAVX512},
		{1, tile1AVX512, tile1WideAVX512, tile1NarrowAVX512},
	}}
	p := elementAVX512()
	p.matMul = t.matMul
	p.sparseLoops()
	if cpu.X86.HasAVX512BF16 {
		p.rounded = &roundedAVX512
	}
	p.scan = scanners{{8, scan8AVX512}, {7, scan7AVX512}, {6, scan6AVX512}, {5, scan5AVX512},
		{4, scan4AVX512}, {3, scan3AVX512}, {2, scan2AVX512}, {1, scan1AVX512}}.scan
	return p
}

// rowGroups is how many groups of four rows one call does: a call in assembly
// holds up the garbage collector.
const rowGroups = 1024

func rowTimesRowsAVX2(c, a []float32, b operand, n, k int, add bool) {
	groups, plus := n/4, 0
	if add {
		plus = 1
	}
	for g := 0; g < groups; g += rowGroups {
		rowProducts(min(rowGroups, groups-g), k, &c[g*4], &a[0], &b.x[g*4*b.col], b.col, plus)
	}
	for j := groups * 4; j < n; j++ {
		s := dotAVX2(k, &a[0], &b.x[j*b.col])
		if add {
			s += c[j]
		}
		c[j] = s
	}
}
