package generate

import (
	"fmt"
	"math"
)

// neon is arm64 with its vectors of 4 lanes. R0 is the offset in bytes into all
// slices, R1 to R8 the pointers, R9 the width, R10 the count, R11 scratch and R12
// the table of constants; V30 and V31 are scratch, too. There are no masks: the
// last lanes are done one by one, in the first lane of a vector, the others being
// 0. Go's assembler lacks most instructions for floats in vectors; those are
// written as words.
type neon struct{ *writer }

func newNEON() neon { return neon{newWriter("NEON", "arm64", 4)} }

// Instructions of three registers, as words: register d is in the lowest five
// bits, n in the next, m from bit 16 on.
const (
	fadd   = 0x4e20d400
	fsub   = 0x4ea0d400
	fmul   = 0x6e20dc00
	fdiv   = 0x6e20fc00
	fmla   = 0x4e20cc00
	fmls   = 0x4ea0cc00
	faddp  = 0x6e20d400
	fmaxp  = 0x6e20f400
	fcmgt  = 0x6ea0e400
	fcmge  = 0x6e20e400
	addw   = 0x4ea08400
	addp   = 0x4ea0bc00
	mulw   = 0x4ea09c00
	cmgt   = 0x4ea03400
	ushl   = 0x6ea04400
	eor    = 0x6e201c00
	and    = 0x4e201c00
	orr    = 0x4ea01c00
	bic    = 0x4e601c00
	bit    = 0x6ea01c00 // d = n where m
	smull  = 0x0e20c000
	smull2 = 0x4e20c000
)

// Instructions of two registers.
const (
	fsqrt  = 0x6ea1f800
	fneg   = 0x6ea0f800
	frintn = 0x4e218800
	frintm = 0x4e219800
	fcvtns = 0x4e21a800
	scvtf  = 0x4e21d800
	sadalp = 0x4e606800
	dup    = 0x4e040400 // the first lane in all lanes
)

// Shifts; the distance is in the bits from 16 on.
const (
	shl  = 0x4f005400
	ushr = 0x6f000400
)

// Vectors at a pointer plus R0.
const (
	ldr = 0x3ce06800
	str = 0x3ca06800
)

const (
	spare0 = vec(31)
	spare1 = vec(30)
)

// word writes an instruction as a word, with what it means.
func (m neon) word(code uint32, meaning string) {
	m.op(fmt.Sprintf("WORD $%#08x", code) + " // " + meaning)
}

var names = map[uint32]string{
	fadd: "FADD", fsub: "FSUB", fmul: "FMUL", fdiv: "FDIV", fmla: "FMLA", fmls: "FMLS", faddp: "FADDP", fmaxp: "FMAXP",
	fcmgt: "FCMGT", fcmge: "FCMGE", addw: "ADD", addp: "ADDP", mulw: "MUL", cmgt: "CMGT", ushl: "USHL", and: "AND", eor: "EOR", orr: "ORR",
	bic: "BIC", bit: "BIT", smull: "SMULL", smull2: "SMULL2", fsqrt: "FSQRT", fneg: "FNEG", frintn: "FRINTN", frintm: "FRINTM",
	fcvtns: "FCVTNS", scvtf: "SCVTF", sadalp: "SADALP", dup: "DUP", shl: "SHL", ushr: "USHR", ldr: "LDR", str: "STR",
}

func (m neon) three(code uint32, d, n, b vec) {
	m.word(code|uint32(b)<<16|uint32(n)<<5|uint32(d), fmt.Sprintf("%s V%d, V%d, V%d", names[code], d, n, b))
}

func (m neon) two(code uint32, d, n vec) {
	m.word(code|uint32(n)<<5|uint32(d), fmt.Sprintf("%s V%d, V%d", names[code], d, n))
}

func (p ptr) onARM() string { return fmt.Sprintf("R%d", p+1) }

func (g general) onARM() string { return [...]string{count: "R10", width: "R9"}[g] }

func f(v vec) string { return fmt.Sprintf("F%d", v) }

// operand gives a register; a constant is loaded to scratch.
func (m neon) operand(x any) vec {
	if v, ok := x.(vec); ok {
		return v
	}
	m.op("FMOVQ", fmt.Sprintf("%d(R12)", m.constant(x)), f(spare0))
	return spare0
}

