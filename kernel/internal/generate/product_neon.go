package generate

import "fmt"

// tile writes the micro-kernel for a tile of C of some rows and eight columns:
// sixteen sums at most in V0 to V15, a row of B in V24 and V25, A in V26 to V29.
// A may have any two strides; R1 to R8 point to its rows.
func (m neon) tile(rows int) {
	comment := fmt.Sprintf("multiplies A of height %d with 8 columns of B: C = A·B, or C += when add is not 0.", rows)
	params := []param{{"k", "int", "R10"}, {"a", "*float32", "R1"}, {"aRow", "int", "R0"}, {"aCol", "int", "R9"},
		{"b", "*float32", "R11"}, {"bRow", "int", "R13"}, {"c", "*float32", "R14"}, {"cRow", "int", "R15"},
		{"cols", "int", nil}, {"add", "int", "R16"}}
	m.function(fmt.Sprintf("tile%d%s", rows, m.suffix), comment, "", params, func() {
		for _, r := range []string{"R9", "R13", "R15"} {
			m.op("LSL", "$2", r, r)
		}
		for i := range rows - 1 {
			m.op("ADD", "R0<<2", fmt.Sprintf("R%d", i+1), fmt.Sprintf("R%d", i+2))
		}
		for i := range vec(2 * rows) {
			m.set(i, num(0))
		}
		step := m.label("step")
		m.at(step)
		m.op("FMOVQ", "(R11)", "F24")
		m.op("FMOVQ", "16(R11)", "F25")
		m.op("ADD", "R13", "R11", "R11")
		for i := range vec(rows) {
			a := 26 + i%4
			m.op("VLD1R.P", fmt.Sprintf("(R%d)(R9)", i+1), fmt.Sprintf("[V%d.S4]", a))
			m.mulAdd(2*i, a, vec(24))
			m.mulAdd(2*i+1, a, vec(25))
		}
		m.op("SUBS", "$1", "R10", "R10")
		m.op("BNE", step)
		m.storeTile(rows)
	})
}

// storeTile writes the sums to C, or adds them.
func (m neon) storeTile(rows int) {
	store := m.label("store")
	m.op("CBZ", "R16", store)
	m.op("MOVD", "R14", "R0")
	for i := range vec(rows) {
		for j := range vec(2) {
			m.op("FMOVQ", fmt.Sprintf("%d(R0)", 16*j), f(spare0))
			m.add(2*i+j, 2*i+j, spare0)
		}
		m.op("ADD", "R15", "R0", "R0")
	}
	m.at(store)
	for i := range vec(rows) {
		for j := range vec(2) {
			m.op("FMOVQ", f(2*i+j), fmt.Sprintf("%d(R14)", 16*j))
		}
		m.op("ADD", "R15", "R14", "R14")
	}
	m.ret()
}
