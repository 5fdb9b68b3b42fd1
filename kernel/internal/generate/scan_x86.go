package generate

import "fmt"

// Rows in eight bits lie in panels of sixteen: for each four columns there are
// 64 bytes, four of each row, unsigned with 128 as zero. Queries are signed and
// lie side by side: four bytes of each, then the next four. AVX-512 multiplies
// and adds four bytes at a time (VPDPBUSD) and does up to eight queries in one
// pass over the rows; AVX2 widens both to sixteen bits, where no sum overflows,
// and does up to two. Sums are whole numbers, so all machines agree to the bit.

// scanParams are those of all scans.
var scanParams = []param{{"panels", "int", "R12"}, {"groups", "int", "R13"}, {"rows", "*byte", "SI"}, {"scale", "*float32", "R8"},
	{"queries", "*int8", "DX"}, {"zero", "*int32", "R9"}, {"queryScale", "*float32", "R10"}, {"out", "*float32", "DI"}, {"outRow", "int", "R11"}}

func scanComment(queries int) string {
	return fmt.Sprintf("computes the products of panels of rows in eight bits with %d queries.", queries)
}

func (m x86) scans() {
	if m.wide() {
		for _, n := range []int{1, 2, 4, 8} {
			m.scan(n, m.byteDots)
		}
		return
	}
	for _, n := range []int{1, 2} {
		m.scan(n, m.wordDots)
	}
}

// scan writes a scan for some queries. dots leaves the products of query i with
// rows of a panel, as whole numbers: with all sixteen in register i, or with
// eight each in 2i and 2i+1.
func (m x86) scan(queries int, dots func(queries int)) {
	m.function(fmt.Sprintf("scan%d%s", queries, m.suffix), scanComment(queries), "", scanParams, func() {
		m.op("SHLQ", "$2", "R11")
		panel := m.label("panel")
		m.at(panel)
		dots(queries)
		halves := 16 / m.lanes
		m.op("MOVQ", "DI", "BX")
		for i := range queries {
			for h := range halves {
				v := vec(i*halves + h)
				m.op("VCVTDQ2PS", m.vec(v), m.vec(v))
				m.op("VBROADCASTSS", fmt.Sprintf("%d(R10)", 4*i), m.vec(15))
				m.mul(v, v, vec(15))
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

// byteDots is dots by VPDPBUSD. With one query a second sum, register 8, keeps
// one addition from waiting for the other.
func (m x86) byteDots(queries int) {
	for i := range queries {
		m.op("VPBROADCASTD", fmt.Sprintf("%d(R9)", 4*i), m.vec(vec(i)))
	}
	step := func(to vec) {
		m.op("VMOVDQU64", "(SI)", "Z14")
		for i := range queries {
			m.op("VPDPBUSD.BCST", fmt.Sprintf("%d(AX)", 4*i), "Z14", m.vec(vec(i)+to))
		}
		m.op("ADDQ", "$64", "SI")
		m.op("ADDQ", fmt.Sprintf("$%d", 4*queries), "AX")
	}
	m.op("MOVQ", "DX", "AX")
	m.op("MOVQ", "R13", "CX")
	second := vec(0)
	if queries == 1 {
		second = 8
		m.set(8, num(0))
	}
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
	if queries == 1 {
		m.addInt(0, 0, vec(8))
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
	m.op("ADDQ", fmt.Sprintf("$%d", 4*queries), "AX")
	m.op("DECQ", "CX")
	m.op("JNZ", group)
	for i := range queries {
		m.op("VPBROADCASTD", fmt.Sprintf("%d(R9)", 4*i), y(8))
		for h := range 2 { // rows 8h to 8h+7
			to := y(2*i + h)
			m.op("VPHADDD", y(4*i+2*h+1), y(4*i+2*h), y(9))
			m.op("VPERMQ", "$0xd8", y(9), y(9))
			m.op("VPADDD", y(8), y(9), to)
		}
	}
}

// search is the body of find.
func (m x86) search() {
	found := m.label("found")
	m.loop(1, func(l lanes) {
		m.load(l, 0, 0)
		m.compare(l)
		m.op("TESTL", "BX", "BX")
		m.op("JNZ", found)
	})
	m.op("MOVQ", m.place("n"), "AX")
	m.op("SHLQ", "$2", "AX")
	m.at(found)
	m.op("SHRQ", "$2", "AX")
	m.op("MOVQ", "AX", m.place("ret"))
	m.ret()
}

// compare puts a bit for each lane of register 0 that is at least that of 14 into
// BX.
func (m x86) compare(l lanes) {
	switch {
	case !m.wide():
		m.op("VCMPPS", "$0x1d", "Y14", "Y0", "Y0")
		m.drop(l, 0)
		m.op("VMOVMSKPS", "Y0", "BX")
		return
	case l.masked:
		m.op("VCMPPS", "$0x1d", "Z14", "Z0", "K1", "K2")
	default:
		m.op("VCMPPS", "$0x1d", "Z14", "Z0", "K2")
	}
	m.op("KMOVW", "K2", "BX")
}
