package generate

import "fmt"

// A tile of C is some rows of one or two vectors. Its sums, two vectors of B and
// one or two of A fill the registers: 6×2 of the 16 of AVX2, 12×2 of the 32 of
// AVX-512. Other heights are for the rows that are left.
func (m x86) heights() []int {
	if m.wide() {
		return []int{12, 8, 4, 2, 1}
	}
	return []int{6, 5, 4, 3, 2, 1}
}

// columns says how the columns of a tile are held.
type columns struct {
	name    string
	vectors int  // registers a row
	masked  bool // the last of them is not full
	scratch int  // registers for A
	pairs   bool // an element is two in bfloat16
}

func (m x86) tiles() {
	for _, rows := range m.heights() {
		m.tile(rows, columns{"", 2, false, 2, false})
		m.tile(rows, columns{"Wide", 2, true, 1, false})
		m.tile(rows, columns{"Narrow", 1, true, 2, false})
	}
}

// tile writes the micro-kernel for a tile of C of some rows. A may have any two
// strides, so one kernel does for A and its transpose; rows of B are contiguous.
func (m x86) tile(rows int, cols columns) {
	n := m.lanes
	what := map[string]string{
		"":       fmt.Sprintf("%d columns", 2*n),
		"Wide":   fmt.Sprintf("%d to %d columns", n+1, 2*n-1),
		"Narrow": fmt.Sprintf("1 to %d columns", n),
		"Pairs":  fmt.Sprintf("%d columns, both of pairs in bfloat16,", 2*n),
	}[cols.name]
	name := fmt.Sprintf("tile%d%s%s", rows, cols.name, m.suffix)
	comment := fmt.Sprintf("multiplies A of height %d with %s of B: C = A·B, or C += when add is not 0.", rows, what)
	params := []param{{"k", "int", nil}, {"a", "*float32", "SI"}, {"aRow", "int", "R9"}, {"aCol", "int", "R8"},
		{"b", "*float32", "DI"}, {"bRow", "int", "R11"}, {"c", "*float32", "DX"}, {"cRow", "int", "R12"},
		{"cols", "int", "R13"}, {"add", "int", nil}}
	m.function(name, comment, "", params, func() {
		for _, r := range []string{"R8", "R9", "R11", "R12"} {
			m.op("SHLQ", "$2", r)
		}
		if cols.masked {
			if cols.vectors == 2 {
				m.op("SUBQ", fmt.Sprintf("$%d", n), "R13")
			}
			m.mask("R13")
		}
		m.op("MOVQ", m.place("k"), "CX")
		for i := range rows * cols.vectors {
			m.set(vec(i), num(0))
		}
		m.rowPointers(rows)
		m.fourAtATime(func() { m.tileStep(rows, cols) })
		m.storeTile(rows, cols)
	})
}

// The registers of a tile: the sums, then B, then A.
func (cols columns) sum(i, j int) vec      { return vec(i*cols.vectors + j) }
func (cols columns) b(rows, j int) vec     { return vec(rows*cols.vectors + j) }
func (cols columns) a(rows int, i int) vec { return vec((rows+1)*cols.vectors + i%cols.scratch) }

// rowPointers points R10, R13 and AX to rows 3, 6 and 9 of A; SI is row 0.
func (m x86) rowPointers(rows int) {
	from := "SI"
	for i, to := range []string{"R10", "R13", "AX"} {
		if rows > 3*(i+1) {
			m.op("LEAQ", "("+from+")(R9*2)", to)
			m.op("ADDQ", "R9", to)
		}
		from = to
	}
}

// rowOf gives the operand of row i of A; R9 is the stride.
func rowOf(i int) string {
	return "(" + []string{"SI", "R10", "R13", "AX"}[i/3] + ")" + []string{"", "(R9*1)", "(R9*2)"}[i%3]
}

