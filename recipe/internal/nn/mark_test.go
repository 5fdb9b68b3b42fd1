package nn

import "testing"

// sayMarks gives the marks of a network, which begin at nothing, something to say.
func sayMarks(n *Net) *Net {
	for i := range n.v.marks {
		n.v.marks[i] = float32(i%7) - 3
	}
	return n
}

func TestMarked(t *testing.T) {
	n := sayMarks(New(Shape{Rows: 4, Dim: 2, Inner: 2, Heads: 1, Blocks: 1, Window: 5, Marks: markMost, Tau: 1}, 1))
	for mark := range markMost + 1 {
		token := Marked(1<<markShift-1, mark)
		if got := rowOf(token); got != 1<<markShift-1 {
			t.Errorf("mark %d: row %d", mark, got)
		}
		got := n.v.mark(token, n.Dim)
		if (got == nil) != (mark == 0) || got != nil && &got[0] != &n.v.marks[(mark-1)*n.Dim] {
			t.Errorf("mark %d says %v", mark, got)
		}
	}
	if a := Marked(3, 0); a != 3 {
		t.Errorf("row 3 without a mark is token %d", a)
	}
}

// A mark changes the answer, whichever token carries it.
func TestMarksCount(t *testing.T) {
	shape := small
	shape.Marks = 2
	n, _ := example(shape)
	sayMarks(n)
	seen := map[float32][]uint32{}
	for _, tokens := range [][]uint32{
		{1, 2, 3}, {1, 2, Marked(3, 1)}, {1, 2, Marked(3, 2)}, {1, Marked(2, 1), 3}, {Marked(1, 2), 2, 3},
	} {
		q := make([]float32, n.Dim)
		n.Encode(&Encoder{}, tokens, q)
		if same, ok := seen[q[0]]; ok {
			t.Errorf("tokens %x say what %x say", tokens, same)
		}
		seen[q[0]] = tokens
	}
}
