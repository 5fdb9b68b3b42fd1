package generate

import (
	"fmt"
	"math"
)

// x86 is a machine of 16 registers of 8 lanes (AVX2) or 32 of 16 (AVX-512).
// AX is the offset in bytes into all slices, CX the count, R13 the width, BX
// scratch. The mask of the last lanes is Y15, or K1; K2 is scratch.
type x86 struct {
	*writer
	reg string // Y or Z
}

func newAVX2() x86   { return x86{newWriter("AVX2", "amd64", 8), "Y"} }
func newAVX512() x86 { return x86{newWriter("AVX512", "amd64", 16), "Z"} }

func (m x86) wide() bool { return m.lanes == 16 }

func (m x86) vec(v vec) string { return fmt.Sprintf("%s%d", m.reg, v) }

// low names a part of a register: X or Y.
func low(part string, v vec) string { return fmt.Sprintf("%s%d", part, v) }

func (p ptr) onX86() string {
	return [...]string{"DI", "SI", "DX", "R8", "R9", "R10", "R11", "R12"}[p]
}

func (g general) onX86() string { return [...]string{count: "CX", width: "R13"}[g] }

// operand gives a register, or a constant in memory.
func (m x86) operand(x any) string {
	if v, ok := x.(vec); ok {
		return m.vec(v)
	}
	return fmt.Sprintf("constants<>+%d(SB)", m.constant(x))
}

// three writes an operation d = a ∘ b; only b may be a constant.
func (m x86) three(name string, d, a vec, b any) { m.op(name, m.operand(b), m.vec(a), m.vec(d)) }

func (m x86) function(name, comment, result string, params []param, body func()) {
	m.begin(name, comment, result, params)
	for _, p := range params {
		from := m.place(p.name)
		switch r := p.reg.(type) {
		case ptr:
			m.op("MOVQ", from, r.onX86())
		case general:
			m.op("MOVQ", from, r.onX86())
		case string:
			m.op("MOVQ", from, r)
		case vec:
			m.op("VBROADCASTSS", from, m.vec(r))
		}
	}
	body()
}

func (m x86) ret() {
	m.op("VZEROUPPER")
	m.op("RET")
}

func (m x86) give(v vec) {
	m.op("VMOVSS", low("X", v), m.place("ret"))
	m.ret()
}

func (m x86) recount(n string) { m.op("MOVQ", m.place(n), "CX") }
func (m x86) countWidth()      { m.op("MOVQ", "R13", "CX") }

func (m x86) again(label, counter string) {
	m.op("DECQ", m.place(counter))
	m.op("JNZ", label)
}

func (m x86) nextRow(ps ...ptr) {
	for _, p := range ps {
		m.op("LEAQ", "("+p.onX86()+")(R13*4)", p.onX86())
	}
}

func (m x86) nextFloat(ps ...ptr) {
	for _, p := range ps {
		m.op("ADDQ", "$4", p.onX86())
	}
}

// mask makes the mask of as many lanes as the register count says (0 to all),
// and destroys count and BX.
func (m x86) mask(count string) {
	if m.wide() {
		m.maskBits(count, "K1")
		return
	}
	m.op("LEAQ", "masks<>+32(SB)", "BX")
	m.op("SHLQ", "$2", count)
	m.op("SUBQ", count, "BX")
	m.op("VMOVUPS", "(BX)", "Y15")
}

// maskBits makes a mask of AVX-512.
func (m x86) maskBits(count, k string) {
	if count != "CX" {
		m.op("MOVQ", count, "CX")
	}
	m.op("MOVL", "$1", "BX")
	m.op("SHLL", "CX", "BX")
	m.op("DECL", "BX")
	m.op("KMOVW", "BX", k)
}

func (m x86) loop(unroll int, body func(l lanes)) {
	many, one, last, end := m.label("many"), m.label("one"), m.label("last"), m.label("end")
	n := m.lanes
	m.op("XORQ", "AX", "AX")
	if unroll > 1 {
		round := fmt.Sprintf("$%d", n*unroll)
		m.op("CMPQ", "CX", round)
		m.op("JLT", one)
		m.op("PCALIGN", "$32")
		m.at(many)
		for u := range unroll {
			body(lanes{u: u})
		}
		m.op("ADDQ", fmt.Sprintf("$%d", 4*n*unroll), "AX")
		m.op("SUBQ", round, "CX")
		m.op("CMPQ", "CX", round)
		m.op("JGE", many)
	}
	m.at(one)
	m.op("CMPQ", "CX", fmt.Sprintf("$%d", n))
	m.op("JLT", last)
	body(lanes{})
	m.op("ADDQ", fmt.Sprintf("$%d", 4*n), "AX")
	m.op("SUBQ", fmt.Sprintf("$%d", n), "CX")
	m.op("JMP", one)
	m.at(last)
	m.op("TESTQ", "CX", "CX")
	m.op("JZ", end)
	m.mask("CX")
	body(lanes{masked: true})
	m.at(end)
}

