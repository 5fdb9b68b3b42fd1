package generate

import "fmt"

// scan writes a scan of rows in eight bits (as in scan_x86.go). Registers 8i to
// 8i+7 sum for query i, two sums a row; V16 and V17 are the queries' bytes, V20
// those of rows, with their sign, V21 and V22 products in sixteen bits.
func (m neon) scan(queries int) {
	regs := map[string]any{"panels": "R1", "groups": "R2", "rows": "R3", "scale": "R4", "queries": "R5",
		"step": "R11", "terms": "R6", "out": "R7", "outRow": "R8"}
	var params []param
	for _, p := range scanParams {
		params = append(params, param{p.name, p.kind, regs[p.name]})
	}
	m.function(fmt.Sprintf("scan%d%s", queries, m.suffix), scanComment(queries), "", params, func() {
		m.op("LSL", "$2", "R8", "R8")
		m.op("SUB", fmt.Sprintf("$%d", 4*queries), "R11", "R11")
		m.set(23, word(0x80808080))
		panel, group := m.label("panel"), m.label("group")
		m.at(panel)
		for i := range vec(8 * queries) {
			m.set(i, num(0))
		}
		m.op("MOVD", "R5", "R9")
		m.op("MOVD", "R2", "R10")
		m.at(group)
		for i := range queries {
			m.op("VLD1R.P", "4(R9)", fmt.Sprintf("[V%d.S4]", 16+i))
		}
		for j := range vec(4) {
			m.op("FMOVQ", fmt.Sprintf("%d(R3)", 16*j), "F20")
			m.xor(20, 20, vec(23))
			for i := range vec(queries) {
				m.three(smull, 21, 20, 16+i)
				m.three(smull2, 22, 20, 16+i)
				m.two(sadalp, 8*i+2*j, 21)
				m.two(sadalp, 8*i+2*j+1, 22)
			}
		}
		m.op("ADD", "$64", "R3", "R3")
		m.op("ADD", "R11", "R9", "R9")
		m.op("SUBS", "$1", "R10", "R10")
		m.op("BNE", group)
		m.op("MOVD", "R7", "R0")
		for i := range vec(queries) {
			m.op("FMOVS", fmt.Sprintf("%d(R6)", 8*i+4), "F24")
			m.two(dup, 24, 24)
			for j := range vec(4) {
				v := 8*i + 2*j
				m.three(addp, v, v, v+1)
				m.two(scvtf, v, v)
				m.mul(v, v, vec(24))
				m.op("FMOVQ", fmt.Sprintf("%d(R4)", 16*j), "F25")
				m.mul(v, v, vec(25))
				m.op("FMOVQ", f(v), fmt.Sprintf("%d(R0)", 16*j))
			}
			m.op("ADD", "R8", "R0", "R0")
		}
		m.op("ADD", "$64", "R4", "R4")
		m.op("ADD", "$64", "R7", "R7")
		m.op("SUBS", "$1", "R1", "R1")
		m.op("BNE", panel)
		m.ret()
	})
}

// laneBits has a bit for each lane while marks are set.
const laneBits = vec(29)

// beginMarks makes R13, which collects the bits of a word, and R14, how many it has.
func (m neon) beginMarks() {
	m.set(laneBits, word(1))
	m.three(ushl, laneBits, laneBits, m.operand(counting{}))
	m.op("MOVD", "ZR", "R13")
	m.op("MOVD", "ZR", "R14")
}

func (m neon) mark(l lanes, v, least, spare vec, words ptr) {
	m.three(fcmge, spare, v, least)
	m.drop(l, spare)
	m.three(and, spare, spare, laneBits)
	m.three(addp, spare, spare, spare)
	m.three(addp, spare, spare, spare)
	m.op("FMOVS", f(spare), "R11")
	m.op("LSL", "R14", "R11", "R11")
	m.op("ORR", "R11", "R13", "R13")
	m.op("ADD", fmt.Sprintf("$%d", m.step(l)), "R14", "R14")
	more := m.label("more")
	m.op("CMP", "$64", "R14")
	m.op("BNE", more)
	m.op("MOVD.P", "R13", "8("+words.onARM()+")")
	m.op("MOVD", "ZR", "R13")
	m.op("MOVD", "ZR", "R14")
	m.at(more)
}

func (m neon) endMarks(words ptr) {
	end := m.label("marked")
	m.op("CBZ", "R14", end)
	m.op("MOVD", "R13", "("+words.onARM()+")")
	m.at(end)
}
