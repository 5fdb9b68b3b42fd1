package generate

import "fmt"

// rounded writes the tiles of products in bfloat16 and what rounds for them. Go's
// assembler does not know the three instructions, so they are written as bytes.
func (m x86) rounded() {
	for _, rows := range m.heights() {
		m.tile(rows, columns{name: "Pairs", vectors: 2, scratch: 2, pairs: true})
	}
	m.pairInRows()
	m.pairRows()
}

// pairInRows writes the rounding of rows, neighbours in a row becoming a pair.
func (m x86) pairInRows() {
	params := []param{{"rows", "int", "CX"}, {"groups", "int", "R11"}, {"to", "*uint32", "DI"}, {"toRow", "int", "R12"},
		{"from", "*float32", "SI"}, {"row", "int", "R9"}}
	m.function("pairInRowsAVX512", "rounds rows of 16·groups floats to bfloat16, neighbours side by side.", "", params, func() {
		row, group := m.label("row"), m.label("group")
		m.op("SHLQ", "$2", "R9")
		m.op("SHLQ", "$2", "R12")
		m.at(row)
		m.op("MOVQ", "SI", "DX")
		m.op("MOVQ", "DI", "R8")
		m.op("MOVQ", "R11", "BX")
		m.at(group)
		m.op("VMOVUPS", "(DX)", "Z0")
		m.evex("VCVTNEPS2BF16", prefixF3, 0x72, 0, 0, 0)
		m.op("VMOVUPS", "Y0", "(R8)")
		m.op("ADDQ", "$64", "DX")
		m.op("ADDQ", "$32", "R8")
		m.op("DECQ", "BX")
		m.op("JNZ", group)
		m.op("ADDQ", "R9", "SI")
		m.op("ADDQ", "R12", "DI")
		m.op("DECQ", "CX")
		m.op("JNZ", row)
		m.ret()
	})
}

// pairRows writes the rounding of two rows at a time, whose elements of one column
// become a pair.
func (m x86) pairRows() {
	params := []param{{"pairs", "int", "CX"}, {"groups", "int", "R11"}, {"to", "*uint32", "DI"}, {"toRow", "int", "R12"}, {"toGroup", "int", "R13"},
		{"from", "*float32", "SI"}, {"row", "int", "R9"}}
	m.function("pairRowsAVX512", "rounds 2·pairs rows of 32·groups floats to bfloat16, two rows' elements of a column side by side.", "", params, func() {
		row, group := m.label("row"), m.label("group")
		for _, r := range []string{"R9", "R12", "R13"} {
			m.op("SHLQ", "$2", r)
		}
		const order, low, high = vec(2), vec(0), vec(1) // order takes lanes of low and high in turns
		m.set(high, counting{})
		m.shiftLeft(order, high, 16)
		m.addInt(order, order, high)
		m.addInt(order, order, word(16<<16))
		m.at(row)
		m.op("MOVQ", "SI", "DX")
		m.op("MOVQ", "DI", "R8")
		m.op("MOVQ", "R11", "BX")
		m.at(group)
		for _, at := range []int{0, 64} {
			m.op("VMOVUPS", fmt.Sprintf("%d(DX)", at), m.vec(low))
			m.op("VMOVUPS", fmt.Sprintf("%d(DX)(R9*1)", at), m.vec(high))
			m.evex("VCVTNE2PS2BF16", prefixF2, 0x72, low, high, low)
			m.op("VPERMW", m.vec(low), m.vec(order), m.vec(low))
			m.op("VMOVUPS", m.vec(low), fmt.Sprintf("%d(R8)", at))
		}
		m.op("ADDQ", "$128", "DX")
		m.op("ADDQ", "R13", "R8")
		m.op("DECQ", "BX")
		m.op("JNZ", group)
		m.op("LEAQ", "(SI)(R9*2)", "SI")
		m.op("ADDQ", "R12", "DI")
		m.op("DECQ", "CX")
		m.op("JNZ", row)
		m.ret()
	})
}

// pairAdd is d += a·b of pairs of bfloat16.
func (m x86) pairAdd(d, a, b vec) { m.evex("VDPBF16PS", prefixF3, 0x52, d, a, b) }

// The prefixes that tell instructions of one code apart, as EVEX has them.
const (
	prefixF3 = 2
	prefixF2 = 3
)

// evex writes an instruction of the map 0F38 on whole registers: d = a ∘ b, or d = ∘ b
// where a is 0. Registers above 15 are told by bits that are inverted.
func (m x86) evex(name string, prefix, code int, d, a, b vec) {
	inverted := func(v vec, bit, to int) int { return (^int(v) >> bit & 1) << to }
	first := inverted(d, 3, 7) | inverted(b, 4, 6) | inverted(b, 3, 5) | inverted(d, 4, 4) | 2
	second := (^int(a)&15)<<3 | 4 | prefix
	third := 2<<5 | inverted(a, 4, 3)
	direct := 3<<6 | int(d&7)<<3 | int(b&7)
	fmt.Fprintf(&m.code, "\t// %s Z%d, Z%d, Z%d\n\t", name, b, a, d)
	for i, x := range []int{0x62, first, second, third, code, direct} {
		if i > 0 {
			m.code.WriteString("; ")
		}
		fmt.Fprintf(&m.code, "BYTE $%#02x", x)
	}
	m.code.WriteByte('\n')
}
