package generate

// machine turns the operations of the bodies into instructions of one kind of
// processor.
type machine interface {
	text() *writer

	// function writes a function; the body ends with give or ret.
	function(name, comment, result string, params []param, body func())
	ret()
	give(v vec) // returns the first lane as a float32

	// loop runs body over count elements: unroll vectors a round, then one, then
	// the last lanes. Pointers keep their value.
	loop(unroll int, body func(l lanes))
	// recount makes count the parameter n again, for the next loop.
	recount(n string)
	// countWidth makes count the width, for a loop over one row.
	countWidth()
	// again jumps to the label until it has been reached as often as the
	// parameter says.
	again(label, counter string)
	nextRow(ps ...ptr)   // moves pointers by width floats
	nextFloat(ps ...ptr) // moves pointers by one float

	load(l lanes, p ptr, v vec)
	store(l lanes, v vec, p ptr)
	drop(l lanes, v vec)                      // makes lanes beyond the end 0
	dropTo(l lanes, v vec, to num, spare vec) // or that
	loadAll(p ptr, v vec)                     // one float into all lanes
	storeFirst(v vec, p ptr)                  // the first lane

	// An operand is a vec or a constant: num, word or counting.
	set(d vec, x any)
	add(d, a vec, b any)
	sub(d, a, b vec)
	subFrom(d vec, a num, b vec) // a-b
	mul(d, a vec, b any)
	div(d, a, b vec)
	sqrt(d, a vec)
	mulAdd(d, a vec, b any)     // d += a·b, rounded once
	mulSub(d, a vec, b any)     // d -= a·b, rounded once
	mulTo(d, a vec, b any)      // d = d·a + b, rounded once
	mulToLess(d, a, b vec)      // d = d·a - b, rounded once
	larger(d, a vec)            // d = a where that is larger: a NaN is not
	negate(d vec)               //
	round(d, a vec)             // to whole numbers, ties to even
	fraction(d, a vec)          // d = a - the whole number below it
	scalePower(d, a, spare vec) // d·2 to the power of the whole number below a, 0 for a below -126; destroys a
	total(spare, v vec)         // the sum of all lanes of v, in all lanes
	largest(spare, v vec)       // their maximum, in all lanes
	zeroBelow(d, x vec, c num, spare vec)
	putAbove(d, x vec, c, to any, spare vec) // d = to where x > c

	toInt(d, a vec) // rounds floats to whole numbers
	shiftLeft(d, a vec, n int)
	shiftRight(d, a vec, n int)
	addInt(d, a vec, b any)
	mulInt(d, a vec, b any)
	xor(d, a vec, b any)
	zeroWhereLess(d, a, b, spare vec) // d = 0 where a < b, as signed whole numbers

	// mark sets a bit for each lane of v that is not below least, in a loop from its
	// beginning on: 64 in a word at a pointer, which it moves. beginMarks comes before the
	// loop and endMarks after it.
	beginMarks()
	mark(l lanes, v, least, spare vec, words ptr)
	endMarks(words ptr)

	// own writes what is not made of these operations.
	own()
}

// vec is a vector register, ptr a pointer into a slice.
type (
	vec int
	ptr int
)

// general is a register for a whole number.
type general int

const (
	count general = iota // elements left
	width                // elements of a row
)

// Constants in all lanes: a float, the bits of a word, or 0, 1, 2 and so on.
type (
	num      float64
	word     uint32
	counting struct{}
)

// lanes is one vector of a loop: block u of an unrolled round, or the last one.
type lanes struct {
	u      int
	masked bool
}

// bodies writes all functions that work element by element.
func bodies(m machine) {
	vectors(m)
	activations(m)
	surveys(m)
	halves(m)
	logarithms(m)
	gates(m)
	norms(m)
	optimisers(m)
}

// function writes a function and its line in the table of the path: how it is
// called with slices, where ƒ stands for its name.
func function(m machine, name, comment, result, wire string, params []param, body func()) {
	w := m.text()
	full := name + w.suffix
	w.wires.WriteString("\t\t" + name + ": " + replaceName(wire, full) + ",\n")
	m.function(full, comment, result, params, body)
}

// step is how far the lanes l are from the next ones.
func (w *writer) step(l lanes) word {
	if l.masked {
		return 1 // on machines that do the last lanes one by one
	}
	return word(w.lanes)
}
