package generate

import "fmt"

// sparse writes what adds rows of sparse matrices. It is scalar, for the columns lie
// anywhere; what counts is that nothing is waited for.
func (m x86) sparse() {
	params := []param{{"n", "int", "CX"}, {"y", "*float32", "DI"}, {"at", "*uint32", "SI"}, {"x", "*float32", "DX"},
		{"limit", "int", "BX"}, {"s", "float32", vec(0)}, {"nextAt", "*uint32", "R12"}, {"nextX", "*float32", "R13"},
		{"lines", "int", "AX"}}
	m.function("addSparseAVX", "computes y[at[i]] += s·x[i] and fetches so many lines of the next row; -1: a column is not below limit.", "int",
		params, func() { m.sparseRow(false) })
	m.function("noteSparseAVX", "is addSparseAVX that writes to noted the columns where y was 0, and gives their number.", "int",
		append(params, param{"noted", "*uint32", "R11"}), func() { m.sparseRow(true) })
	m.sumAbove()
	m.function("fetchLines", "fetches so many lines of the cache from x on.", "",
		[]param{{"lines", "int", "CX"}, {"x", "*byte", "SI"}}, func() {
			line := m.label("line")
			m.at(line)
			m.op("PREFETCHT0", "(SI)")
			m.op("ADDQ", "$64", "SI")
			m.op("DECQ", "CX")
			m.op("JNZ", line)
			m.op("RET")
		})
}

// sparseRow is the loop over a row: 16 entries a round, each with a line of the next
// row, then one by one.
func (m x86) sparseRow(note bool) {
	const round = 16
	many, fetched, one, end, outside := m.label("many"), m.label("fetched"), m.label("one"), m.label("end"), m.label("outside")
	m.op("XORL", "R10", "R10") // noted
	m.at(many)
	m.op("CMPQ", "CX", fmt.Sprintf("$%d", round))
	m.op("JLT", one)
	m.op("DECQ", "AX")
	m.op("JLT", fetched)
	for _, p := range []string{"R12", "R13"} {
		m.op("PREFETCHT0", "("+p+")")
		m.op("ADDQ", "$64", p)
	}
	m.at(fetched)
	for i := range round {
		m.sparseEntry(4*i, note, outside)
	}
	m.sparseStep(round)
	m.op("JMP", many)
	m.at(one)
	m.op("TESTQ", "CX", "CX")
	m.op("JZ", end)
	m.sparseEntry(0, note, outside)
	m.sparseStep(1)
	m.op("JMP", one)
	m.at(outside)
	m.op("MOVQ", "$-1", "R10")
	m.at(end)
	m.op("MOVQ", "R10", m.place("ret"))
	m.ret()
}

// sparseEntry adds the entry so many bytes on.
func (m x86) sparseEntry(offset int, note bool, outside string) {
	m.op("MOVL", fmt.Sprintf("%d(SI)", offset), "R8")
	m.op("CMPQ", "R8", "BX")
	m.op("JCC", outside)
	m.op("VMULSS", fmt.Sprintf("%d(DX)", offset), "X0", "X1")
	if note {
		m.op("MOVL", "(DI)(R8*4)", "R9")
		m.op("MOVL", "R8", "(R11)(R10*4)")
		m.op("CMPL", "R9", "$1") // carries where it is 0
		m.op("ADCQ", "$0", "R10")
	}
	m.op("VADDSS", "(DI)(R8*4)", "X1", "X1")
	m.op("VMOVSS", "X1", "(DI)(R8*4)")
}

// sparseStep goes on by some entries.
func (m x86) sparseStep(entries int) {
	for _, p := range []string{"SI", "DX"} {
		m.op("ADDQ", fmt.Sprintf("$%d", 4*entries), p)
	}
	m.op("SUBQ", fmt.Sprintf("$%d", entries), "CX")
}

// sumAbove adds what is above 0 to 16 sums of doubles, in 4 registers.
func (m x86) sumAbove() {
	params := []param{{"groups", "int", "CX"}, {"sums", "*float64", "DI"}, {"x", "*float32", "SI"}}
	m.function("sumAboveAVX", "adds x[16·g+i] to sums[i] for all groups where it is above 0.", "", params, func() {
		group := m.label("group")
		m.op("VXORPS", "X8", "X8", "X8")
		for i := range 4 {
			m.op("VMOVUPD", fmt.Sprintf("%d(DI)", 32*i), fmt.Sprintf("Y%d", i))
		}
		m.at(group)
		for i := range 4 {
			v := fmt.Sprintf("%d", 4+i)
			m.op("VMOVUPS", fmt.Sprintf("%d(SI)", 16*i), "X"+v)
			m.op("VMAXPS", "X8", "X"+v, "X"+v) // of a NaN and 0 this gives 0
			m.op("VCVTPS2PD", "X"+v, "Y"+v)
			m.op("VADDPD", "Y"+v, fmt.Sprintf("Y%d", i), fmt.Sprintf("Y%d", i))
		}
		m.op("ADDQ", "$64", "SI")
		m.op("DECQ", "CX")
		m.op("JNZ", group)
		for i := range 4 {
			m.op("VMOVUPD", fmt.Sprintf("Y%d", i), fmt.Sprintf("%d(DI)", 32*i))
		}
		m.ret()
	})
}