// tileStep adds the products of one column of A and one row of B.
func (m x86) tileStep(rows int, cols columns) {
	for j := range cols.vectors {
		last := j == cols.vectors-1
		m.loadFrom(cols.masked && last, fmt.Sprintf("%d(DI)", 4*m.lanes*j), m.vec(cols.b(rows, j)))
	}
	m.op("ADDQ", "R11", "DI")
	for i := range rows {
		a := cols.a(rows, i)
		m.op("VBROADCASTSS", rowOf(i), m.vec(a))
		for j := range cols.vectors {
			if cols.pairs {
				m.pairAdd(cols.sum(i, j), a, cols.b(rows, j))
			} else {
				m.mulAdd(cols.sum(i, j), a, cols.b(rows, j))
			}
		}
	}
	for i, r := range []string{"SI", "R10", "R13", "AX"} {
		if rows > 3*i {
			m.op("ADDQ", "R8", r)
		}
	}
}

// fourAtATime repeats a step CX times, four in a round.
func (m x86) fourAtATime(step func()) {
	many, rest, one, done := m.label("many"), m.label("rest"), m.label("one"), m.label("done")
	m.op("MOVQ", "CX", "BX")
	m.op("SHRQ", "$2", "BX")
	m.op("JZ", rest)
	m.op("PCALIGN", "$32")
	m.at(many)
	for range 4 {
		step()
	}
	m.op("DECQ", "BX")
	m.op("JNZ", many)
	m.at(rest)
	m.op("ANDQ", "$3", "CX")
	m.op("JZ", done)
	m.at(one)
	step()
	m.op("DECQ", "CX")
	m.op("JNZ", one)
	m.at(done)
}

// storeTile writes the sums to C, or adds them.
func (m x86) storeTile(rows int, cols columns) {
	store := m.label("store")
	m.op("MOVQ", m.place("add"), "AX")
	m.op("TESTQ", "AX", "AX")
	m.op("JZ", store)
	each := func(f func(place string, sum vec, masked bool)) {
		m.op("MOVQ", "DX", "BX")
		for i := range rows {
			for j := range cols.vectors {
				f(fmt.Sprintf("%d(BX)", 4*m.lanes*j), cols.sum(i, j), cols.masked && j == cols.vectors-1)
			}
			if i < rows-1 {
				m.op("ADDQ", "R12", "BX")
			}
		}
	}
	scratch := cols.b(rows, 0)
	each(func(place string, sum vec, masked bool) {
		m.loadFrom(masked, place, m.vec(scratch))
		m.add(sum, sum, scratch)
	})
	m.at(store)
	each(func(place string, sum vec, masked bool) { m.storeTo(masked, m.vec(sum), place) })
	m.ret()
}

// transpose writes the packing of B transposed: eight rows become eight columns
// of a panel.
func (m x86) transpose() {
	y := func(i int) string { return m.vec(vec(i)) }
	params := []param{{"blocks", "int", "CX"}, {"to", "*float32", "DI"}, {"toRow", "int", "R12"}, {"from", "*float32", "SI"}, {"row", "int", "R9"}}
	m.function("transpose8", "writes 8·blocks columns of eight rows as rows of eight, toRow floats apart.", "", params, func() {
		m.op("SHLQ", "$2", "R9")
		m.op("SHLQ", "$2", "R12")
		m.op("LEAQ", "(SI)(R9*2)", "R10")
		m.op("ADDQ", "R9", "R10")
		m.op("LEAQ", "(R10)(R9*2)", "R11")
		m.op("ADDQ", "R9", "R11")
		loop := m.label("loop")
		m.at(loop)
		for i, row := range []string{"(SI)", "(SI)(R9*1)", "(SI)(R9*2)", "(R10)", "(R10)(R9*1)", "(R10)(R9*2)", "(R11)", "(R11)(R9*1)"} {
			m.op("VMOVUPS", row, y(i))
		}
		for i := 0; i < 8; i += 2 { // pairs of rows
			m.op("VUNPCKLPS", y(i+1), y(i), y(8+i))
			m.op("VUNPCKHPS", y(i+1), y(i), y(9+i))
		}
		for i := 0; i < 8; i += 4 { // fours
			for j := range 2 {
				m.op("VSHUFPS", "$0x44", y(10+i+j), y(8+i+j), y(i+2*j))
				m.op("VSHUFPS", "$0xee", y(10+i+j), y(8+i+j), y(i+2*j+1))
			}
		}
		for half, lanes := range []string{"$0x20", "$0x31"} { // eights
			for i := range 4 {
				m.op("VPERM2F128", lanes, y(4+i), y(i), y(8+4*half+i))
			}
		}
		for i := range 8 {
			m.op("VMOVUPS", y(8+i), "(DI)")
			m.op("ADDQ", "R12", "DI")
		}
		for _, r := range []string{"SI", "R10", "R11"} {
			m.op("ADDQ", "$32", r)
		}
		m.op("DECQ", "CX")
		m.op("JNZ", loop)
		m.ret()
	})
}

