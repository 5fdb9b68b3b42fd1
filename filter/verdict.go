package filter

import "usher/dataset"

// Verdict is what one expression of a filter says of a record.
type Verdict struct {
	Expression string // as it was written
	Include    bool
	Counts     bool // its IF holds, and an EXCLUDE lacks no value
	Matches    bool // its conditions hold of the record
}

// Judge tells what each expression says of one record, for people who ask why it
// stays or goes. Of several records Narrow is told the same at once.
func (p *Program) Judge(i dataset.Index, v *View, at At, args map[string]string) ([]Verdict, error) {
	values, err := p.arguments(args)
	if err != nil {
		return nil, err
	}
	n := p.narrowing(v, at, values, int(i)/64+1)
	bits := borrow(n.words)
	defer giveBack(bits)
	var out []Verdict
	for _, e := range p.expressions {
		clear(bits)
		on, err := n.expression(e, bits)
		if err != nil {
			return nil, err
		}
		out = append(out, Verdict{e.text, e.include, on, on && bits[i>>6]>>(i&63)&1 != 0})
	}
	return out, nil
}

// Stays says whether what is judged so goes through the filter.
func Stays(verdicts []Verdict) bool {
	included, in := false, false
	for _, v := range verdicts {
		if v.Matches && !v.Include {
			return false
		}
		included = included || v.Counts && v.Include
		in = in || v.Matches && v.Include
	}
	return in || !included
}