func (m neon) function(name, comment, result string, params []param, body func()) {
	m.begin(name, comment, result, params)
	for _, p := range params {
		from := m.place(p.name)
		switch r := p.reg.(type) {
		case ptr:
			m.op("MOVD", from, r.onARM())
		case general:
			m.op("MOVD", from, r.onARM())
		case string:
			m.op("MOVD", from, r)
		case vec:
			m.op("FMOVS", from, f(r))
			m.two(dup, r, r)
		}
	}
	m.op("MOVD", "$constants<>(SB)", "R12")
	body()
}

func (m neon) ret() { m.op("RET") }

func (m neon) give(v vec) {
	m.op("FMOVS", f(v), m.place("ret"))
	m.ret()
}

func (m neon) recount(n string) { m.op("MOVD", m.place(n), "R10") }
func (m neon) countWidth()      { m.op("MOVD", "R9", "R10") }

func (m neon) again(label, counter string) {
	m.op("MOVD", m.place(counter), "R11")
	m.op("SUBS", "$1", "R11", "R11")
	m.op("MOVD", "R11", m.place(counter))
	m.op("BNE", label)
}

func (m neon) nextRow(ps ...ptr) {
	for _, p := range ps {
		m.op("ADD", "R9<<2", p.onARM(), p.onARM())
	}
}

func (m neon) nextFloat(ps ...ptr) {
	for _, p := range ps {
		m.op("ADD", "$4", p.onARM(), p.onARM())
	}
}

func (m neon) loop(unroll int, body func(l lanes)) {
	many, one, last, end := m.label("many"), m.label("one"), m.label("last"), m.label("end")
	block := func(l lanes, bytes int) {
		body(l)
		m.op("ADD", fmt.Sprintf("$%d", bytes), "R0", "R0")
	}
	m.op("MOVD", "ZR", "R0")
	if unroll > 1 {
		m.at(many)
		m.op("CMP", fmt.Sprintf("$%d", 4*unroll), "R10")
		m.op("BLT", one)
		for u := range unroll {
			block(lanes{u: u}, 16)
		}
		m.op("SUB", fmt.Sprintf("$%d", 4*unroll), "R10", "R10")
		m.op("B", many)
	}
	m.at(one)
	m.op("CMP", "$4", "R10")
	m.op("BLT", last)
	block(lanes{}, 16)
	m.op("SUB", "$4", "R10", "R10")
	m.op("B", one)
	m.at(last)
	m.op("CBZ", "R10", end)
	block(lanes{masked: true}, 4)
	m.op("SUB", "$1", "R10", "R10")
	m.op("B", last)
	m.at(end)
}

// element gives the word of a load or store at a pointer plus the offset.
func (m neon) element(code uint32, v vec, p ptr) {
	m.word(code|uint32(p+1)<<5|uint32(v), fmt.Sprintf("%s Q%d, [R%d, R0]", names[code], v, p+1))
}

func (m neon) load(l lanes, p ptr, v vec) {
	if l.masked {
		m.op("FMOVS", "("+p.onARM()+")(R0)", f(v)) // the other lanes become 0
	} else {
		m.element(ldr, v, p)
	}
}

func (m neon) store(l lanes, v vec, p ptr) {
	if l.masked {
		m.op("FMOVS", f(v), "("+p.onARM()+")(R0)")
	} else {
		m.element(str, v, p)
	}
}

func (m neon) drop(l lanes, v vec) {
	if l.masked {
		m.op("FMOVS", f(v), f(v))
	}
}

func (m neon) dropTo(l lanes, v vec, to num, spare vec) {
	if l.masked {
		m.set(spare, to)
		m.op("VMOV", fmt.Sprintf("V%d.S[0]", v), fmt.Sprintf("V%d.S[0]", spare))
		m.set(v, spare)
	}
}

func (m neon) loadAll(p ptr, v vec) {
	m.op("VLD1R", "("+p.onARM()+")", fmt.Sprintf("[V%d.S4]", v))
}

func (m neon) storeFirst(v vec, p ptr) { m.op("FMOVS", f(v), "("+p.onARM()+")") }

