package generate

import "fmt"

// tileRows and the sixteen columns of two registers make a tile of C: twelve
// sums, two registers of B and two of A use all sixteen registers.
const tileRows = 6

// columns says how the columns of a tile are held.
type columns struct {
	name    string
	vectors int  // registers a row
	masked  bool // the last of them has fewer than eight columns
	scratch int  // registers for A
}

// products writes the parts of matrix multiplication.
func products(w *writer) {
	for rows := 1; rows <= tileRows; rows++ {
		tile(w, rows, columns{"", 2, false, 2})
		tile(w, rows, columns{"Wide", 2, true, 1})
		tile(w, rows, columns{"Narrow", 1, true, 2})
	}
	transpose(w)
	rowProducts(w)
}

// tile writes the micro-kernel for a tile of C of some rows. A may have any two
// strides, so one kernel does for A and its transpose; rows of B are contiguous.
func tile(w *writer, rows int, cols columns) {
	what := map[string]string{
		"":       "sixteen columns",
		"Wide":   "nine to fifteen columns",
		"Narrow": "one to eight columns",
	}[cols.name]
	name := fmt.Sprintf("tile%d%s", rows, cols.name)
	comment := fmt.Sprintf("multiplies A of height %d with %s of B: C = A·B, or C += when add is not 0.", rows, what)
	params := []param{{"k", "int", "CX"}, {"a", "*float32", "SI"}, {"aRow", "int", "R9"}, {"aCol", "int", "R8"},
		{"b", "*float32", "DI"}, {"bRow", "int", "R11"}, {"c", "*float32", "DX"}, {"cRow", "int", "R12"},
		{"cols", "int", "R13"}, {"add", "int", ""}}
	w.function(name, comment, false, params, func() {
		for _, r := range []string{"R8", "R9", "R11", "R12"} {
			w.op("SHLQ", "$2", r)
		}
		if cols.masked {
			if cols.vectors == 2 {
				w.op("SUBQ", "$8", "R13")
			}
			w.mask("R13", "Y15")
		}
		sum := func(i, j int) string { return y(i*cols.vectors + j) }
		b := func(j int) string { return y(rows*cols.vectors + j) }
		for i := range rows * cols.vectors {
			w.zero(y(i))
		}
		if rows > 3 {
			w.op("LEAQ", "(SI)(R9*2)", "R10")
			w.op("ADDQ", "R9", "R10")
		}
		step := func() {
			for j := range cols.vectors {
				if cols.masked && j == cols.vectors-1 {
					w.op("VMASKMOVPS", fmt.Sprintf("%d(DI)", 32*j), "Y15", b(j))
				} else {
					w.op("VMOVUPS", fmt.Sprintf("%d(DI)", 32*j), b(j))
				}
			}
			w.op("ADDQ", "R11", "DI")
			for i := range rows {
				a := y(rows*cols.vectors + cols.vectors + i%cols.scratch)
				w.op("VBROADCASTSS", rowOf(i), a)
				for j := range cols.vectors {
					w.op("VFMADD231PS", b(j), a, sum(i, j))
				}
			}
			w.op("ADDQ", "R8", "SI")
			if rows > 3 {
				w.op("ADDQ", "R8", "R10")
			}
		}
		many, rest, one, done := w.label("many"), w.label("rest"), w.label("one"), w.label("done")
		w.op("MOVQ", "CX", "BX")
		w.op("SHRQ", "$2", "BX")
		w.op("JZ", rest)
		w.op("PCALIGN", "$32")
		w.at(many)
		for range 4 {
			step()
		}
		w.op("DECQ", "BX")
		w.op("JNZ", many)
		w.at(rest)
		w.op("ANDQ", "$3", "CX")
		w.op("JZ", done)
		w.at(one)
		step()
		w.op("DECQ", "CX")
		w.op("JNZ", one)
		w.at(done)
		storeTile(w, rows, cols, sum, b(0))
	})
}

// rowOf gives the operand of row i of A: SI is row 0, R10 row 3, R9 the stride.
func rowOf(i int) string {
	return []string{"(SI)", "(SI)(R9*1)", "(SI)(R9*2)", "(R10)", "(R10)(R9*1)", "(R10)(R9*2)"}[i]
}

// storeTile writes the sums to C, or adds them.
func storeTile(w *writer, rows int, cols columns, sum func(i, j int) string, scratch string) {
	store := w.label("store")
	w.op("MOVQ", "add+72(FP)", "AX")
	w.op("TESTQ", "AX", "AX")
	w.op("JZ", store)
	each := func(f func(place, sum string, masked bool)) {
		w.op("MOVQ", "DX", "BX")
		for i := range rows {
			for j := range cols.vectors {
				f(fmt.Sprintf("%d(BX)", 32*j), sum(i, j), cols.masked && j == cols.vectors-1)
			}
			if i < rows-1 {
				w.op("ADDQ", "R12", "BX")
			}
		}
	}
	each(func(place, sum string, masked bool) {
		if masked {
			w.op("VMASKMOVPS", place, "Y15", scratch)
			w.op("VADDPS", scratch, sum, sum)
		} else {
			w.op("VADDPS", place, sum, sum)
		}
	})
	w.at(store)
	each(func(place, sum string, masked bool) {
		if masked {
			w.op("VMASKMOVPS", sum, "Y15", place)
		} else {
			w.op("VMOVUPS", sum, place)
		}
	})
	w.ret()
}