// rowProducts writes the product of one row with four rows at a time: for one
// query and many vectors packing would cost more than it brings.
func (m x86) rowProducts() {
	y := func(i int) string { return m.vec(vec(i)) }
	params := []param{{"groups", "int", "R12"}, {"n", "int", "R13"}, {"y", "*float32", "DI"}, {"a", "*float32", "SI"},
		{"b", "*float32", "DX"}, {"row", "int", "R8"}, {"add", "int", "R11"}}
	m.function("rowProducts", "computes y[j] = a·b[j] for 4·groups rows of b, or y[j] += when add is not 0; all have n floats.", "", params, func() {
		m.op("SHLQ", "$2", "R8")
		group, plain := m.label("group"), m.label("plain")
		m.at(group)
		m.op("MOVQ", "R13", "CX")
		m.op("LEAQ", "(DX)(R8*1)", "R9")
		m.op("LEAQ", "(DX)(R8*2)", "R10")
		m.op("LEAQ", "(R9)(R8*2)", "BX")
		m.op("PREFETCHT0", "(DX)(R8*4)")
		for i := range vec(4) {
			m.set(i, num(0))
		}
		body := func(l lanes, fourth string) {
			m.loadFrom(l.masked, m.element(l, "SI"), "Y4")
			for i, p := range []string{"DX", "R9", "R10", fourth} {
				m.loadFrom(l.masked, m.element(l, p), "Y5")
				m.op("VFMADD231PS", "Y5", "Y4", y(i))
			}
		}
		// The mask needs BX, so the fourth pointer moves to CX for the last lanes.
		one, last, end := m.label("one"), m.label("last"), m.label("end")
		m.op("XORQ", "AX", "AX")
		m.at(one)
		m.op("CMPQ", "CX", "$8")
		m.op("JLT", last)
		body(lanes{}, "BX")
		m.op("ADDQ", "$32", "AX")
		m.op("SUBQ", "$8", "CX")
		m.op("JMP", one)
		m.at(last)
		m.op("TESTQ", "CX", "CX")
		m.op("JZ", end)
		m.mask("CX")
		m.op("LEAQ", "(R9)(R8*2)", "CX")
		body(lanes{masked: true}, "CX")
		m.at(end)
		m.op("VHADDPS", "Y1", "Y0", "Y0")
		m.op("VHADDPS", "Y3", "Y2", "Y2")
		m.op("VHADDPS", "Y2", "Y0", "Y0")
		m.op("VEXTRACTF128", "$1", "Y0", "X1")
		m.op("VADDPS", "X1", "X0", "X0")
		m.op("TESTQ", "R11", "R11")
		m.op("JZ", plain)
		m.op("VADDPS", "(DI)", "X0", "X0")
		m.at(plain)
		m.op("VMOVUPS", "X0", "(DI)")
		m.op("ADDQ", "$16", "DI")
		m.op("LEAQ", "(DX)(R8*4)", "DX")
		m.op("DECQ", "R12")
		m.op("JNZ", group)
		m.ret()
	})
}