func (m x86) element(l lanes, p string) string {
	return fmt.Sprintf("%d(%s)(AX*1)", 4*m.lanes*l.u, p)
}

func (m x86) load(l lanes, p ptr, v vec)  { m.loadFrom(l.masked, m.element(l, p.onX86()), m.vec(v)) }
func (m x86) store(l lanes, v vec, p ptr) { m.storeTo(l.masked, m.vec(v), m.element(l, p.onX86())) }

// loadFrom reads a vector; lanes that the mask leaves out become 0.
func (m x86) loadFrom(masked bool, from, v string) {
	switch {
	case !masked:
		m.op("VMOVUPS", from, v)
	case m.wide():
		m.op("VMOVUPS.Z", from, "K1", v)
	default:
		m.op("VMASKMOVPS", from, "Y15", v)
	}
}

// storeTo writes a vector, or what the mask says of it.
func (m x86) storeTo(masked bool, v, to string) {
	switch {
	case !masked:
		m.op("VMOVUPS", v, to)
	case m.wide():
		m.op("VMOVUPS", v, "K1", to)
	default:
		m.op("VMASKMOVPS", v, "Y15", to)
	}
}

func (m x86) drop(l lanes, v vec) {
	switch {
	case !l.masked:
	case m.wide():
		m.op("VMOVAPS.Z", m.vec(v), "K1", m.vec(v))
	default:
		m.op("VANDPS", "Y15", m.vec(v), m.vec(v))
	}
}

func (m x86) dropTo(l lanes, v vec, to num, spare vec) {
	if !l.masked {
		return
	}
	m.set(spare, to)
	if m.wide() {
		m.op("VMOVAPS", m.vec(v), "K1", m.vec(spare))
		m.set(v, spare)
	} else {
		m.op("VBLENDVPS", "Y15", m.vec(v), m.vec(spare), m.vec(v))
	}
}

func (m x86) loadAll(p ptr, v vec)    { m.op("VBROADCASTSS", "("+p.onX86()+")", m.vec(v)) }
func (m x86) storeFirst(v vec, p ptr) { m.op("VMOVSS", low("X", v), "("+p.onX86()+")") }

func (m x86) set(d vec, x any) {
	switch x := x.(type) {
	case vec:
		m.op("VMOVAPS", m.vec(x), m.vec(d))
	case num:
		if x == 0 {
			m.op("VXORPS", m.vec(d), m.vec(d), m.vec(d))
			return
		}
		m.op("VMOVUPS", m.operand(x), m.vec(d))
	default:
		m.op("VMOVUPS", m.operand(x), m.vec(d))
	}
}

func (m x86) add(d, a vec, b any)    { m.three("VADDPS", d, a, b) }
func (m x86) sub(d, a, b vec)        { m.three("VSUBPS", d, a, b) }
func (m x86) mul(d, a vec, b any)    { m.three("VMULPS", d, a, b) }
func (m x86) div(d, a, b vec)        { m.three("VDIVPS", d, a, b) }
func (m x86) sqrt(d, a vec)          { m.op("VSQRTPS", m.vec(a), m.vec(d)) }
func (m x86) mulAdd(d, a vec, b any) { m.three("VFMADD231PS", d, a, b) }
func (m x86) mulSub(d, a vec, b any) { m.three("VFNMADD231PS", d, a, b) }
func (m x86) mulTo(d, a vec, b any)  { m.three("VFMADD213PS", d, a, b) }
func (m x86) mulToLess(d, a, b vec)  { m.three("VFMSUB213PS", d, a, b) }
func (m x86) larger(d, a vec)        { m.three("VMAXPS", d, a, d) } // of a NaN and d this gives d
func (m x86) negate(d vec)           { m.three("VXORPS", d, d, word(1<<31)) }

func (m x86) subFrom(d vec, a num, b vec) {
	m.set(d, a)
	m.sub(d, d, b)
}

func (m x86) round(d, a vec) {
	if m.wide() {
		m.op("VRNDSCALEPS", "$8", m.vec(a), m.vec(d))
	} else {
		m.op("VROUNDPS", "$8", m.vec(a), m.vec(d))
	}
}

func (m x86) fraction(d, a vec) {
	if m.wide() {
		m.op("VREDUCEPS", "$9", m.vec(a), m.vec(d))
	} else {
		m.op("VROUNDPS", "$9", m.vec(a), m.vec(d))
		m.sub(d, a, d)
	}
}

