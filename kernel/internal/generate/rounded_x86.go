package generate

import "fmt"

// rounded writes the tiles of products in bfloat16 and what rounds for them. Go's
// assembler does not know the two instructions, so they are written as bytes.
func (m x86) rounded() {
	for _, rows := range m.heights() {
		m.tile(rows, columns{name: "Pairs", vectors: 2, scratch: 2, pairs: true})
	}
	params := []param{{"groups", "int", "CX"}, {"to", "*float32", "DI"}, {"from", "*float32", "SI"}}
	m.function("roundPairsAVX512", "rounds 16·groups floats to bfloat16.", "", params, func() {
		group := m.label("group")
		m.at(group)
		m.op("VMOVUPS", "(SI)", "Z0")
		m.evex("VCVTNEPS2BF16", 0x72, 0, 0, 0)
		m.op("VMOVUPS", "Y0", "(DI)")
		m.op("ADDQ", "$64", "SI")
		m.op("ADDQ", "$32", "DI")
		m.op("DECQ", "CX")
		m.op("JNZ", group)
		m.ret()
	})
}

// pairAdd is d += a·b of pairs of bfloat16.
func (m x86) pairAdd(d, a, b vec) { m.evex("VDPBF16PS", 0x52, d, a, b) }

// evex writes an instruction of the map 0F38 with prefix F3 on whole registers: d = a ∘
// b, or d = ∘ b where a is 0. Registers above 15 are told by bits that are inverted.
func (m x86) evex(name string, code int, d, a, b vec) {
	inverted := func(v vec, bit, to int) int { return (^int(v) >> bit & 1) << to }
	first := inverted(d, 3, 7) | inverted(b, 4, 6) | inverted(b, 3, 5) | inverted(d, 4, 4) | 2
	second := (^int(a)&15)<<3 | 4 | 2
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
