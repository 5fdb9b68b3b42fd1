package generate

import "fmt"

// Rows in eight bits lie in panels of sixteen: for each four columns there are
// 64 bytes, four of each row, unsigned with 128 as zero. Queries are signed and
// lie side by side: four bytes of each, then from step to step the next four. AVX-512
// multiplies and adds four bytes at a time (VPDPBUSD) and does up to eight queries in
// one pass over the rows; AVX2 widens both to sixteen bits, where no sum overflows,
// and does up to two. Sums are whole numbers, so all machines agree to the bit.

// scanParams are those of all scans. A term is a query's zero and its scale.
var scanParams = []param{{"panels", "int", "R12"}, {"groups", "int", "R13"}, {"rows", "*byte", "SI"}, {"scale", "*float32", "R8"},
	{"queries", "*int8", "DX"}, {"step", "int", "R10"}, {"terms", "*queryTerm", "R9"}, {"out", "*float32", "DI"}, {"outRow", "int", "R11"}}

func scanComment(queries int) string {
	return fmt.Sprintf("computes the products of panels of rows in eight bits with %d queries.", queries)
}

func (m x86) scans() {
	if m.wide() {
		for n := range 8 {
			m.scan(n+1, m.byteDots)
		}
		return
	}
	for n := range 2 {
		m.scan(n+1, m.wordDots)
	}
}

// scan writes a scan for some queries. dots leaves the products of query i with
// rows of a panel, as whole numbers: with all sixteen in register i, or with
// eight each in 2i and 2i+1. With AVX-512 the zeros of queries are in the registers
// from 16 on, their scales in those from 24 on.
func (m x86) scan(queries int, dots func(queries int)) {
	m.function(fmt.Sprintf("scan%d%s", queries, m.suffix), scanComment(queries), "", scanParams, func() {
		m.op("SHLQ", "$2", "R11")
		if m.wide() {
			for i := range queries {
				m.op("VPBROADCASTD", fmt.Sprintf("%d(R9)", 8*i), m.vec(vec(16+i)))
				m.op("VBROADCASTSS", fmt.Sprintf("%d(R9)", 8*i+4), m.vec(vec(24+i)))
			}
		}
		panel := m.label("panel")
		m.at(panel)
		dots(queries)
		halves := 16 / m.lanes
		m.op("MOVQ", "DI", "BX")
		for i := range queries {
			scale := vec(24 + i)
			if !m.wide() {
				scale = 15
				m.op("VBROADCASTSS", fmt.Sprintf("%d(R9)", 8*i+4), m.vec(scale))
			}
			for h := range halves {
				v := vec(i*halves + h)
				m.op("VCVTDQ2PS", m.vec(v), m.vec(v))
				m.mul(v, v, scale)
				m.op("VMULPS", fmt.Sprintf("%d(R8)", 32*h), m.vec(v), m.vec(v))
				m.op("VMOVUPS", m.vec(v), fmt.Sprintf("%d(BX)", 32*h))
			}
			if i < queries-1 {
				m.op("ADDQ", "R11", "BX")
			}
		}
		m.op("ADDQ", "$64", "R8")
		m.op("ADDQ", "$64", "DI")
		m.op("DECQ", "R12")
		m.op("JNZ", panel)
		m.ret()
	})
}

// byteDots is dots by VPDPBUSD. Where queries are few second sums, in the registers
// from 8 on, keep one addition from waiting for the other.
func (m x86) byteDots(queries int) {
	second := vec(0)
	if queries <= 4 {
		second = 8
	}
	for i := range vec(queries) {
		m.op("VMOVDQA64", m.vec(16+i), m.vec(i))
		if second > 0 {
			m.set(second+i, num(0))
		}
	}
	step := func(to vec) {
		m.op("VMOVDQU64", "(SI)", "Z14")
		for i := range queries {
			m.op("VPDPBUSD.BCST", fmt.Sprintf("%d(AX)", 4*i), "Z14", m.vec(vec(i)+to))
		}
		m.op("ADDQ", "$64", "SI")
		m.op("ADDQ", "R10", "AX")
	}
	m.op("MOVQ", "DX", "AX")
	m.op("MOVQ", "R13", "CX")
	two, rest, done := m.label("two"), m.label("rest"), m.label("done")
	m.op("SHRQ", "$1", "CX")
	m.op("JZ", rest)
	m.op("PCALIGN", "$32")
	m.at(two)
	step(0)
	step(second)
	m.op("DECQ", "CX")
	m.op("JNZ", two)
	m.at(rest)
	m.op("TESTQ", "$1", "R13")
	m.op("JZ", done)
	step(0)
	m.at(done)
	if second > 0 {
		for i := range vec(queries) {
			m.addInt(i, i, second+i)
		}
	}
}

// wordDots is dots by VPMADDWD. Register 4i+j sums rows 4j to 4j+3 for query i,
// two sums a row. 8 to 11 are spare.
func (m x86) wordDots(queries int) {
	y := func(i int) string { return m.vec(vec(i)) }
	for i := range 4 * queries {
		m.op("VPXOR", y(i), y(i), y(i))
	}
	m.op("MOVQ", "DX", "AX")
	m.op("MOVQ", "R13", "CX")
	group := m.label("group")
	m.op("PCALIGN", "$32")
	m.at(group)
	for i := range queries {
		m.op("VPBROADCASTD", fmt.Sprintf("%d(AX)", 4*i), low("X", vec(12+i)))
		m.op("VPMOVSXBW", low("X", vec(12+i)), y(12+i))
	}
	for j := range 4 {
		m.op("VPMOVZXBW", fmt.Sprintf("%d(SI)", 16*j), y(8))
		for i := range queries {
			m.op("VPMADDWD", y(12+i), y(8), y(9+i))
			m.op("VPADDD", y(9+i), y(4*i+j), y(4*i+j))
		}
	}
	m.op("ADDQ", "$64", "SI")
	m.op("ADDQ", "R10", "AX")
	m.op("DECQ", "CX")
	m.op("JNZ", group)
	for i := range queries {
		m.op("VPBROADCASTD", fmt.Sprintf("%d(R9)", 8*i), y(8))
		for h := range 2 { // rows 8h to 8h+7
			to := y(2*i + h)
			m.op("VPHADDD", y(4*i+2*h+1), y(4*i+2*h), y(9))
			m.op("VPERMQ", "$0xd8", y(9), y(9))
			m.op("VPADDD", y(8), y(9), to)
		}
	}
}

// beginMarks has nothing to do: mark writes as many bits at once as a vector has lanes.
func (m x86) beginMarks() {}

func (m x86) mark(l lanes, v, least, spare vec, words ptr) {
	to := "(" + words.onX86() + ")"
	switch {
	case !m.wide():
		m.op("VCMPPS", "$0x1d", m.vec(least), m.vec(v), m.vec(spare))
		m.drop(l, spare)
		m.op("VMOVMSKPS", m.vec(spare), "BX")
		m.op("MOVB", "BX", to)
	case l.masked:
		m.op("VCMPPS", "$0x1d", m.vec(least), m.vec(v), "K1", "K2")
		m.op("KMOVW", "K2", to)
	default:
		m.op("VCMPPS", "$0x1d", m.vec(least), m.vec(v), "K2")
		m.op("KMOVW", "K2", to)
	}
	m.op("ADDQ", fmt.Sprintf("$%d", m.lanes/8), words.onX86())
}

func (m x86) endMarks(ptr) {}
