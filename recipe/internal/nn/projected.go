package nn

import "usher/kernel"

// projected is what the first block makes of each row of the table before its attention:
// queries, keys, values and gates, d of each. Where the block multiplies in bfloat16 they
// are rounded to that, too: rows lie anywhere in memory, so what counts is how many bytes
// they have. Which of the slices there is says which it is.
type projected struct {
	floats []float32 // (Rows,4d)
	halves []uint32  // (Rows,2d): by kernel.Narrow the 3d of a row that are not gates, then these
}

// halves says whether what enters the first block's attention is rounded.
func (n *Net) halves() bool { return n.Blocks > 1 && n.roundedOf(0).query != nil }

// ProjectedBytes is the memory that Project takes.
func (n *Net) ProjectedBytes() int {
	if n.halves() {
		return 8 * n.Rows * n.Dim
	}
	return 16 * n.Rows * n.Dim
}

// Project makes encoding quicker by a fifth: what the first block makes of a token
// before its attention does not depend on the token's place, so it is computed here
// for all rows of the table. It comes after Round, if that does. The network must not be
// trained afterwards.
func (n *Net) Project() {
	if n.Blocks < 2 {
		return
	}
	const together = 1024
	d := n.Dim
	p := &projected{}
	if n.halves() {
		p.halves = make([]uint32, n.Rows*2*d)
	} else {
		p.floats = make([]float32, n.Rows*4*d)
	}
	n.projected = p
	var tp tape
	var tokens []uint32
	x := make([]float32, together*d)
	for from := 0; from < n.Rows; from += together {
		tokens = tokens[:0]
		for r := from; r < min(from+together, n.Rows); r++ {
			tokens = append(tokens, uint32(r))
		}
		n.gather(x[:len(tokens)*d], tokens)
		n.projectFrom(0, 0, x[:len(tokens)*d], &tp)
		p.put(from, len(tokens), d, &tp)
	}
}

// put takes some rows from the tape, which it rounds where halves are kept.
func (p *projected) put(from, rows, d int, tp *tape) {
	if p.halves != nil {
		kernel.RoundHalf(tp.qkv)
		kernel.RoundHalf(tp.s)
	}
	for i := range rows {
		qkv, s := tp.qkv[i*3*d:(i+1)*3*d], tp.s[i*d:(i+1)*d]
		if p.halves == nil {
			to := p.floats[(from+i)*4*d:]
			copy(to, qkv)
			copy(to[3*d:], s)
			continue
		}
		to := p.halves[(from+i)*2*d:]
		kernel.Narrow(to[:3*d/2], qkv)
		kernel.Narrow(to[3*d/2:2*d], s)
	}
}

// fetch brings a row nearer.
func (p *projected) fetch(row, d int) {
	if p.halves != nil {
		kernel.Fetch(p.halves[row*2*d:][:2*d])
		return
	}
	kernel.Fetch(p.floats[row*4*d:][:4*d])
}

// get puts a row into qkv (3d) and s (d).
func (p *projected) get(row, d int, qkv, s []float32) {
	if p.halves != nil {
		from := p.halves[row*2*d:][:2*d]
		kernel.Widen(qkv, from[:3*d/2])
		kernel.Widen(s, from[3*d/2:])
		return
	}
	from := p.floats[row*4*d:][:4*d]
	copy(qkv, from)
	copy(s, from[3*d:])
}

// recall is project for the first block, from what Project made. Rows are fetched
// before their turn.
func (n *Net) recall(tokens []uint32, tp *tape) {
	const ahead = 4
	d := n.Dim
	room(&tp.qkv, len(tokens)*3*d)
	room(&tp.s, len(tokens)*d)
	for at, token := range tokens {
		if at+ahead < len(tokens) {
			n.projected.fetch(int(rowOf(tokens[at+ahead])), d)
		}
		n.projected.get(int(rowOf(token)), d, tp.qkv[at*3*d:(at+1)*3*d], tp.s[at*d:(at+1)*d])
	}
}