func (m neon) set(d vec, x any) {
	switch x := x.(type) {
	case vec:
		m.three(orr, d, x, x)
	case num:
		if x == 0 {
			m.three(eor, d, d, d)
			return
		}
		m.op("FMOVQ", fmt.Sprintf("%d(R12)", m.constant(x)), f(d))
	default:
		m.op("FMOVQ", fmt.Sprintf("%d(R12)", m.constant(x)), f(d))
	}
}

func (m neon) add(d, a vec, b any)    { m.three(fadd, d, a, m.operand(b)) }
func (m neon) sub(d, a, b vec)        { m.three(fsub, d, a, b) }
func (m neon) mul(d, a vec, b any)    { m.three(fmul, d, a, m.operand(b)) }
func (m neon) div(d, a, b vec)        { m.three(fdiv, d, a, b) }
func (m neon) sqrt(d, a vec)          { m.two(fsqrt, d, a) }
func (m neon) mulAdd(d, a vec, b any) { m.three(fmla, d, a, m.operand(b)) }
func (m neon) mulSub(d, a vec, b any) { m.three(fmls, d, a, m.operand(b)) }
func (m neon) negate(d vec)           { m.two(fneg, d, d) }
func (m neon) round(d, a vec)         { m.two(frintn, d, a) }

func (m neon) fraction(d, a vec) {
	m.two(frintm, spare1, a)
	m.sub(d, a, spare1)
}

func (m neon) scalePower(d, a, spare vec) {
	m.two(frintm, spare, a)
	m.toInt(spare, spare)
	m.shiftLeft(spare, spare, 23)
	m.addInt(d, d, spare)
	m.zeroBelow(d, a, -126, spare)
	m.putAbove(d, a, word(belowPower), num(math.Inf(1)), spare)
}

func (m neon) mulTo(d, a vec, b any) {
	m.set(spare1, b)
	m.three(fmla, spare1, d, a)
	m.set(d, spare1)
}

func (m neon) mulToLess(d, a, b vec) {
	m.two(fneg, spare1, b)
	m.three(fmla, spare1, d, a)
	m.set(d, spare1)
}

func (m neon) larger(d, a vec) {
	m.three(fcmgt, spare1, a, d)
	m.three(bit, d, a, spare1)
}

func (m neon) subFrom(d vec, a num, b vec) { m.three(fsub, d, m.operand(a), b) }

func (m neon) total(_, v vec) {
	m.three(faddp, v, v, v)
	m.three(faddp, v, v, v)
}

func (m neon) largest(_, v vec) {
	m.three(fmaxp, v, v, v)
	m.three(fmaxp, v, v, v)
}

func (m neon) zeroBelow(d, x vec, c num, spare vec) {
	m.three(fcmgt, spare, m.operand(c), x)
	m.three(bic, d, d, spare)
}

func (m neon) putAbove(d, x vec, c, to any, spare vec) {
	m.three(fcmgt, spare, x, m.operand(c))
	m.three(bit, d, m.operand(to), spare)
}

func (m neon) toInt(d, a vec)             { m.two(fcvtns, d, a) }
func (m neon) shiftLeft(d, a vec, n int)  { m.shift(shl, 32+n, d, a, n) }
func (m neon) shiftRight(d, a vec, n int) { m.shift(ushr, 64-n, d, a, n) }
func (m neon) addInt(d, a vec, b any)     { m.three(addw, d, a, m.operand(b)) }
func (m neon) mulInt(d, a vec, b any)     { m.three(mulw, d, a, m.operand(b)) }
func (m neon) xor(d, a vec, b any)        { m.three(eor, d, a, m.operand(b)) }

// shift writes a shift by n bits; coded is what stands in the word for that.
func (m neon) shift(code uint32, coded int, d, a vec, n int) {
	m.word(code|uint32(coded)<<16|uint32(a)<<5|uint32(d), fmt.Sprintf("%s V%d, V%d, #%d", names[code], d, a, n))
}

func (m neon) zeroWhereLess(d, a, b, spare vec) {
	m.three(cmgt, spare, b, a)
	m.three(bic, d, d, spare)
}

// own writes tiles and scans.
func (m neon) own() {
	for _, rows := range []int{8, 4, 2, 1} {
		m.tile(rows)
	}
	for _, n := range []int{1, 2} {
		m.scan(n)
	}
}