// transpose writes the packing of B transposed: eight rows become eight columns
// of a panel.
func transpose(w *writer) {
	params := []param{{"blocks", "int", "CX"}, {"to", "*float32", "DI"}, {"from", "*float32", "SI"}, {"row", "int", "R9"}}
	w.function("transpose8", "writes 8·blocks columns of eight rows as rows of eight, sixteen floats apart.", false, params, func() {
		w.op("SHLQ", "$2", "R9")
		w.op("LEAQ", "(SI)(R9*2)", "R10")
		w.op("ADDQ", "R9", "R10")
		w.op("LEAQ", "(R10)(R9*2)", "R11")
		w.op("ADDQ", "R9", "R11")
		loop := w.label("loop")
		w.at(loop)
		for i, row := range []string{"(SI)", "(SI)(R9*1)", "(SI)(R9*2)", "(R10)", "(R10)(R9*1)", "(R10)(R9*2)", "(R11)", "(R11)(R9*1)"} {
			w.op("VMOVUPS", row, y(i))
		}
		for i := 0; i < 8; i += 2 { // pairs of rows
			w.op("VUNPCKLPS", y(i+1), y(i), y(8+i))
			w.op("VUNPCKHPS", y(i+1), y(i), y(9+i))
		}
		for i := 0; i < 8; i += 4 { // fours
			for j := range 2 {
				w.op("VSHUFPS", "$0x44", y(10+i+j), y(8+i+j), y(i+2*j))
				w.op("VSHUFPS", "$0xee", y(10+i+j), y(8+i+j), y(i+2*j+1))
			}
		}
		for i := range 4 { // eights
			w.op("VPERM2F128", "$0x20", y(4+i), y(i), y(8))
			w.op("VMOVUPS", y(8), fmt.Sprintf("%d(DI)", 64*i))
			w.op("VPERM2F128", "$0x31", y(4+i), y(i), y(9))
			w.op("VMOVUPS", y(9), fmt.Sprintf("%d(DI)", 64*(4+i)))
		}
		for _, r := range []string{"SI", "R10", "R11"} {
			w.op("ADDQ", "$32", r)
		}
		w.op("ADDQ", "$512", "DI")
		w.op("DECQ", "CX")
		w.op("JNZ", loop)
		w.ret()
	})
}

// rowProducts writes the product of one row with four rows at a time: for one
// query and many vectors packing would cost more than it brings.
func rowProducts(w *writer) {
	params := []param{{"groups", "int", "R12"}, {"n", "int", "R13"}, {"y", "*float32", "DI"}, {"a", "*float32", "SI"},
		{"b", "*float32", "DX"}, {"row", "int", "R8"}, {"add", "int", "R11"}}
	w.function("rowProducts", "computes y[j] = a·b[j] for 4·groups rows of b, or y[j] += when add is not 0; all have n floats.", false, params, func() {
		w.op("SHLQ", "$2", "R8")
		group, plain := w.label("group"), w.label("plain")
		w.at(group)
		w.op("MOVQ", "R13", "CX")
		w.op("LEAQ", "(DX)(R8*1)", "R9")
		w.op("LEAQ", "(DX)(R8*2)", "R10")
		w.op("LEAQ", "(R9)(R8*2)", "BX")
		w.op("PREFETCHT0", "(DX)(R8*4)")
		w.zero("Y0", "Y1", "Y2", "Y3")
		body := func(l lanes, last string) {
			l.load("SI", "Y4")
			for i, p := range []string{"DX", "R9", "R10", last} {
				if l.masked {
					l.load(p, "Y5")
					w.op("VFMADD231PS", "Y5", "Y4", y(i))
				} else {
					w.op("VFMADD231PS", l.place(p), "Y4", y(i))
				}
			}
		}
		// The mask needs BX, so the fourth pointer moves to CX for the last lanes.
		one, last, end := w.label("one"), w.label("last"), w.label("end")
		w.op("XORQ", "AX", "AX")
		w.at(one)
		w.op("CMPQ", "CX", "$8")
		w.op("JLT", last)
		body(lanes{w: w}, "BX")
		w.op("ADDQ", "$32", "AX")
		w.op("SUBQ", "$8", "CX")
		w.op("JMP", one)
		w.at(last)
		w.op("TESTQ", "CX", "CX")
		w.op("JZ", end)
		w.mask("CX", "Y15")
		w.op("LEAQ", "(R9)(R8*2)", "CX")
		body(lanes{w: w, masked: true}, "CX")
		w.at(end)
		w.op("VHADDPS", "Y1", "Y0", "Y0")
		w.op("VHADDPS", "Y3", "Y2", "Y2")
		w.op("VHADDPS", "Y2", "Y0", "Y0")
		w.op("VEXTRACTF128", "$1", "Y0", "X1")
		w.op("VADDPS", "X1", "X0", "X0")
		w.op("TESTQ", "R11", "R11")
		w.op("JZ", plain)
		w.op("VADDPS", "(DI)", "X0", "X0")
		w.at(plain)
		w.op("VMOVUPS", "X0", "(DI)")
		w.op("ADDQ", "$16", "DI")
		w.op("LEAQ", "(DX)(R8*4)", "DX")
		w.op("DECQ", "R12")
		w.op("JNZ", group)
		w.ret()
	})
}