func (m x86) scalePower(d, a, spare vec) {
	if m.wide() {
		m.op("VCMPPS", "$0x15", m.operand(num(-126)), m.vec(a), "K2") // not less: NaN stays
		m.op("VSCALEFPS.Z", m.vec(a), m.vec(d), "K2", m.vec(d))
		return
	}
	m.op("VROUNDPS", "$9", m.vec(a), m.vec(spare))
	m.toInt(spare, spare)
	m.shiftLeft(spare, spare, 23)
	m.addInt(d, d, spare)
	m.zeroBelow(d, a, -126, spare)
	m.putAbove(d, a, word(belowPower), num(math.Inf(1)), spare)
}

// reduce combines all lanes of v and puts the result into all of them.
func (m x86) reduce(name string, spare, v vec) {
	if m.wide() {
		m.op("VEXTRACTF64X4", "$1", m.vec(v), low("Y", spare))
		m.op(name, low("Y", spare), low("Y", v), low("Y", v))
	}
	m.op("VEXTRACTF128", "$1", low("Y", v), low("X", spare))
	x, s := low("X", v), low("X", spare)
	m.op(name, s, x, x)
	m.op("VPERMILPS", "$0x4e", x, s)
	m.op(name, s, x, x)
	m.op("VPERMILPS", "$0xb1", x, s)
	m.op(name, s, x, x)
	m.op("VBROADCASTSS", x, m.vec(v))
}

func (m x86) total(spare, v vec)   { m.reduce("VADDPS", spare, v) }
func (m x86) largest(spare, v vec) { m.reduce("VMAXPS", spare, v) }

func (m x86) zeroBelow(d, x vec, c num, spare vec) {
	if m.wide() {
		m.op("VCMPPS", "$0x15", m.operand(c), m.vec(x), "K2") // not less: NaN stays
		m.op("VMOVAPS.Z", m.vec(d), "K2", m.vec(d))
		return
	}
	m.op("VCMPPS", "$0x11", m.operand(c), m.vec(x), m.vec(spare))
	m.op("VANDNPS", m.vec(d), m.vec(spare), m.vec(d))
}

func (m x86) putAbove(d, x vec, c, to any, spare vec) {
	if m.wide() {
		m.op("VCMPPS", "$0x1e", m.operand(c), m.vec(x), "K2")
		m.op("VMOVUPS", m.operand(to), "K2", m.vec(d))
		return
	}
	m.op("VCMPPS", "$0x1e", m.operand(c), m.vec(x), m.vec(spare))
	m.op("VBLENDVPS", m.vec(spare), m.operand(to), m.vec(d), m.vec(d))
}

func (m x86) toInt(d, a vec)             { m.op("VCVTPS2DQ", m.vec(a), m.vec(d)) }
func (m x86) shiftLeft(d, a vec, n int)  { m.op("VPSLLD", fmt.Sprintf("$%d", n), m.vec(a), m.vec(d)) }
func (m x86) shiftRight(d, a vec, n int) { m.op("VPSRLD", fmt.Sprintf("$%d", n), m.vec(a), m.vec(d)) }
func (m x86) addInt(d, a vec, b any)     { m.three("VPADDD", d, a, b) }
func (m x86) mulInt(d, a vec, b any)     { m.three("VPMULLD", d, a, b) }

func (m x86) xor(d, a vec, b any) {
	if m.wide() {
		m.three("VPXORD", d, a, b)
	} else {
		m.three("VPXOR", d, a, b)
	}
}

func (m x86) zeroWhereLess(d, a, b, spare vec) {
	if m.wide() {
		m.op("VPCMPD", "$5", m.vec(b), m.vec(a), "K2") // a ≥ b
		m.op("VMOVAPS.Z", m.vec(d), "K2", m.vec(d))
		return
	}
	m.op("VPCMPGTD", m.vec(a), m.vec(b), m.vec(spare))
	m.op("VANDNPS", m.vec(d), m.vec(spare), m.vec(d))
}

// own writes tiles, scans and what packs operands for them.
func (m x86) own() {
	m.tiles()
	m.scans()
	if m.wide() {
		m.rounded()
		return
	}
	m.transpose()
	m.rowProducts()
	m.sparse()
	for i := range 16 {
		x := "0x00000000"
		if i < 8 {
			x = "0xffffffff"
		}
		m.extra = fmt.Appendf(m.extra, "DATA masks<>+%d(SB)/4, $%s\n", 4*i, x)
	}
	m.extra = append(m.extra, "GLOBL masks<>(SB), RODATA|NOPTR, $64\n"...)
}
